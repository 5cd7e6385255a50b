LIB_SOURCES += $(addprefix analyzer/reason/,api_frames.c call_names.c futex.c go_channels.c \
	go_contexts.c go_holders.c go_locks.c go_polls.c go_selects.c go_waits.c holders.c syscalls.c waits.c)
