#include "report/rules_report.h"

#include "report/words.h"

#include <inttypes.h>

static const char *rule_place(struct arena *arena, const struct coreleaks_rule *rule)
{
	if (rule->is_builtin)
		return arena_format(arena, "rule of %s: %s", rule->set, rule->text);
	return arena_format(arena, "rule in line %" PRIu32 ": %s", rule->line, rule->text);
}

static const char *tasks(const struct write_job *job, uint64_t num)
{
	return arena_format(job->arena, "%s %s", words_number(job->arena, num),
			    view_noun(job->view, num));
}

/* What is wrong with it; NULL nothing. Of several things the one that hides the others. */
static const char *rule_complaint(const struct write_job *job, const struct coreleaks_rule *rule)
{
	if (rule->expired)
		return arena_format(job->arena, "expired on %s: it %s nothing any more",
				    rule->until, rule->allows ? "allows" : "hides");
	if (rule->over)
		return arena_format(job->arena, "%s, more than its max=%" PRIi64 ": it %s none",
				    tasks(job, rule->num_tasks), rule->max,
				    rule->allows ? "allows" : "hides");
	if (rule->is_builtin)
		return NULL;
	if (rule->num_groups == 0)
		return "matches nothing here";
	if (rule->broad)
		return arena_format(job->arena, "matches more than half of all: %s",
				    tasks(job, rule->num_tasks));
	if (rule->names_parking)
		return "names what all waiting tasks call: it hides leaks whatever they wait for";
	if (rule->num_kept > 0)
		return arena_format(job->arena, "%s it matches %s proved or likely leaked: shown",
				    tasks(job, rule->num_kept), rule->num_kept == 1 ? "is" : "are");
	return NULL;
}

static void explain_line(struct screen *screen, const struct write_job *job, uint64_t num,
			 const char *text)
{
	screen_words(screen, STYLE_PLAIN,
		     arena_format(job->arena, "  %s by %s", tasks(job, num), text));
	screen_end_line(screen);
}

static void explain(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	screen->indent = 2;
	screen_words(screen, STYLE_PLAIN,
		     arena_format(job->arena, "filters: %s in all; hidden",
				  tasks(job, view->num_threads + view->num_goroutines)));
	screen_end_line(screen);
	screen->indent = 4;
	for (uint32_t i = 0; i < view->hidden_by.num; i++)
		explain_line(screen, job, view->hidden_by.items[i].num_tasks,
			     view->hidden_by.items[i].name);
	if (view->hidden_by.num == 0) {
		screen_put(screen, STYLE_PLAIN, "  none");
		screen_end_line(screen);
	}
	for (uint32_t i = 0; i < view->num_rules; i++) {
		const struct coreleaks_rule *rule = view->rules[i];
		if (rule->is_builtin && rule->num_groups == 0)
			continue;
		screen_words(screen, STYLE_PLAIN,
			     arena_format(job->arena, "  %s: matches %s, %s %s%s%s",
					  rule_place(job->arena, rule), tasks(job, rule->num_tasks),
					  rule->allows ? "allows up to" : "hides",
					  rule->allows && rule->max < 0
						  ? "any number"
						  : words_number(job->arena,
								 rule->allows ? (uint64_t)rule->max
									      : rule->num_hidden),
					  rule->reason != NULL ? ": " : "",
					  rule->reason != NULL ? rule->reason : ""));
		screen_end_line(screen);
	}
}

void rules_report_text(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	if (job->options->explain)
		explain(screen, job);
	for (uint32_t i = 0; i < view->num_rules; i++) {
		const struct coreleaks_rule *rule = view->rules[i];
		const char *complaint = rule_complaint(job, rule);
		if (complaint == NULL)
			continue;
		screen->indent = 4;
		screen_words(screen, STYLE_YELLOW,
			     arena_format(job->arena, "%s: %s", rule_place(job->arena, rule),
					  complaint));
		screen_end_line(screen);
	}
}

static void rule_json(struct json_out *json, const struct coreleaks_rule *rule)
{
	json_out_begin(json, NULL, '{', JSON_INLINE);
	json_out_text(json, "rule", rule->text);
	json_out_text(json, "set", rule->set);
	json_out_bool(json, "builtin", rule->is_builtin);
	if (rule->line != 0)
		json_out_uint(json, "line", rule->line);
	else
		json_out_null(json, "line");
	if (rule->max >= 0)
		json_out_int(json, "max", rule->max);
	else
		json_out_null(json, "max");
	json_out_text(json, "until", rule->until);
	json_out_text(json, "reason", rule->reason);
	json_out_uint(json, "groups", rule->num_groups);
	json_out_uint(json, "matched", rule->num_tasks);
	json_out_uint(json, "hidden", rule->num_hidden);
	json_out_uint(json, "kept", rule->num_kept);
	json_out_bool(json, "expired", rule->expired);
	json_out_bool(json, "over_max", rule->over);
	json_out_bool(json, "too_broad", rule->broad || rule->names_parking);
	json_out_end(json, '}');
}

void rules_report_json(struct json_out *json, const struct report_view *view)
{
	json_out_begin(json, "rules", '[', JSON_LINES);
	for (uint32_t i = 0; i < view->num_rules; i++)
		if (!view->rules[i]->is_builtin || view->rules[i]->num_groups > 0)
			rule_json(json, view->rules[i]);
	json_out_end(json, ']');
}
