/* expression.h - evaluates the DWARF expressions of call frame information. */
#ifndef CORELEAKS_STACK_EXPRESSION_H
#define CORELEAKS_STACK_EXPRESSION_H

#include "stack/cfi.h"

/* cfa: pushed first when not NULL. False: an unknown operation, a register or memory that is not
 * known, or too many steps. */
bool expression_evaluate(const struct cfi_expression *expression, const struct registers *registers,
			 struct image *image, const uint64_t *cfa, uint64_t *ret);

#endif
