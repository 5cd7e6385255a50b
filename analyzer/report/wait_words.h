/* wait_words.h - what tasks wait for, on what, and who holds it, in plain words. */
#ifndef CORELEAKS_REPORT_WAIT_WORDS_H
#define CORELEAKS_REPORT_WAIT_WORDS_H

#include "report/view.h"

/* "mutex 0x55d0 (accounts+16)", "looks like a mutex at 0x55d0", "fd 5". */
const char *wait_words_object(struct arena *arena, const struct coreleaks_object *object);
/* The object that the task waits for. */
/* An object of Go's, as an object. */
struct coreleaks_object wait_words_of_go(const struct coreleaks_go_object *go);
struct coreleaks_object wait_words_of(const struct report_view *view, uint32_t task);
/* "held by thread 4720", "held by thread 77, which has ended"; NULL: nobody is known. */
const char *wait_words_holder(struct arena *arena, const struct report_view *view,
			      const struct coreleaks_object *object);
/* "for at most 3.2 s more", "until 12.5 s on the monotonic clock"; NULL: for ever. */
const char *wait_words_timeout(struct arena *arena, const struct coreleaks_wait *wait);
/* "waits for mutex 0x… (accounts), held by thread 4720", "joins thread 4711",
 * "is running", "sleeps, for at most 3 s": what follows "thread 4712 ". */
const char *wait_words_task(struct arena *arena, const struct report_view *view, uint32_t task);
/* The same in a few words, as in a list: "running in trace_rays", "read, fd 5",
 * "sleep, for at most 3 s more", "mutex 0x… (accounts), held by thread 4720". */
const char *wait_words_state(struct arena *arena, const struct report_view *view, uint32_t task);
/* As wait_words_task() without time limits, of a task that waits on an object. */
const char *wait_words_edge(struct arena *arena, const struct report_view *view, uint32_t task);
/* The line about the objects of a group; NULL: there is nothing to say. */
const char *wait_words_group(struct arena *arena, const struct report_view *view,
			     const struct coreleaks_group *group);
/* "created by (from the code): main (main.c:10)", "created at one of 3 places in the code"; NULL:
 * nothing is known. */
const char *wait_words_creation(struct arena *arena, const struct coreleaks_creation *creation);
/* "started as worker_main", where no frame says it; else NULL. */
const char *wait_words_start(struct arena *arena, const struct report_view *view,
			     const struct coreleaks_group *group);

#endif
