LIB_SOURCES += $(addprefix analyzer/task/,tasks.c threads.c)
