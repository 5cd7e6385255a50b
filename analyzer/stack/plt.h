/* plt.h - which function an entry of the procedure linkage table calls.
 *
 * In: ascending addresses of the ELF file. The entry's own jump names a slot, the relocation of
 * that slot names the function.
 */
#ifndef CORELEAKS_STACK_PLT_H
#define CORELEAKS_STACK_PLT_H

#include "stack/symtab.h"

/* Names those of addrs that have none yet and lie in a PLT. */
void plt_find(Elf *elf, const uint64_t *addrs, uint32_t num, struct symtab_name *ret);

#endif
