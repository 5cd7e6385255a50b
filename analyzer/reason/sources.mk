LIB_SOURCES += $(addprefix analyzer/reason/,reasons.c)
