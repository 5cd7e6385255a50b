LIB_SOURCES += $(addprefix analyzer/reason/,api_frames.c futex.c syscalls.c \
	waits.c)
