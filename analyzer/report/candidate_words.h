/* candidate_words.h - who may hold what does not record its holder, in plain words. Never says
 * that somebody does. */
#ifndef CORELEAKS_REPORT_CANDIDATE_WORDS_H
#define CORELEAKS_REPORT_CANDIDATE_WORDS_H

#include "report/view.h"

/* "2 read locks are held on it; glibc does not record whose; candidates: thread 4713 (reader,
 * reader.c:12)"; with names false it ends in "; 3 candidates". NULL: there is nothing to say. */
const char *candidate_words_object(struct arena *arena, const struct report_view *view,
				   const struct coreleaks_object *object, bool names);
/* "candidate: thread 4713 has its address in reader (reader.c:12)". */
const char *candidate_words_one(struct arena *arena, const struct report_view *view,
				const struct coreleaks_candidate *candidate);
/* "perhaps a circle: goroutine 20 may hold it and waits for sync.Mutex 0x…, goroutine 19 may hold
 * that and waits for the first one"; NULL: no way leads from candidate to candidate back. */
const char *candidate_words_circle(struct arena *arena, const struct report_view *view,
				   const struct coreleaks_object *object);
/* "a candidate only has its address in use; 12 more are not listed"; NULL: no candidate. */
const char *candidate_words_note(struct arena *arena, const struct coreleaks_object *object);

#endif
