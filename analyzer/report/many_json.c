#include "report/many.h"

static const char *outcome_name(enum coreleaks_outcome outcome)
{
	static const char *const names[] = {"clean", "findings", "failed", "incomplete"};
	return names[outcome];
}

static void head(struct json_out *json, const char *schema)
{
	json_out_text(json, "schema", schema);
	json_out_begin(json, "tool", '{', JSON_INLINE);
	json_out_text(json, "name", "coreleaks");
	json_out_text(json, "version", CORELEAKS_VERSION);
	json_out_end(json, '}');
}

static void known(struct json_out *json, const char *key, int64_t number)
{
	if (number >= 0)
		json_out_int(json, key, number);
	else
		json_out_null(json, key);
}

/* What both documents say of a dump. */
static void dump_fields(struct json_out *json, const struct coreleaks_summary *dump)
{
	json_out_text(json, "path", dump->name);
	json_out_text(json, "error", dump->failure);
	json_out_text(json, "command", dump->command);
	if (dump->pid != 0)
		json_out_int(json, "pid", dump->pid);
	else
		json_out_null(json, "pid");
	json_out_text(json, "executable", dump->executable);
	json_out_text(json, "build_id", dump->build_id);
	many_json_time(json, "captured_at", dump->time);
	json_out_bool(json, "complete", dump->complete);
	known(json, "threads", dump->num_threads);
	known(json, "goroutines", dump->num_goroutines);
	json_out_uint(json, "hidden", dump->num_hidden);
}

static void dump_json(struct json_out *json, const struct check_dump *dump)
{
	const struct coreleaks_summary *summary = dump->summary;
	json_out_begin(json, NULL, '{', JSON_LINES);
	dump_fields(json, summary);
	json_out_text(json, "outcome", outcome_name(dump->outcome));
	json_out_text(json, "verdict", coreleaks_verdict_name(summary->verdict));
	json_out_uint(json, "red_tasks", dump->num_red);
	json_out_begin(json, "findings", '[', JSON_LINES);
	for (uint32_t i = 0; i < summary->findings.num; i++) {
		const struct summary_finding *finding = &summary->findings.items[i];
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "rule", finding->rule);
		json_out_text(json, "certainty", coreleaks_verdict_name(finding->certainty));
		json_out_text(json, "title", finding->title);
		json_out_bool(json, "hidden", finding->hidden);
		json_out_bool(json, "allowed", finding->allowed);
		json_out_begin(json, "signatures", '[', JSON_INLINE);
		for (uint32_t k = 0; k < finding->num_groups; k++)
			json_out_text(json, NULL,
				      summary->groups.items[finding->groups[k]].signature);
		json_out_end(json, ']');
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_begin(json, "gaps", '[', JSON_LINES);
	for (uint32_t i = 0; i < summary->gaps.num; i++) {
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "kind", summary->gaps.items[i].kind);
		json_out_bool(json, "incomplete", summary->gaps.items[i].incomplete);
		json_out_text(json, "detail", summary->gaps.items[i].detail);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_end(json, '}');
}

static void group_fields(struct json_out *json, const struct summary_group *group,
			 enum coreleaks_verdict verdict)
{
	json_out_text(json, "signature", group->signature);
	json_out_text(json, "loose_signature", group->loose);
	json_out_text(json, "kind", group->is_thread ? "thread" : "goroutine");
	json_out_text(json, "state", group->state);
	json_out_text(json, "reason", group->reason);
	json_out_text(json, "verdict", coreleaks_verdict_name(verdict));
	json_out_text(json, "rules", group->rules);
}

static void group_json(struct json_out *json, const struct check_group *merged)
{
	json_out_begin(json, NULL, '{', JSON_LINES);
	group_fields(json, merged->group, merged->verdict);
	json_out_bool(json, "red", merged->is_red);
	json_out_bool(json, "allowed", merged->is_allowed);
	json_out_uint(json, "count", merged->count);
	json_out_uint(json, "judged", merged->num_judged);
	json_out_begin(json, "dumps", '[', JSON_INLINE);
	for (uint32_t i = 0; i < merged->parts.num; i++) {
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_uint(json, "dump", merged->parts.items[i].dump);
		json_out_uint(json, "count", merged->parts.items[i].count);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	many_json_stack(json, merged->group);
	json_out_end(json, '}');
}

void check_json(struct json_out *json, const struct coreleaks_check *check,
		const struct coreleaks_write_options *options)
{
	const struct coreleaks_check_info *info = &check->info;
	(void)options;
	head(json, "coreleaks-check/1");
	json_out_begin(json, "summary", '{', JSON_LINES);
	json_out_text(json, "outcome", outcome_name(info->outcome));
	json_out_uint(json, "dumps", info->num_dumps);
	json_out_begin(json, "by_outcome", '{', JSON_INLINE);
	for (int i = 0; i < 4; i++)
		json_out_uint(json, outcome_name((enum coreleaks_outcome)i),
			      info->num_by_outcome[i]);
	json_out_end(json, '}');
	json_out_uint(json, "signatures", info->num_signatures);
	json_out_uint(json, "red_signatures", info->num_red);
	json_out_begin(json, "by_verdict", '{', JSON_INLINE);
	for (int i = 0; i <= CORELEAKS_VERDICT_BENIGN; i++)
		json_out_uint(json, coreleaks_verdict_name((enum coreleaks_verdict)i),
			      info->num_by_verdict[i]);
	json_out_end(json, '}');
	json_out_end(json, '}');
	json_out_begin(json, "groups", '[', JSON_LINES);
	for (uint32_t i = 0; i < check->groups.num; i++)
		group_json(json, &check->groups.items[i]);
	json_out_end(json, ']');
	json_out_begin(json, "dumps", '[', JSON_LINES);
	for (uint32_t i = 0; i < check->num_dumps; i++)
		dump_json(json, &check->dumps[i]);
	json_out_end(json, ']');
	json_out_begin(json, "rules", '[', JSON_LINES);
	for (uint32_t i = 0; i < check->rules.num; i++) {
		const struct check_rule *rule = &check->rules.items[i];
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "rule", rule->rule->text);
		json_out_uint(json, "line", rule->rule->line);
		known(json, "max", rule->rule->max);
		json_out_text(json, "until", rule->rule->until);
		json_out_text(json, "reason", rule->rule->reason);
		json_out_uint(json, "matched", rule->num_matched);
		json_out_uint(json, "hidden", rule->num_hidden);
		json_out_bool(json, "expired", rule->rule->expired);
		json_out_bool(json, "over_max", rule->over);
		json_out_bool(json, "too_broad", rule->broad);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
}

/* ---- A comparison -------------------------------------------------------------------------- */

static void counts_json(struct json_out *json, const char *key, const uint64_t *counts,
			uint32_t num)
{
	json_out_begin(json, key, '[', JSON_INLINE);
	for (uint32_t i = 0; i < num; i++)
		json_out_uint(json, NULL, counts[i]);
	json_out_end(json, ']');
}

static void row_json(struct json_out *json, const struct coreleaks_comparison *comparison,
		     const struct comparison_row *row)
{
	uint32_t last = comparison->num_dumps - 1;
	double minutes = comparison_minutes(comparison, 0, last);
	int64_t delta = (int64_t)(row->counts[last] - row->counts[0]);
	json_out_begin(json, NULL, '{', JSON_LINES);
	group_fields(json, row->group, row->verdict);
	json_out_text(json, "change", comparison_change_name(row->change));
	json_out_bool(json, "growth", row->grows);
	json_out_int(json, "delta", delta);
	/* In thousandths: the same in every locale. */
	if (minutes > 0)
		json_out_int(json, "per_minute_milli", (int64_t)((double)delta * 1000 / minutes));
	else
		json_out_null(json, "per_minute_milli");
	counts_json(json, "counts", row->counts, comparison->num_dumps);
	counts_json(json, "stack_bytes", row->stack_sizes, comparison->num_dumps);
	if (comparison->is_one_process)
		json_out_uint(json, "stuck", row->num_stuck);
	else
		json_out_null(json, "stuck");
	many_json_stack(json, row->group);
	json_out_end(json, '}');
}

static void comparison_dump_json(struct json_out *json, const struct coreleaks_summary *dump)
{
	json_out_begin(json, NULL, '{', JSON_LINES);
	dump_fields(json, dump);
	json_out_uint(json, "waiting", summary_num_waiting(dump));
	known(json, "created_goroutines", dump->num_created);
	json_out_uint(json, "stack_bytes", dump->stack_size);
	known(json, "heap_bytes", dump->heap_size);
	known(json, "gc_cycles", dump->num_gcs);
	json_out_end(json, '}');
}

void comparison_json(struct json_out *json, const struct coreleaks_comparison *comparison,
		     const struct coreleaks_write_options *options)
{
	const struct coreleaks_comparison_info *info = &comparison->info;
	(void)options;
	head(json, "coreleaks-compare/1");
	json_out_begin(json, "summary", '{', JSON_LINES);
	json_out_text(json, "outcome", outcome_name(info->outcome));
	json_out_text(json, "compared_by", comparison_key_name(comparison->key));
	json_out_text(json, "compared", comparison_noun(comparison));
	json_out_bool(json, "one_process", comparison->is_one_process);
	json_out_uint(json, "before", comparison->totals[0]);
	json_out_uint(json, "after", comparison->totals[comparison->num_dumps - 1]);
	json_out_begin(json, "by_change", '{', JSON_INLINE);
	for (int i = 0; i <= CHANGE_RESOLVED; i++)
		json_out_uint(json, comparison_change_name((enum comparison_change)i),
			      info->num_by_change[i]);
	json_out_end(json, '}');
	json_out_end(json, '}');
	json_out_begin(json, "findings", '[', JSON_LINES);
	for (uint32_t i = 0; i < comparison->findings.num; i++) {
		const struct comparison_finding *finding = &comparison->findings.items[i];
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "rule", finding->rule);
		json_out_text(json, "certainty", "suspect");
		json_out_text(json, "title", finding->title);
		json_out_text(json, "signature",
			      finding->row != NULL ? finding->row->group->signature : NULL);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_begin(json, "groups", '[', JSON_LINES);
	for (uint32_t i = 0; i < comparison->rows.num; i++)
		row_json(json, comparison, &comparison->rows.items[i]);
	json_out_end(json, ']');
	json_out_begin(json, "dumps", '[', JSON_LINES);
	for (uint32_t i = 0; i < comparison->num_dumps; i++)
		comparison_dump_json(json, comparison->dumps[i]);
	for (uint32_t i = 0; i < comparison->num_failed; i++)
		comparison_dump_json(json, comparison->failed[i]);
	json_out_end(json, ']');
}
