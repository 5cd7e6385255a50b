/* go_text.h - one task in the grammar of Go's goroutine dumps, which many programs read.
 *
 * Keeps to what all readers take: Go's own, goleak's and panicparse's parsers. */
#ifndef CORELEAKS_REPORT_GO_TEXT_H
#define CORELEAKS_REPORT_GO_TEXT_H

#include "report/write.h"

enum go_text_frames {
	GO_TEXT_ALL,  /* of a goroutine still without the runtime's own, as Go leaves them out */
	GO_TEXT_USER, /* of a thread, too, without libc's and the like */
};

/* Each stack is written once, then copied: a million goroutines share a dozen of them. */
struct go_text {
	const struct write_job *job;
	enum coreleaks_kind kind; /* of all tasks */
	enum go_text_frames frames;
	const char **bodies, **tops; /* by stack; NULL: not written yet */
	bool whole_names;	     /* Go 1.23 or later: see go_text.c, is_exported() */
};

void go_text_init(struct go_text *go, const struct write_job *job, enum coreleaks_kind kind,
		  enum go_text_frames frames);
/* "chan receive (leaked), 12 minutes, locked to thread": the inside of a header's brackets. */
void go_text_state(struct text *out, const struct coreleaks_task *task,
		   enum coreleaks_verdict verdict);
/* Frames, and what was cut off: complete lines. */
void go_text_stack(struct go_text *go, struct text *out, uint32_t stack_id);
/* Where the task was started, if that is known. */
void go_text_creator(struct go_text *go, struct text *out, const struct coreleaks_task *task);
/* The function that stands on top in go_text_stack(). */
void go_text_top(struct go_text *go, struct text *out, uint32_t stack_id);

#endif
