LIB_SOURCES += $(addprefix analyzer/proof/,blockers.c findings.c go_candidates.c go_crew.c \
	go_findings.c go_goroutine_roots.c go_hints.c go_leaks.c go_mark.c go_never.c go_paths.c \
	go_queued.c go_reach.c go_roots.c go_scans.c go_stack_maps.c go_stack_plans.c \
	go_thread_roots.c go_type_masks.c lock_findings.c names.c native_filter.c native_mark.c \
	native_memory.c native_reach.c native_scan.c native_stacks.c native_why.c premises.c \
	publish.c publish_go.c publish_go_waits.c publish_tasks.c reach_findings.c \
	reach_premises.c resources.c rule_verdicts.c wait_caveats.c wait_graph.c)
