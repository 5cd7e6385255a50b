/* html.h - the parts of an HTML report; format_html.c puts them together. */
#ifndef CORELEAKS_REPORT_HTML_H
#define CORELEAKS_REPORT_HTML_H

#include "report/write.h"

/* The table of groups, with the stacks folded; as many as max_size bytes have room for. */
void html_groups(struct text *out, const struct write_job *job, uint32_t core, size_t max_size);
/* All stacks as one picture, the root on top, as wide as there are tasks. */
void html_flame(struct text *out, const struct write_job *job);
/* Who waits for what, held by whom. False, and nothing is written: nobody is known to. */
bool html_waits(struct text *out, const struct write_job *job, uint32_t core);
/* FUNCTION and FILE:LINE of a frame; the latter a link if it may be one. place_class: of the
 * latter's element. */
void html_frame(struct text *out, const struct write_job *job, const struct coreleaks_frame *frame,
		const char *place_class);
/* An element with escaped text. attributes: " class=…" or "". */
void html_element(struct text *out, const char *name, const char *attributes, const char *words);

#endif
