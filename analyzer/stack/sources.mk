LIB_SOURCES += $(addprefix analyzer/stack/,callees.c cfi.c code.c code_refs.c \
	creation_calls.c creations.c creators.c data_symbols.c demangle.c dwarf_functions.c \
	dwarf_lines.c dwarf_names.c dwarf_session.c dwarf_units.c expression.c go_origins.c \
	go_symbols.c go_unwind.c instructions.c joined.c plt.c self_check.c stacks.c symbols.c \
	symtab.c unwind.c)
