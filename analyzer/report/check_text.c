#include "report/many.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_PARTS = 4, MAX_DUMPS = 20 };

static const char *const outcome_words[] = {"PASS", "FAIL", "ERROR", "INCOMPLETE"};

static const char *dumps_noun(uint64_t num)
{
	return num == 1 ? "dump" : "dumps";
}

static const char *level(const struct coreleaks_check *check)
{
	const struct coreleaks_check_options *options = &check->options;
	if (options->fail_on_new)
		return "new, or at or above likely";
	if (options->fail_on_growth)
		return "over the baseline, or at or above likely";
	return options->fail_on < 0
		       ? "any level"
		       : coreleaks_verdict_name((enum coreleaks_verdict)options->fail_on);
}

static void add_verdicts(struct text *out, const struct coreleaks_check *check, bool red)
{
	uint32_t num = 0;
	for (int v = 0; v <= CORELEAKS_VERDICT_UNKNOWN; v++) {
		uint32_t count = 0;
		for (uint32_t i = 0; i < check->groups.num; i++)
			count += check->groups.items[i].is_red == red &&
				 check->groups.items[i].verdict == (enum coreleaks_verdict)v;
		if (count > 0 && (red || v < CORELEAKS_VERDICT_UNKNOWN))
			text_addf(out, "%s%" PRIu32 " %s", num++ == 0 ? "" : ", ", count,
				  coreleaks_verdict_name((enum coreleaks_verdict)v));
	}
}

static void add_headline(struct text *out, const struct coreleaks_check *check)
{
	const struct coreleaks_check_info *info = &check->info;
	text_addf(out, "%s: %" PRIu32 " %s, ", outcome_words[info->outcome], info->num_dumps,
		  dumps_noun(info->num_dumps));
	if (info->outcome == CORELEAKS_OUTCOME_FINDINGS)
		text_addf(out, "%" PRIu32 " distinct %s in %" PRIu32 " of them (", info->num_red,
			  info->num_red == 1 ? "signature" : "signatures",
			  info->num_by_outcome[CORELEAKS_OUTCOME_FINDINGS]);
	else
		text_addf(out, "%" PRIu32 " distinct %s, none %s", info->num_signatures,
			  info->num_signatures == 1 ? "signature" : "signatures",
			  check->options.fail_on < 0 ? "asked for" : "");
	if (info->outcome == CORELEAKS_OUTCOME_FINDINGS) {
		add_verdicts(out, check, true);
		text_add(out, ")\n");
		return;
	}
	if (check->options.fail_on >= 0)
		text_addf(out, "%s%s",
			  check->options.fail_on_new || check->options.fail_on_growth
				  ? ""
				  : "at or above ",
			  level(check));
	if (info->outcome == CORELEAKS_OUTCOME_CLEAN &&
	    info->num_by_verdict[CORELEAKS_VERDICT_PROVED] == 0)
		text_add(out, "; no leak is proved");
	text_add(out, "\n");
}

/* ---- What is unexpected, as goleak prints it ----------------------------------------------- */

static void add_item(struct text *out, const struct summary_group *group, bool first)
{
	text_addf(out, "%s%s ", first ? "[" : " ", group->is_thread ? "Thread" : "Goroutine");
	if (group->num_ids > 0)
		text_addf(out, "%" PRId64 " ", group->ids[0]);
	text_add(out, "in state ");
	many_add(out, group->reason != NULL ? group->reason : group->state);
	text_add(out, ", with ");
	many_top(out, group);
	text_add(out, " on top of the stack:\n");
	for (uint32_t i = 0; i < group->num_frames; i++)
		if (!group->frames[i].runtime || group->num_frames == 1)
			many_frame(out, &group->frames[i]);
	if (group->creator != NULL) {
		text_add(out, "created by ");
		many_frame(out, group->creator);
	}
}

/* Where it was seen: "20 threads in 2 of 12 dumps: core.1 (8), core.2 (12)". */
static void add_parts(struct text *out, const struct coreleaks_check *check,
		      const struct check_group *merged)
{
	many_tasks(out, merged);
	text_addf(out, " in %" PRIu32 " of %" PRIu32 " %s: ", merged->parts.num, check->num_dumps,
		  dumps_noun(check->num_dumps));
	for (uint32_t i = 0; i < merged->parts.num && i < MAX_PARTS; i++) {
		const struct check_part *part = &merged->parts.items[i];
		text_add(out, i > 0 ? ", " : "");
		many_add(out, check->dumps[part->dump].summary->name);
		text_addf(out, " (%" PRIu64 ")", part->count);
	}
	if (merged->parts.num > MAX_PARTS)
		text_addf(out, " and %" PRIu32 " more", merged->parts.num - MAX_PARTS);
	text_add(out, "\n");
}

static void add_unexpected(struct text *out, const struct coreleaks_check *check, bool goroutines)
{
	bool first = true;
	for (uint32_t i = 0; i < check->groups.num; i++) {
		const struct check_group *merged = &check->groups.items[i];
		const struct summary_group *group = merged->group;
		if (!merged->is_red || group->is_thread == goroutines)
			continue;
		if (first)
			text_addf(out, "found unexpected %s:\n",
				  goroutines ? "goroutines" : "threads");
		add_item(out, group, first);
		text_addf(out, "# %s %s", coreleaks_verdict_name(merged->verdict),
			  group->signature);
		if (group->rules != NULL) {
			text_add(out, " ");
			many_add(out, group->rules);
		}
		text_add(out, ", ");
		add_parts(out, check, merged);
		first = false;
	}
	if (!first)
		text_add(out, "]\n");
}

/* ---- Dumps, notes, rules ------------------------------------------------------------------- */

static void add_dump_name(struct text *out, const struct coreleaks_summary *summary)
{
	many_add(out, summary->name);
	if (summary->command != NULL) {
		text_add(out, " (");
		many_add(out, summary->command);
		if (summary->pid != 0)
			text_addf(out, ", pid %" PRId64, summary->pid);
		text_add(out, ")");
	}
}

static void add_dump(struct text *out, const struct check_dump *dump)
{
	const struct coreleaks_summary *summary = dump->summary;
	text_addf(out, "%s ", outcome_words[dump->outcome]);
	add_dump_name(out, summary);
	text_add(out, ": ");
	if (summary->failure != NULL) {
		many_add(out, summary->failure);
	} else if (dump->outcome == CORELEAKS_OUTCOME_FINDINGS) {
		uint32_t num_groups = 0;
		for (uint32_t i = 0; i < summary->groups.num; i++)
			num_groups += dump->is_red[i];
		text_addf(out, "%" PRIu64 " of %" PRIu64 " tasks in %" PRIu32 " %s", dump->num_red,
			  summary_num_tasks(summary), num_groups,
			  num_groups == 1 ? "group" : "groups");
	} else {
		text_addf(out, "%" PRIu64 " tasks", summary_num_tasks(summary));
	}
	for (uint32_t i = 0; i < summary->findings.num; i++) {
		const struct summary_finding *finding = &summary->findings.items[i];
		if (finding->num_groups > 0 || finding->hidden)
			continue;
		text_add(out, "; ");
		many_add(out, finding->title);
	}
	for (uint32_t i = 0; i < summary->gaps.num; i++) {
		if (!summary->gaps.items[i].incomplete)
			continue;
		text_add(out, "; incomplete: ");
		many_add(out, summary->gaps.items[i].detail);
		break;
	}
	if (dump->forgiven)
		text_addf(out, "; %" PRIu64 " stuck tasks pass by --allow", dump->num_red);
	text_add(out, "\n");
}

static void add_dumps(struct text *out, const struct coreleaks_check *check, uint32_t verbose)
{
	uint32_t num_left_out = 0, num = 0;
	for (uint32_t i = 0; i < check->num_dumps; i++) {
		const struct check_dump *dump = &check->dumps[i];
		bool quiet = dump->outcome == CORELEAKS_OUTCOME_CLEAN && !dump->forgiven;
		if (quiet && verbose == 0 && check->num_dumps > 1)
			continue;
		if (num++ < MAX_DUMPS || verbose > 0)
			add_dump(out, dump);
		else
			num_left_out++;
	}
	if (num_left_out > 0)
		text_addf(out, "... and %" PRIu32 " more dumps; -v lists all\n", num_left_out);
}

/* What is not red, and why not. */
static void add_notes(struct text *out, const struct coreleaks_check *check)
{
	uint32_t num_allowed = 0;
	uint64_t num_hidden = 0, num_filtered = 0;
	for (uint32_t i = 0; i < check->groups.num; i++) {
		const struct check_group *merged = &check->groups.items[i];
		bool flagged = merged->verdict < CORELEAKS_VERDICT_UNKNOWN;
		num_allowed += merged->is_allowed && flagged;
		if (merged->is_red || merged->is_allowed || !flagged)
			continue;
		text_addf(out, "note: %s %s in ", coreleaks_verdict_name(merged->verdict),
			  merged->group->signature);
		many_top(out, merged->group);
		text_add(out, ", ");
		add_parts(out, check, merged);
	}
	if (num_allowed > 0)
		text_addf(out, "note: the baseline accepts %" PRIu32 " %s\n", num_allowed,
			  num_allowed == 1 ? "signature" : "signatures");
	for (uint32_t i = 0; i < check->num_dumps; i++)
		num_hidden += check->dumps[i].summary->num_hidden;
	for (uint32_t i = 0; i < check->num_dumps; i++)
		num_filtered += check->dumps[i].summary->num_filtered;
	if (num_filtered > 0)
		text_addf(out, "note: the options leave out %" PRIu64 " more %s\n", num_filtered,
			  num_filtered == 1 ? "task" : "tasks");
	if (num_hidden > num_filtered)
		text_addf(out, "note: rules hide %" PRIu64 " %s; --all shows them\n",
			  num_hidden - num_filtered,
			  num_hidden - num_filtered == 1 ? "task" : "tasks");
}

static void add_rules(struct text *out, const struct coreleaks_check *check)
{
	for (uint32_t i = 0; i < check->rules.num; i++) {
		const struct check_rule *rule = &check->rules.items[i];
		const char *complaint = NULL;
		if (rule->rule->expired)
			complaint = "has expired";
		else if (rule->over)
			complaint = "matches more than its max somewhere: there it takes none";
		else if (rule->num_matched == 0)
			complaint = "matches nothing";
		else if (rule->broad)
			complaint = "hides more than half of a dump, or whatever waits";
		if (complaint == NULL)
			continue;
		text_addf(out, "rule in line %" PRIu64 ": ", rule->rule->line);
		many_add(out, rule->rule->text);
		text_addf(out, ": %s\n", complaint);
	}
}

void check_text(struct text *out, const struct coreleaks_check *check,
		const struct coreleaks_write_options *options)
{
	if (options->format == CORELEAKS_FORMAT_GOLEAK) {
		add_unexpected(out, check, true);
		add_unexpected(out, check, false);
		if (check->info.num_red == 0)
			text_add(out, "no unexpected goroutines or threads were found\n");
		return;
	}
	add_headline(out, check);
	add_unexpected(out, check, true);
	add_unexpected(out, check, false);
	add_dumps(out, check, options->verbose);
	add_notes(out, check);
	add_rules(out, check);
}
