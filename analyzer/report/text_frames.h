/* text_frames.h - a stack on the screen: in short, or every frame with all that is known. */
#ifndef CORELEAKS_REPORT_TEXT_FRAMES_H
#define CORELEAKS_REPORT_TEXT_FRAMES_H

#include "report/screen.h"
#include "report/write.h"

enum { TEXT_FRAMES_INDENT = 8 };

/* The program's own frames; the runtime's folded. strong: the names in bold. */
void text_frames_short(struct screen *screen, const struct write_job *job,
		       const struct coreleaks_stack *stack, uint32_t max_rows, bool strong);
/* Two lines a frame. with_addrs: sp too. */
void text_frames_all(struct screen *screen, const struct write_job *job,
		     const struct coreleaks_stack *stack, bool with_addrs);
/* FUNCTION, FUNCTION+OFFSET without a line, ?? MODULE+OFFSET, or ?? PC. */
const char *text_frames_name(struct arena *arena, const struct coreleaks_frame *frame);

#endif
