LIB_SOURCES += $(addprefix analyzer/task/,calls.c go_ancestors.c go_build_info.c go_facts.c \
	go_gs.c go_heap_layout.c go_labels.c go_layout.c go_queue_walks.c go_queues.c \
	go_runtime.c go_spans.c go_tables.c go_types.c goroutines.c heap_chunks.c nptl.c \
	signal_frames.c stack_memory.c starts.c tasks.c threads.c)
