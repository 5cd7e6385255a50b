LIB_SOURCES += $(addprefix analyzer/core/,dump.c elf_files.c elf_values.c image.c \
	link_map.c module_file.c modules.c notes.c pages.c resident.c spool.c)
