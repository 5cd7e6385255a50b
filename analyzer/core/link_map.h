/* link_map.h - the dynamic linker's own list of what it loaded: for cores without NT_FILE
 * (the kernel leaves the note out with more than about 65,000 mappings). */
#ifndef CORELEAKS_CORE_LINK_MAP_H
#define CORELEAKS_CORE_LINK_MAP_H

#include "core/module_file.h"

struct link_map {
	struct {
		struct module_place *items; /* the main program first */
		uint32_t num, capacity;
	} places;
};

/* Follows AT_PHDR, PT_DYNAMIC, DT_DEBUG and r_debug through the core's memory. What cannot be
 * read is left out, with a gap. */
void link_map_build(struct link_map *ret, struct arena *arena, struct gaps *gaps,
		    struct module_files *module_files);

#endif
