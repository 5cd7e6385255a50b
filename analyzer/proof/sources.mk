LIB_SOURCES += $(addprefix analyzer/proof/,blockers.c findings.c go_findings.c lock_findings.c names.c \
	premises.c publish.c publish_go.c publish_go_waits.c rule_verdicts.c wait_graph.c)
