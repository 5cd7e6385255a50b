#include "report/kept.h"

#include "base/text.h"
#include "report/text_findings.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

enum { NUM_KEEPERS = 4, MAX_RANKS = 8 };

struct keeper {
	const char *name; /* as in coreleaks_task */
	const char *key;  /* in JSON */
	const char *text; /* NULL: nothing to say */
};

static const struct keeper keepers[NUM_KEEPERS] = {
	{"goroutine", "goroutine", NULL},
	{"timer", "timer", "only a timer can lead to their waking up"},
	{"variable", "variable",
	 "only a variable leads to what they wait for: no goroutine and no timer holds it"},
	{"waiting goroutine", "waiting",
	 "only other goroutines that wait so lead to what they wait for"},
};

static uint32_t count(const struct write_job *job, const struct coreleaks_group *group,
		      const struct keeper *keeper)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		const char *name = view_alike(job->view, group->tasks[i])->keeper;
		num += name != NULL && strcmp(name, keeper->name) == 0;
	}
	return num;
}

static void write_keeper(struct screen *screen, const struct write_job *job,
			 const struct keeper *keeper)
{
	const struct report_view *view = job->view;
	uint64_t num_tasks = 0;
	uint32_t num_groups = 0;
	struct text ranks;
	text_init(&ranks, job->arena);
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		uint32_t num = count(job, view->groups[i], keeper);
		if (num == 0)
			continue;
		num_tasks += num;
		if (num_groups++ < MAX_RANKS)
			text_addf(&ranks, " #%" PRIu32, i + 1);
	}
	if (num_tasks == 0)
		return;
	if (num_groups > MAX_RANKS)
		text_addf(&ranks, " and %" PRIu32 " more", num_groups - MAX_RANKS);
	text_findings_line(screen, 0, STYLE_PLAIN,
			   arena_format(job->arena, "%s %s (%s):%s",
					words_number(job->arena, num_tasks),
					num_tasks == 1 ? "goroutine waits" : "goroutines wait",
					keeper->text, ranks.bytes));
}

void kept_text(struct screen *screen, const struct write_job *job)
{
	for (uint32_t i = 0; i < NUM_KEEPERS; i++)
		if (keepers[i].text != NULL)
			write_keeper(screen, job, &keepers[i]);
}

void kept_json(struct json_out *json, const struct write_job *job,
	       const struct coreleaks_group *group)
{
	uint32_t counts[NUM_KEEPERS], total = 0;
	for (uint32_t i = 0; i < NUM_KEEPERS; i++)
		total += counts[i] = count(job, group, &keepers[i]);
	if (total == 0) {
		json_out_null(json, "kept_by");
		return;
	}
	json_out_begin(json, "kept_by", '{', JSON_INLINE);
	for (uint32_t i = 0; i < NUM_KEEPERS; i++)
		json_out_uint(json, keepers[i].key, counts[i]);
	json_out_end(json, '}');
}
