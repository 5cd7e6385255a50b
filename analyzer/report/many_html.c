#include "report/many_html.h"

#include "group/user_frame.h"
#include "report/escape.h"
#include "report/page.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

enum { GROUPS_SIZE = 1200 * 1000, DUMPS_SIZE = 300 * 1000, MAX_COLUMNS = 12, MAX_FRAMES = 60 };

void many_html_fact(struct text *out, const char *name, const char *value)
{
	text_add(out, "<div>");
	html_element(out, "dt", "", name);
	html_element(out, "dd", "", value);
	text_add(out, "</div>");
}

void many_html_head(struct text *out, const char *class, const char *word, const char *headline)
{
	page_begin(out, arena_format(out->arena, "%s: %s - coreleaks", word, headline));
	text_addf(out, "<main>\n<header class=\"%s\">\n<span class=\"badge %s\">%s</span>", class,
		  class, word);
	html_element(out, "h1", "", headline);
}

void many_html_end(struct text *out)
{
	text_add(out, "</main>\n<footer>Written by coreleaks " CORELEAKS_VERSION
		      ". This page loads nothing from elsewhere.</footer>\n");
	page_end(out);
}

static void add_frame(struct text *out, const struct summary_frame *frame, const char *before)
{
	text_addf(out, "<li%s>%s<span class=\"mono\">", frame->runtime ? " class=\"runtime\"" : "",
		  before);
	escape_xml(out, frame->function != NULL ? frame->function
			: frame->module != NULL ? frame->module
						: "?");
	if (frame->function == NULL)
		text_addf(out, "+0x%" PRIx64, frame->module_offset);
	text_add(out, "</span> <span class=\"place\">");
	if (frame->file != NULL) {
		escape_xml(out, user_frame_file_name(frame->file));
		if (frame->line != 0)
			text_addf(out, ":%" PRIu64, frame->line);
	} else if (frame->function != NULL && frame->module != NULL) {
		escape_xml(out, frame->module);
	}
	text_add(out, "</span></li>");
}

void many_html_stack(struct text *out, const struct summary_group *group)
{
	text_add(out, "<details><summary>");
	html_element(out, "span", " class=\"mono\"", many_top_text(out->arena, group));
	text_add(out, "</summary><ol class=\"frames\">");
	for (uint32_t i = 0; i < group->num_frames && i < MAX_FRAMES; i++)
		add_frame(out, &group->frames[i], "");
	if (group->num_frames > MAX_FRAMES)
		text_addf(out, "<li class=\"runtime\">… and %" PRIu32 " frames more</li>",
			  group->num_frames - MAX_FRAMES);
	if (group->creator != NULL)
		add_frame(out, group->creator, "created by ");
	text_add(out, "</ol>");
	if (group->signature != NULL)
		html_element(out, "p", " class=\"dim mono\"", group->signature);
	text_add(out, "</details>");
}

void many_html_dump(struct text *out, const struct coreleaks_summary *summary)
{
	/* Many dumps are called "core": the folder tells them apart. */
	html_element(out, "span", " class=\"mono\"", summary->name != NULL ? summary->name : "?");
}

void many_html_count(struct text *out, uint32_t dump, uint64_t count)
{
	text_addf(out,
		  "<td class=\"num per%s\"><span class=\"of\">#%" PRIu32 ": </span>%" PRIu64
		  "</td>",
		  count == 0 ? " none" : "", dump + 1, count);
}

void many_html_where(struct text *out, const struct summary_group *group)
{
	html_element(out, "td", " class=\"wait\"",
		     group->reason != NULL  ? group->reason
		     : group->state != NULL ? group->state
					    : "?");
	text_add(out, "<td class=\"where\">");
	many_html_stack(out, group);
	text_add(out, "</td>");
}

void many_html_groups_begin(struct text *out, const struct many_html_groups *groups)
{
	text_addf(out,
		  "<section class=\"groups\">\n<h2>%s</h2>\n"
		  "<div class=\"tools\" hidden><input type=\"search\" placeholder=\"Search "
		  "functions, files, reasons\" aria-label=\"Search the groups\"> <button "
		  "type=\"button\">Open or close stacks</button> <span class=\"count dim\"></span>"
		  "</div>\n<div class=\"scroll plain\"><table><thead><tr><th>%s</th>"
		  "<th class=\"num\">%s</th><th>waits for</th><th>where</th>",
		  groups->title, groups->first, groups->number);
	for (uint32_t i = 0; i < groups->num_dumps && groups->num_dumps <= groups->max_columns; i++)
		text_addf(out, "<th class=\"num\">#%" PRIu32 "</th>", i + 1);
	if (groups->num_dumps > groups->max_columns)
		text_addf(out, "<th>%s</th>", groups->instead);
	text_add(out, "</tr></thead><tbody>\n");
}

void many_html_groups_end(struct text *out, uint32_t num_left_out)
{
	text_add(out, "</tbody></table></div>\n");
	if (num_left_out > 0)
		text_addf(out,
			  "<p><strong>%" PRIu32 " more groups</strong> are left out to keep this "
			  "page small; --format json has all.</p>\n",
			  num_left_out);
	text_add(out, "</section>\n");
}

/* ---- A check ------------------------------------------------------------------------------- */

static const char *class_of(enum coreleaks_outcome outcome)
{
	return outcome == CORELEAKS_OUTCOME_CLEAN      ? "clean"
	       : outcome == CORELEAKS_OUTCOME_FINDINGS ? "proved"
						       : "incomplete";
}

static void check_facts(struct text *out, const struct coreleaks_check *check)
{
	const struct coreleaks_check_info *info = &check->info;
	struct arena *arena = out->arena;
	text_add(out, "<dl class=\"facts\">");
	many_html_fact(out, "dumps", words_number(arena, info->num_dumps));
	many_html_fact(out, "red dumps",
		       words_number(arena, info->num_by_outcome[CORELEAKS_OUTCOME_FINDINGS]));
	many_html_fact(out, "distinct signatures", words_number(arena, info->num_signatures));
	many_html_fact(out, "red signatures", words_number(arena, info->num_red));
	many_html_fact(out, "not analysed",
		       words_number(arena, info->num_by_outcome[CORELEAKS_OUTCOME_FAILED]));
	many_html_fact(out, "incomplete", words_number(arena, info->num_incomplete));
	text_add(out, "</dl>\n</header>\n");
}

static uint64_t count_in(const struct check_group *merged, uint32_t dump)
{
	for (uint32_t i = 0; i < merged->parts.num; i++)
		if (merged->parts.items[i].dump == dump)
			return merged->parts.items[i].count;
	return 0;
}

/* Where it was seen, when there are too many dumps for a column each. */
static void add_parts(struct text *out, const struct coreleaks_check *check,
		      const struct check_group *merged)
{
	text_addf(out,
		  "<td class=\"share\"><details><summary>%" PRIu32 " of %" PRIu32
		  " dumps</summary><ul>",
		  merged->parts.num, check->num_dumps);
	for (uint32_t i = 0; i < merged->parts.num; i++) {
		text_add(out, "<li>");
		many_html_dump(out, check->dumps[merged->parts.items[i].dump].summary);
		text_addf(out, ": %" PRIu64 "</li>", merged->parts.items[i].count);
	}
	text_add(out, "</ul></details></td>");
}

static void add_merged(struct text *out, const struct coreleaks_check *check,
		       const struct check_group *merged)
{
	const char *verdict = coreleaks_verdict_name(merged->verdict);
	const struct summary_group *group = merged->group;
	text_addf(out,
		  "<tr class=\"%s\"><td class=\"verdict\"><span class=\"badge %s\">%s</span>%s%s"
		  "</td><td class=\"num\">",
		  verdict, verdict, verdict, merged->is_red ? " red" : "",
		  merged->is_allowed ? " in the baseline" : "");
	many_tasks(out, merged);
	text_add(out, "</td>");
	many_html_where(out, group);
	for (uint32_t i = 0; i < check->num_dumps && check->num_dumps <= MAX_COLUMNS; i++)
		many_html_count(out, i, count_in(merged, i));
	if (check->num_dumps > MAX_COLUMNS)
		add_parts(out, check, merged);
	text_add(out, "</tr>\n");
}

static void add_signatures(struct text *out, const struct coreleaks_check *check)
{
	const struct many_html_groups table = {
		.title = "Groups of all dumps, by signature",
		.first = "verdict",
		.number = "count",
		.num_dumps = check->num_dumps,
		.max_columns = MAX_COLUMNS,
		.instead = "in",
	};
	size_t start = out->size;
	uint32_t num = 0;
	many_html_groups_begin(out, &table);
	for (; num < check->groups.num && out->size - start < GROUPS_SIZE; num++)
		add_merged(out, check, &check->groups.items[num]);
	many_html_groups_end(out, check->groups.num - num);
}

static void add_dump(struct text *out, const struct check_dump *dump, uint32_t index)
{
	static const char *const words[] = {"PASS", "FAIL", "ERROR", "INCOMPLETE"};
	const struct coreleaks_summary *summary = dump->summary;
	uint64_t num = summary_num_tasks(summary);
	text_addf(out,
		  "<tr><td class=\"num dim\">#%" PRIu32 "</td><td class=\"verdict\"><span "
		  "class=\"badge %s\">%s</span></td><td class=\"where\">",
		  index + 1, class_of(dump->outcome), words[dump->outcome]);
	many_html_dump(out, summary);
	if (summary->command != NULL) {
		text_add(out, " <span class=\"dim\">");
		escape_xml(out, summary->command);
		if (summary->pid != 0)
			text_addf(out, ", pid %" PRId64, summary->pid);
		text_add(out, "</span>");
	}
	for (uint32_t i = 0; i < summary->gaps.num; i++)
		if (summary->gaps.items[i].incomplete)
			html_element(out, "p", " class=\"dim\"", summary->gaps.items[i].detail);
	if (summary->failure != NULL)
		html_element(out, "p", "", summary->failure);
	text_add(out, "</td>");
	if (summary->failure != NULL)
		text_add(out, "<td class=\"num\">?</td><td class=\"num\">?</td></tr>\n");
	else
		text_addf(out, "<td class=\"num\">%s red</td><td class=\"num\">%s %s</td></tr>\n",
			  words_number(out->arena, dump->num_red), words_number(out->arena, num),
			  num == 1 ? "task" : "tasks");
}

static void add_dumps(struct text *out, const struct coreleaks_check *check)
{
	size_t start = out->size;
	uint32_t num = 0;
	text_add(out, "<section>\n<h2>Dumps</h2>\n<table><thead><tr><th class=\"num\">#</th>"
		      "<th>outcome</th><th>dump</th><th class=\"num\">in red groups</th>"
		      "<th class=\"num\">all</th></tr></thead><tbody>\n");
	for (; num < check->num_dumps && out->size - start < DUMPS_SIZE; num++)
		add_dump(out, &check->dumps[num], num);
	text_add(out, "</tbody></table>\n");
	if (num < check->num_dumps)
		text_addf(out,
			  "<p><strong>%" PRIu32 " more dumps</strong>; --format json has all."
			  "</p>\n",
			  check->num_dumps - num);
	text_add(out, "</section>\n");
}

void check_html(struct text *out, const struct coreleaks_check *check)
{
	static const char *const words[] = {"PASS", "FAIL", "ERROR", "INCOMPLETE"};
	const struct coreleaks_check_info *info = &check->info;
	const char *noun = info->num_dumps == 1 ? "dump" : "dumps";
	const char *headline =
		info->num_red > 0 ? arena_format(out->arena,
						 "%" PRIu32 " %s, %" PRIu32 " of them red: %" PRIu32
						 " distinct %s",
						 info->num_dumps, noun,
						 info->num_by_outcome[CORELEAKS_OUTCOME_FINDINGS],
						 info->num_red,
						 info->num_red == 1 ? "signature" : "signatures")
				  : arena_format(out->arena, "%" PRIu32 " %s, none of them red",
						 info->num_dumps, noun);
	many_html_head(out, class_of(info->outcome), words[info->outcome], headline);
	check_facts(out, check);
	add_signatures(out, check);
	add_dumps(out, check);
	many_html_end(out);
}
