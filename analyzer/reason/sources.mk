LIB_SOURCES += $(addprefix analyzer/reason/,api_frames.c call_names.c futex.c holders.c \
	syscalls.c waits.c)
