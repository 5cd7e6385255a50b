/* data_symbols.h - names for addresses of data: NAME or NAME+OFFSET. */
#ifndef CORELEAKS_STACK_DATA_SYMBOLS_H
#define CORELEAKS_STACK_DATA_SYMBOLS_H

#include "core/modules.h"

/* names_ret[i]: in the arena; NULL: no module's variable covers addrs[i] by its size. One pass
 * over the symbol tables of each module that holds one of the addresses. */
void data_symbols_find(struct arena *arena, struct elf_files *files, const struct modules *modules,
		       const uint64_t *addrs, uint32_t num_addrs, const char **names_ret);

#endif
