LIB_SOURCES += $(addprefix analyzer/proof/,findings.c publish.c)
