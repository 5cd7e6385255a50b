LIB_SOURCES += $(addprefix analyzer/group/,filter.c groups.c signature.c user_frame.c)
