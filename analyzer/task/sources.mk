LIB_SOURCES += $(addprefix analyzer/task/,nptl.c tasks.c threads.c)
