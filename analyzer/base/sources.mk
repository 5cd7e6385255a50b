LIB_SOURCES += $(addprefix analyzer/base/,arena.c error.c gaps.c intern.c names.c \
	progress.c text.c)
