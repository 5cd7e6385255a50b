LIB_SOURCES += $(addprefix analyzer/group/,filter.c groups.c kin.c pattern.c rule_match.c rule_sets.c rules.c runtimes.c signature.c split.c system_threads.c task_order.c tree.c \
	user_frame.c)
