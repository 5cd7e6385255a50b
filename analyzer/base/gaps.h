/* gaps.h - facts that could not be read: collected by all floors, listed by the reports. */
#ifndef CORELEAKS_BASE_GAPS_H
#define CORELEAKS_BASE_GAPS_H

#include "base/intern.h"
#include "coreleaks.h"

struct gaps {
	struct intern keys; /* kind and detail -> index of items */
	struct {
		struct coreleaks_gap *items;
		uint32_t num, capacity;
	} list;
};

void gaps_init(struct gaps *gaps, struct arena *arena);
/* Records a gap; the same kind with the same detail is counted, not repeated. kind is a literal. */
void gaps_add(struct gaps *gaps, const char *kind, bool incomplete, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Adds those of another list, in its order. */
void gaps_add_all(struct gaps *gaps, const struct gaps *others);
/* Was there one of that kind? */
bool gaps_has(const struct gaps *gaps, const char *kind);
bool gaps_incomplete(const struct gaps *gaps);

#endif
