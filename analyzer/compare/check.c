#include "compare/check.h"

#include "base/error.h"
#include "base/intern.h"

#include <stdlib.h>
#include <string.h>

static bool is_red_finding(const struct coreleaks_check *check,
			   const struct summary_finding *finding)
{
	const struct coreleaks_check_options *options = &check->options;
	if (finding->hidden || finding->allowed)
		return false;
	if ((int32_t)finding->certainty <= options->fail_on)
		return true;
	return options->fail_on_growth && strcmp(finding->rule, "over-baseline") == 0;
}

static bool is_new(const struct summary_group *group)
{
	return group->allowed_by == NULL && group->verdict != CORELEAKS_VERDICT_BENIGN &&
	       group->state != NULL && strcmp(group->state, "waiting") == 0;
}

static enum coreleaks_outcome outcome_of(const struct coreleaks_summary *summary, bool red)
{
	if (summary->source == SUMMARY_FAILED)
		return CORELEAKS_OUTCOME_FAILED;
	if (red)
		return CORELEAKS_OUTCOME_FINDINGS;
	return summary->complete ? CORELEAKS_OUTCOME_CLEAN : CORELEAKS_OUTCOME_INCOMPLETE;
}

static void judge(struct coreleaks_check *check, struct check_dump *dump)
{
	const struct coreleaks_summary *summary = dump->summary;
	dump->is_red = arena_alloc_array(&check->arena, (size_t)summary->groups.num + 1,
					 sizeof(*dump->is_red));
	for (uint32_t i = 0; i < summary->findings.num; i++) {
		const struct summary_finding *finding = &summary->findings.items[i];
		if (!is_red_finding(check, finding))
			continue;
		dump->num_findings += finding->num_groups == 0;
		/* Of a finding about several groups the baseline may know some. */
		for (uint32_t k = 0; k < finding->num_groups; k++)
			dump->is_red[finding->groups[k]] = true;
	}
	for (uint32_t i = 0; i < summary->groups.num; i++) {
		const struct summary_group *group = &summary->groups.items[i];
		if (check->options.fail_on_new && is_new(group))
			dump->is_red[i] = true;
		if (dump->is_red[i])
			dump->num_red += group->count;
	}
	dump->forgiven = dump->num_red > 0 && dump->num_red <= check->options.slack;
	dump->outcome = outcome_of(summary, dump->num_findings > 0 ||
						    (dump->num_red > 0 && !dump->forgiven));
}

static void merge_group(struct coreleaks_check *check, struct intern *signatures, uint32_t dump,
			const struct summary_group *group, bool red)
{
	bool first;
	uint32_t index = intern_add(signatures, group->signature, strlen(group->signature), &first);
	struct check_group *merged =
		first ? array_add(&check->arena, &check->groups) : &check->groups.items[index];
	if (first)
		*merged = (struct check_group){
			.group = group,
			.verdict = group->verdict,
			.is_allowed = true,
		};
	if (group->verdict < merged->verdict) {
		merged->verdict = group->verdict;
		merged->num_judged = 0;
		merged->group = group;
	}
	if (group->verdict == merged->verdict) {
		merged->num_judged += group->count;
		if (group->count > merged->group->count)
			merged->group = group;
	}
	merged->is_red |= red;
	merged->is_allowed &= group->allowed_by != NULL;
	merged->count += group->count;
	struct check_part *last =
		merged->parts.num > 0 ? &merged->parts.items[merged->parts.num - 1] : NULL;
	if (last != NULL && last->dump == dump)
		last->count += group->count;
	else
		*array_add(&check->arena, &merged->parts) = (struct check_part){dump, group->count};
}

static int group_compare(const void *a, const void *b)
{
	const struct check_group *x = a, *y = b;
	if (x->is_red != y->is_red)
		return x->is_red ? -1 : 1;
	if (x->verdict != y->verdict)
		return x->verdict < y->verdict ? -1 : 1;
	if (x->parts.num != y->parts.num)
		return x->parts.num > y->parts.num ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->group->signature, y->group->signature);
}

static void merge_rules(struct coreleaks_check *check, const struct coreleaks_summary *summary)
{
	for (uint32_t i = 0; i < summary->rules.num; i++) {
		const struct summary_rule *rule = &summary->rules.items[i];
		struct check_rule *merged = NULL;
		for (uint32_t k = 0; k < check->rules.num && merged == NULL; k++)
			if (check->rules.items[k].rule->line == rule->line)
				merged = &check->rules.items[k];
		if (merged == NULL) {
			merged = array_add(&check->arena, &check->rules);
			merged->rule = rule;
		}
		merged->num_matched += rule->num_matched;
		merged->num_hidden += rule->num_hidden;
		merged->over |= rule->over;
		merged->broad |= rule->broad;
	}
}

static void count_up(struct coreleaks_check *check)
{
	struct coreleaks_check_info *info = &check->info;
	static const enum coreleaks_outcome order[] = {
		CORELEAKS_OUTCOME_CLEAN,
		CORELEAKS_OUTCOME_INCOMPLETE,
		CORELEAKS_OUTCOME_FAILED,
		CORELEAKS_OUTCOME_FINDINGS,
	};
	for (uint32_t i = 0; i < check->num_dumps; i++) {
		info->num_by_outcome[check->dumps[i].outcome]++;
		info->num_incomplete += check->dumps[i].summary->source != SUMMARY_FAILED &&
					!check->dumps[i].summary->complete;
	}
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (info->num_by_outcome[order[i]] > 0)
			info->outcome = order[i];
	info->num_dumps = check->num_dumps;
	info->num_signatures = check->groups.num;
	for (uint32_t i = 0; i < check->groups.num; i++) {
		info->num_red += check->groups.items[i].is_red;
		info->num_by_verdict[check->groups.items[i].verdict]++;
	}
}

static void build(struct coreleaks_check *check, const struct coreleaks_summary *const *summaries,
		  uint32_t num)
{
	struct intern signatures;
	intern_init(&signatures, &check->arena);
	check->num_dumps = num;
	check->dumps = arena_alloc_array(&check->arena, (size_t)num + 1, sizeof(*check->dumps));
	for (uint32_t i = 0; i < num; i++) {
		struct check_dump *dump = &check->dumps[i];
		dump->summary = summaries[i];
		judge(check, dump);
		for (uint32_t k = 0; k < summaries[i]->groups.num; k++)
			merge_group(check, &signatures, i, &summaries[i]->groups.items[k],
				    dump->is_red[k] && dump->outcome == CORELEAKS_OUTCOME_FINDINGS);
		merge_rules(check, summaries[i]);
	}
	if (check->groups.num > 0)
		qsort(check->groups.items, check->groups.num, sizeof(*check->groups.items),
		      group_compare);
	count_up(check);
}

uint64_t check_most_of(const struct coreleaks_check *check, const char *loose)
{
	uint64_t most = 0;
	for (uint32_t i = 0; i < check->num_dumps; i++) {
		const struct coreleaks_summary *summary = check->dumps[i].summary;
		uint64_t num = 0;
		for (uint32_t k = 0; k < summary->groups.num; k++)
			if (summary->groups.items[k].loose != NULL &&
			    strcmp(summary->groups.items[k].loose, loose) == 0)
				num += summary->groups.items[k].count;
		if (num > most)
			most = num;
	}
	return most;
}

void coreleaks_check_options_init(struct coreleaks_check_options *options)
{
	*options = (struct coreleaks_check_options){
		.size = sizeof(*options),
		.fail_on = CORELEAKS_VERDICT_LIKELY,
	};
}

struct coreleaks_error *coreleaks_check_new(const struct coreleaks_summary *const *summaries,
					    uint32_t num,
					    const struct coreleaks_check_options *options,
					    struct coreleaks_check **ret)
{
	jmp_buf trap;
	if (options == NULL || options->size == 0 || options->size > sizeof(*options))
		return error_new(CORELEAKS_ERROR_USAGE, 0, NULL,
				 "the options of a check are not initialised");
	for (uint32_t i = 0; i < num; i++)
		if (summaries[i]->source == SUMMARY_DEBUG2 ||
		    summaries[i]->source == SUMMARY_FRAMES)
			return error_new(CORELEAKS_ERROR_USAGE, 0, summaries[i]->name,
					 "%s: a profile has no signatures to be judged by",
					 summaries[i]->name);
	struct coreleaks_check *check = calloc(1, sizeof(*check));
	if (check == NULL)
		return error_new(CORELEAKS_ERROR_MEMORY, 0, NULL, "out of memory");
	arena_init(&check->arena, 0);
	coreleaks_check_options_init(&check->options);
	memcpy(&check->options, options, options->size);
	check->arena.trap = &trap;
	if (setjmp(trap) != 0) {
		coreleaks_check_free(check);
		return error_new(CORELEAKS_ERROR_MEMORY, 0, NULL, "out of memory");
	}
	build(check, summaries, num);
	check->arena.trap = NULL;
	*ret = check;
	return NULL;
}

const struct coreleaks_check_info *coreleaks_check_info(const struct coreleaks_check *check)
{
	return &check->info;
}

void coreleaks_check_free(struct coreleaks_check *check)
{
	if (check == NULL)
		return;
	arena_deinit(&check->arena);
	free(check);
}
