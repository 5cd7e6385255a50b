#include "report/escape.h"
#include "report/many.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_GROUPS = 60, MAX_DUMPS = 100 };

static const char *color_of(const struct check_group *merged)
{
	if (merged->is_red)
		return "color=\"#b3261e\", fillcolor=\"#fbe3e1\", penwidth=2";
	if (merged->verdict < CORELEAKS_VERDICT_UNKNOWN && !merged->is_allowed)
		return "color=\"#9a5b00\", fillcolor=\"#fdf0d9\"";
	return "color=\"#5b6770\", fillcolor=\"#ffffff\"";
}

static void add_dump(struct text *out, const struct check_dump *dump, uint32_t index)
{
	const struct coreleaks_summary *summary = dump->summary;
	text_addf(out, "  d%" PRIu32 " [shape=box, %s, label=\"", index,
		  dump->outcome == CORELEAKS_OUTCOME_FINDINGS
			  ? "color=\"#b3261e\", fillcolor=\"#fbe3e1\""
			  : "color=\"#5b6770\", fillcolor=\"#f4f6f8\"");
	escape_dot(out, summary->name != NULL ? summary->name : "?");
	if (summary->failure != NULL) {
		text_add(out, "\\n");
		escape_dot(out, summary->failure);
	}
	text_add(out, "\"];\n");
}

static void add_group(struct text *out, const struct check_group *merged, uint32_t index)
{
	text_addf(out, "  g%" PRIu32 " [shape=ellipse, %s, label=\"", index, color_of(merged));
	escape_dot(out, many_top_text(out->arena, merged->group));
	text_add(out, "\\n");
	many_tasks(out, merged);
	text_add(out, ", ");
	escape_dot(out, merged->group->reason != NULL ? merged->group->reason : "?");
	text_addf(out, "\\n%s\"];\n", coreleaks_verdict_name(merged->verdict));
	for (uint32_t i = 0; i < merged->parts.num; i++)
		if (merged->parts.items[i].dump < MAX_DUMPS)
			text_addf(out, "  d%" PRIu32 " -> g%" PRIu32 " [label=\"%" PRIu64 "\"];\n",
				  merged->parts.items[i].dump, index, merged->parts.items[i].count);
}

void check_dot(struct text *out, const struct coreleaks_check *check)
{
	text_add(out, "digraph coreleaks {\n"
		      "  graph [rankdir=LR, charset=\"UTF-8\", fontname=\"sans-serif\"];\n"
		      "  node [fontname=\"sans-serif\", fontsize=11, style=filled];\n"
		      "  edge [fontname=\"sans-serif\", fontsize=9, color=\"#5b6770\"];\n");
	for (uint32_t i = 0; i < check->num_dumps && i < MAX_DUMPS; i++)
		add_dump(out, &check->dumps[i], i);
	for (uint32_t i = 0; i < check->groups.num && i < MAX_GROUPS; i++)
		add_group(out, &check->groups.items[i], i);
	if (check->num_dumps > MAX_DUMPS)
		text_addf(out,
			  "  dumps [shape=plaintext, label=\"… and %" PRIu32
			  " dumps more, left out\"];\n",
			  check->num_dumps - MAX_DUMPS);
	if (check->groups.num > MAX_GROUPS)
		text_addf(out,
			  "  groups [shape=plaintext, label=\"… and %" PRIu32
			  " groups more, left out\"];\n",
			  check->groups.num - MAX_GROUPS);
	text_add(out, "}\n");
}
