LIB_SOURCES += $(addprefix analyzer/task/,nptl.c starts.c tasks.c threads.c)
