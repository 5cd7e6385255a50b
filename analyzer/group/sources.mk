LIB_SOURCES += $(addprefix analyzer/group/,filter.c groups.c runtimes.c signature.c split.c system_threads.c \
	user_frame.c)
