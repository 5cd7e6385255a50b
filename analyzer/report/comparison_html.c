#include "report/many_html.h"

#include "report/escape.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

enum {
	ROWS_SIZE = 1300 * 1000,
	MAX_LINES = 6, /* of groups in the chart, besides the sum */
	MAX_COLUMNS = 8,
	HEIGHT = 200,
	TOP = 16,
	LEFT = 60, /* thousandths of the width */
	RIGHT = 960,
};

/* ---- The chart: lengths in percent, so that the words keep their size on a phone ------------ */

struct chart {
	struct text *out;
	uint32_t num; /* points of a line */
	uint64_t most;
};

static uint32_t chart_x(const struct chart *chart, uint32_t index)
{
	uint32_t num_steps = chart->num > 1 ? chart->num - 1 : 1;
	return LEFT + (uint32_t)((uint64_t)(RIGHT - LEFT) * index / num_steps);
}

static uint32_t chart_y(const struct chart *chart, uint64_t count)
{
	double part = chart->most == 0 ? 0 : (double)count / (double)chart->most;
	return TOP + (uint32_t)((1 - part) * HEIGHT);
}

static void add_line(const struct chart *chart, const uint64_t *counts, int index, const char *name)
{
	for (uint32_t i = 0; i < chart->num; i++) {
		uint32_t x = chart_x(chart, i), y = chart_y(chart, counts[i]);
		if (i > 0) {
			uint32_t before = chart_x(chart, i - 1);
			text_addf(chart->out,
				  "<line class=\"l%d\" x1=\"%" PRIu32 ".%" PRIu32
				  "%%\" y1=\"%" PRIu32 "\" x2=\"%" PRIu32 ".%" PRIu32
				  "%%\" y2=\"%" PRIu32 "\"/>",
				  index, before / 10, before % 10, chart_y(chart, counts[i - 1]),
				  x / 10, x % 10, y);
		}
		text_addf(chart->out,
			  "<circle class=\"l%d\" cx=\"%" PRIu32 ".%" PRIu32 "%%\" cy=\"%" PRIu32
			  "\" r=\"3\"><title>#%" PRIu32 ": %" PRIu64 " ",
			  index, x / 10, x % 10, y, i + 1, counts[i]);
		escape_xml(chart->out, name);
		text_add(chart->out, "</title></circle>");
	}
}

static void add_axes(const struct chart *chart)
{
	const uint64_t marks[] = {0, chart->most / 2, chart->most};
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		uint32_t y = chart_y(chart, marks[i]);
		text_addf(chart->out,
			  "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%" PRIu32
			  "\" y2=\"%" PRIu32 "\"/><text x=\"0\" y=\"%" PRIu32 "\">%" PRIu64
			  "</text>",
			  y, y, y - 3, marks[i]);
		if (chart->most == 0)
			break;
	}
	for (uint32_t i = 0; i<chart->num; i += chart->num> 10 ? chart->num - 1 : 1) {
		uint32_t x = chart_x(chart, i);
		text_addf(chart->out,
			  "<text class=\"at\" x=\"%" PRIu32 ".%" PRIu32 "%%\" y=\"%d\">#%" PRIu32
			  "</text>",
			  x / 10, x % 10, TOP + HEIGHT + 16, i + 1);
	}
}

static void add_key(struct text *out, int index, const char *name)
{
	text_addf(out,
		  "<li><svg class=\"key\" aria-hidden=\"true\"><rect class=\"l%d\" width=\"14\" "
		  "height=\"4\" y=\"5\"/></svg> ",
		  index);
	escape_xml(out, name);
	text_add(out, "</li>");
}

static void add_chart(struct text *out, const struct coreleaks_comparison *comparison)
{
	struct chart chart = {.out = out, .num = comparison->num_dumps};
	const char *noun = comparison_noun(comparison);
	int num_lines = 0;
	for (uint32_t i = 0; i < chart.num; i++)
		if (comparison->totals[i] > chart.most)
			chart.most = comparison->totals[i];
	text_addf(out,
		  "<section>\n<h2>Over time</h2>\n<div class=\"scroll\"><svg class=\"chart\" "
		  "width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"%s in each dump\">",
		  TOP + HEIGHT + 24, noun);
	add_axes(&chart);
	for (uint32_t i = 0; i < comparison->rows.num && num_lines < MAX_LINES; i++)
		if (comparison->rows.items[i].change != CHANGE_SAME)
			add_line(&chart, comparison->rows.items[i].counts, ++num_lines,
				 many_top_text(out->arena, comparison->rows.items[i].group));
	add_line(&chart, comparison->totals, 0, noun);
	text_add(out, "</svg></div>\n<ul class=\"keys\">");
	add_key(out, 0, arena_format(out->arena, "all %s", noun));
	num_lines = 0;
	for (uint32_t i = 0; i < comparison->rows.num && num_lines < MAX_LINES; i++)
		if (comparison->rows.items[i].change != CHANGE_SAME)
			add_key(out, ++num_lines,
				many_top_text(out->arena, comparison->rows.items[i].group));
	text_add(out, "</ul></section>\n");
}

/* ---- Dumps and groups ---------------------------------------------------------------------- */

static void add_dumps(struct text *out, const struct coreleaks_comparison *comparison)
{
	text_add(out, "<section>\n<h2>Dumps</h2>\n<table><thead><tr><th class=\"num\">#</th>"
		      "<th>dump</th><th>time</th><th class=\"num\">count</th>"
		      "<th class=\"num\">delta</th><th class=\"num\">stacks</th></tr></thead>"
		      "<tbody>\n");
	for (uint32_t i = 0; i < comparison->num_dumps; i++) {
		const struct coreleaks_summary *dump = comparison->dumps[i];
		const char *time = words_time(out->arena, dump->time);
		text_addf(out, "<tr><td class=\"num dim\">#%" PRIu32 "</td><td class=\"where\">",
			  i + 1);
		many_html_dump(out, dump);
		text_addf(out,
			  "%s</td><td>%s</td><td class=\"num\">%" PRIu64 "</td><td "
			  "class=\"num\">%+" PRId64 "</td><td class=\"num\">%s</td></tr>\n",
			  dump->complete ? ""
					 : " <span class=\"badge incomplete\">incomplete</span>",
			  time != NULL ? time : "", comparison->totals[i],
			  (int64_t)(comparison->totals[i] - comparison->totals[0]),
			  dump->stack_size > 0 ? words_size(out->arena, dump->stack_size) : "");
	}
	for (uint32_t i = 0; i < comparison->num_failed; i++) {
		text_add(out, "<tr><td class=\"num\"><span class=\"badge incomplete\">error</span>"
			      "</td><td class=\"where\" colspan=\"5\">");
		many_html_dump(out, comparison->failed[i]);
		text_add(out, ": ");
		escape_xml(out, comparison->failed[i]->failure);
		text_add(out, "</td></tr>\n");
	}
	text_add(out, "</tbody></table></section>\n");
}

static void add_row(struct text *out, const struct coreleaks_comparison *comparison,
		    const struct comparison_row *row)
{
	uint32_t last = comparison->num_dumps - 1;
	bool rose = row->change == CHANGE_NEW || row->change == CHANGE_GROWN;
	const char *class = row->grows ? "proved" : rose ? "suspect" : "unknown";
	const struct summary_group *group = row->group;
	text_addf(out,
		  "<tr class=\"%s\"><td class=\"verdict\"><span class=\"badge %s\">%s</span>%s</td>"
		  "<td class=\"num\">%+" PRId64 "</td>",
		  class, class, comparison_change_name(row->change),
		  row->grows ? " in every interval" : "",
		  (int64_t)(row->counts[last] - row->counts[0]));
	many_html_where(out, group);
	if (comparison->num_dumps <= MAX_COLUMNS) {
		for (uint32_t i = 0; i < comparison->num_dumps; i++)
			many_html_count(out, i, row->counts[i]);
	} else {
		text_addf(out, "<td class=\"num\">%" PRIu64 " → %" PRIu64 "</td>", row->counts[0],
			  row->counts[last]);
	}
	text_add(out, "</tr>\n");
}

static void add_rows(struct text *out, const struct coreleaks_comparison *comparison)
{
	const struct many_html_groups table = {
		.title = "Groups",
		.first = "change",
		.number = "delta",
		.num_dumps = comparison->num_dumps,
		.max_columns = MAX_COLUMNS,
		.instead = "first, last",
	};
	size_t start = out->size;
	uint32_t num = 0;
	many_html_groups_begin(out, &table);
	for (; num < comparison->rows.num && out->size - start < ROWS_SIZE; num++)
		add_row(out, comparison, &comparison->rows.items[num]);
	many_html_groups_end(out, comparison->rows.num - num);
}

static void add_findings(struct text *out, const struct coreleaks_comparison *comparison)
{
	for (uint32_t i = 0; i < comparison->findings.num; i++) {
		const struct comparison_finding *finding = &comparison->findings.items[i];
		text_add(out, "<div class=\"finding suspect\"><h3><span class=\"badge suspect\">");
		escape_xml(out, finding->rule);
		text_add(out, "</span>");
		escape_xml(out, finding->title);
		text_add(out, "</h3></div>\n");
	}
}

void comparison_html(struct text *out, const struct coreleaks_comparison *comparison)
{
	static const char *const words[] = {"OK", "WORSE", "ERROR", "INCOMPLETE"};
	static const char *const classes[] = {"clean", "proved", "incomplete", "incomplete"};
	uint32_t last = comparison->num_dumps - 1;
	uint64_t before = comparison->totals[0], after = comparison->totals[last];
	enum coreleaks_outcome outcome = comparison->info.outcome;
	struct arena *arena = out->arena;
	many_html_head(out, classes[outcome], words[outcome],
		       arena_format(arena, "%s: %" PRIu64 " before, %" PRIu64 " after, %+" PRId64,
				    comparison_noun(comparison), before, after,
				    (int64_t)(after - before)));
	text_add(out, "<dl class=\"facts\">");
	for (int i = 0; i <= CHANGE_RESOLVED; i++)
		many_html_fact(out, comparison_change_name((enum comparison_change)i),
			       words_number(arena, comparison->info.num_by_change[i]));
	text_add(out, "</dl>\n</header>\n");
	if (!comparison->is_one_program)
		text_add(out, "<p>These are dumps of different programs.</p>\n");
	add_findings(out, comparison);
	add_chart(out, comparison);
	add_rows(out, comparison);
	add_dumps(out, comparison);
	many_html_end(out);
}
