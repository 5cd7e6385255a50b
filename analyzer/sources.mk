LIB_SOURCES += analyzer/analyzer.c
