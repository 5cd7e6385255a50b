/* signature.h - the canonical bytes of a stack, and the signatures hashed from them.
 *
 * A signature is "t-" (thread) or "g-" (goroutine) and the first 12 hex digits of intern_hash()
 * over these fields, each closed by a NUL byte:
 *     "1", kind, state, reason ("" unknown), kind of the object ("" none), "timed" or "",
 *     "stack", "key", "reason", "object" or "creator",
 *     then how the stack ended and its frames, of goroutines then the same of the go statement;
 *     or group_key()'s text; or nothing more; or the
 *     object's symbol, or its address in hex when it has none; or "complete" and the creator's
 *     frame, "one of N" for one of N places, nothing when it is not known.
 * In a signal handler "stack" and "key" follow "was " and the interrupted reason, a field more.
 * Under "reason", "object" and "creator" the fields before it that members may differ in are "".
 * Words are the JSON report's; lines are decimal, the rest hex. A frame under GROUP_BY_LINE is
 *     FUNCTION "@" FILE ":" LINE;  FUNCTION "+" OFFSET without a line;
 *     "=" BUILD-ID-OR-MODULE "+" OFFSET without a name;  "=" PC without a module.
 * No address of a run takes part but the last form's and that of an object without a symbol.
 * Changing any of this breaks baselines. */
#ifndef CORELEAKS_GROUP_SIGNATURE_H
#define CORELEAKS_GROUP_SIGNATURE_H

#include "base/text.h"
#include "coreleaks.h"

enum signature_detail {
	SIGNATURE_LINE,
	SIGNATURE_FUNCTION, /* names; module and offset where there is no name */
	SIGNATURE_PC,	    /* module, offset, and the names of what is inlined there */
	SIGNATURE_LOOSE,    /* names; the module alone where there is no name */
};

struct signature_parts {
	enum coreleaks_kind kind;
	enum coreleaks_state state;
	const char *reason; /* NULL unknown */
	const char *object; /* its kind; NULL none */
	bool timed;
	const char *interrupted; /* reason of what a signal interrupted; NULL: in no handler */
	const char *by;		 /* "stack", "key", "reason", "object" or "creator" */
	const void *bytes;	 /* under "stack" of signature_add_stack() */
	size_t size;
};

/* Appends the canonical bytes of how the stack ended and of its frames. */
void signature_add_stack(struct text *out, const struct coreleaks_stack *stack,
			 enum signature_detail detail);
/* In the arena. scratch is overwritten. */
const char *signature_make(struct text *scratch, const struct signature_parts *parts);

#endif
