LIB_SOURCES += $(addprefix analyzer/base/,addresses.c arena.c error.c gaps.c intern.c names.c \
	progress.c ranges.c sha256.c text.c work_pool.c \
	worker.c)
