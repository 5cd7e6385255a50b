LIB_SOURCES += analyzer/analyzer.c analyzer/results.c
