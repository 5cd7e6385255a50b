/* go_wait_words.h - what goroutines wait on, in plain words. */
#ifndef CORELEAKS_REPORT_GO_WAIT_WORDS_H
#define CORELEAKS_REPORT_GO_WAIT_WORDS_H

#include "report/view.h"

/* "chan int 0xc000012345", "sync.Mutex 0xc0000123a8" */
const char *go_wait_words_name(struct arena *arena, const struct coreleaks_go_object *object);
/* "unbuffered; 3 receivers wait, no sender"; NULL: nothing is known. */
const char *go_wait_words_state(struct arena *arena, const struct coreleaks_go_object *object);
/* What the goroutine does: "receives from chan int 0x…: …"; NULL: it waits for nothing of these. */
const char *go_wait_words_task(struct arena *arena, const struct report_view *view, uint32_t task);
/* The same of all members of a group of goroutines. */
const char *go_wait_words_group(struct arena *arena, const struct report_view *view,
				const struct coreleaks_group *group);
/* "select" cases, one each; NULL: none. */
const char *go_wait_words_case(struct arena *arena, const struct coreleaks_case *one);

#endif
