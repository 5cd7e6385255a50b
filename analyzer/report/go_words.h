/* go_words.h - what the text report says of goroutines and of a Go program as a whole. */
#ifndef CORELEAKS_REPORT_GO_WORDS_H
#define CORELEAKS_REPORT_GO_WORDS_H

#include "report/write.h"

/* "for at least 47 min, since before GC #812; keep 291 KiB; labels: k=v"; NULL: there is nothing to
 * say. */
const char *go_words_group(struct arena *arena, const struct report_view *view,
			   const struct coreleaks_group *group);
/* The line about the program; NULL: no Go program. */
const char *go_words_program(struct arena *arena, const struct coreleaks_go *go, const char *dot);

#endif
