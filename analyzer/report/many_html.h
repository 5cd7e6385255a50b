/* many_html.h - the pieces that pages about many dumps share. */
#ifndef CORELEAKS_REPORT_MANY_HTML_H
#define CORELEAKS_REPORT_MANY_HTML_H

#include "report/html.h"
#include "report/many.h"

/* The verdict first: a badge of that class, the headline, facts. Ends with </header>. */
void many_html_head(struct text *out, const char *class, const char *word, const char *headline);
/* One of the facts below the headline; between <dl class="facts"> and </dl>. */
void many_html_fact(struct text *out, const char *name, const char *value);
/* The name of the innermost function, and all frames to be unfolded. */
void many_html_stack(struct text *out, const struct summary_group *group);
/* A path's last part, all of it in the title. */
void many_html_dump(struct text *out, const struct coreleaks_summary *summary);
/* A cell: so many in the dump of this index. */
void many_html_count(struct text *out, uint32_t dump, uint64_t count);
void many_html_end(struct text *out);

#endif
