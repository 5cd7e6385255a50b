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
/* The cells of what it waits for, and where. */
void many_html_where(struct text *out, const struct summary_group *group);

/* The table of groups: first and number head its first columns. Each dump has one of its own where
 * there are at most max_columns, else one headed instead tells of all. */
struct many_html_groups {
	const char *title, *first, *number, *instead;
	uint32_t num_dumps, max_columns;
};
void many_html_groups_begin(struct text *out, const struct many_html_groups *groups);
void many_html_groups_end(struct text *out, uint32_t num_left_out);
/* A path's last part, all of it in the title. */
void many_html_dump(struct text *out, const struct coreleaks_summary *summary);
/* A cell: so many in the dump of this index. */
void many_html_count(struct text *out, uint32_t dump, uint64_t count);
void many_html_end(struct text *out);

#endif
