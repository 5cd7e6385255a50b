LIB_SOURCES += $(addprefix analyzer/compare/,check.c comparison.c json_in.c summary.c summary_pprof.c \
	summary_text.c)
