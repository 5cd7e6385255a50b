#include "proof/rule_verdicts.h"

#include <inttypes.h>
#include <string.h>

const char *rule_name(const struct coreleaks_rule *rule)
{
	return rule->is_builtin ? rule->set : rule->text;
}

static void ignore_group(struct findings *findings, struct ruled *ruled, struct rule *rule,
			 const struct group *group, uint32_t index)
{
	enum coreleaks_verdict verdict = findings->verdict_by_group[index];
	if (verdict < CORELEAKS_VERDICT_SUSPECT) {
		rule->info.num_kept += group_count(group);
		return;
	}
	findings->verdict_by_group[index] = CORELEAKS_VERDICT_BENIGN;
	rule->info.num_hidden += group_count(group);
	ruled->ignored_by = &rule->info;
}

static bool is_about_benign_groups(const struct findings *findings,
				   const struct coreleaks_finding *finding)
{
	for (uint32_t i = 0; i < finding->num_groups; i++)
		if (findings->verdict_by_group[finding->groups[i]] != CORELEAKS_VERDICT_BENIGN)
			return false;
	return finding->num_groups > 0;
}

/* Suspicions that rules have answered. */
static void drop_answered(struct findings *findings)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < findings->list.num; i++)
		if (!is_about_benign_groups(findings, &findings->list.items[i]))
			findings->list.items[num++] = findings->list.items[i];
	findings->list.num = num;
}

static bool is_of_signature(const struct group *group, const struct rule *rule)
{
	return strcmp(group->signature, rule->pattern) == 0 ||
	       strcmp(group->loose_signature, rule->pattern) == 0;
}

static void add_over_baseline(struct findings *findings, struct arena *arena,
			      const struct rule *rule, const struct groups *groups)
{
	uint32_t *ids = arena_alloc_array(arena, rule->info.num_groups, sizeof(*ids));
	uint32_t *tasks = arena_alloc_array(arena, rule->info.num_tasks, sizeof(*tasks));
	struct coreleaks_evidence *evidence = arena_alloc_array(arena, 1, sizeof(*evidence));
	struct coreleaks_finding finding = {
		.rule = "over-baseline",
		.certainty = CORELEAKS_VERDICT_SUSPECT,
		.title =
			arena_format(arena, "%" PRIu64 " tasks of %s, the baseline allows %" PRIi64,
				     rule->info.num_tasks, rule->pattern, rule->info.max),
		.groups = ids,
		.tasks = tasks,
		.evidence = evidence,
		.num_evidence = 1,
	};
	evidence[0].what = arena_format(arena, "rule: %s max=%" PRIi64 "%s%s", rule->info.text,
					rule->info.max, rule->info.reason != NULL ? ", " : "",
					rule->info.reason != NULL ? rule->info.reason : "");
	for (uint32_t i = 0; i < groups->list.num; i++) {
		const struct group *group = &groups->list.items[i];
		if (!is_of_signature(group, rule))
			continue;
		ids[finding.num_groups++] = i;
		for (uint32_t k = 0; k < group->num_tasks; k++)
			tasks[finding.num_tasks++] = group->tasks[k];
		if (group->num_pthreads > 0) {
			finding.pthreads = group->pthreads;
			finding.num_pthreads = group->num_pthreads;
		}
		if (findings->verdict_by_group[i] > CORELEAKS_VERDICT_SUSPECT)
			findings->verdict_by_group[i] = CORELEAKS_VERDICT_SUSPECT;
	}
	*array_add(arena, &findings->list) = finding;
}

struct coreleaks_error *rule_verdicts_build(struct ruled **ret, struct arena *arena,
					    struct findings *findings, struct rules *rules,
					    const struct groups *groups,
					    const struct groups_input *input)
{
	struct rule_match *matches;
	struct ruled *ruled =
		arena_alloc_array(arena, (size_t)groups->list.num + 1, sizeof(*ruled));
	struct coreleaks_error *error = rules_match(rules, &matches, arena, groups, input);
	if (error != NULL)
		return error;
	for (uint32_t i = 0; i < groups->list.num; i++) {
		const struct group *group = &groups->list.items[i];
		/* What a runtime keeps for itself is benign without rules. */
		if (matches[i].ignore != RULE_NONE && group->system == NULL)
			ignore_group(findings, &ruled[i], &rules->list.items[matches[i].ignore],
				     group, i);
		if (matches[i].allow != RULE_NONE)
			ruled[i].allowed_by = &rules->list.items[matches[i].allow].info;
	}
	drop_answered(findings);
	for (uint32_t i = 0; i < rules->list.num; i++) {
		const struct rule *rule = &rules->list.items[i];
		if (rule->info.allows && rule->info.over && !rule->info.expired)
			add_over_baseline(findings, arena, rule, groups);
	}
	findings_sort(findings);
	*ret = ruled;
	return NULL;
}
