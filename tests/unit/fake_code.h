/* fake_code.h - a small real library, made at test time, whose functions have known frames.
 *
 * Each function F has two labels: F_at, an instruction inside, and F_ret, the return address of a
 * call it makes. */
#ifndef CORELEAKS_TESTS_FAKE_CODE_H
#define CORELEAKS_TESTS_FAKE_CODE_H

#include "fake_world.h"

#define FAKE_CODE_BASE UINT64_C(0x7f0000000000)
#define FAKE_STACK     UINT64_C(0x7ffc00000000)

enum { FAKE_STACK_WORDS = 8192 };

/* Unchecked fixture: the scratch folder with the library in it. */
void fake_code_setup(void);
void fake_code_teardown(void);
const char *fake_code_file(void);
/* Where a label of the library lies in the fake process. */
uint64_t fake_code(const char *label);
/* Maps it into the core, under a path of its own. */
void fake_code_map(struct fake_core *core);

#endif
