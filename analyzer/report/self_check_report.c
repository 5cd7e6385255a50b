#include "report/self_check_report.h"

#include "report/words.h"

void self_check_report_json(struct json_out *json, const struct coreleaks_self_check *check)
{
	if (check == NULL) {
		json_out_null(json, "self_check");
		return;
	}
	json_out_begin(json, "self_check", '{', JSON_LINES);
	json_out_uint(json, "threads", check->num_threads);
	json_out_uint(json, "stacks", check->num_stacks);
	json_out_uint(json, "frames", check->num_frames);
	json_out_uint(json, "unsure", check->num_unsure);
	json_out_begin(json, "disagreements", '[', JSON_LINES);
	for (uint32_t i = 0; i < check->num_disagreements; i++) {
		const struct coreleaks_disagreement *one = &check->disagreements[i];
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "kind", coreleaks_kind_name(one->kind));
		json_out_int(json, "id", one->id);
		json_out_uint(json, "frame", one->frame);
		json_out_known_addr(json, "pc", one->pc);
		json_out_known_addr(json, "libdwfl_pc", one->other_pc);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_end(json, '}');
}

void self_check_report_text(struct screen *screen, const struct write_job *job)
{
	const struct coreleaks_self_check *check = job->view->core->self_check;
	struct text line;
	if (check == NULL)
		return;
	text_init(&line, job->arena);
	text_addf(&line,
		  "self-check: stacks of %s of %s %s unwound by libdwfl too, %s frames equal",
		  words_number(job->arena, check->num_stacks),
		  words_number(job->arena, check->num_threads),
		  view_noun_of_kind(CORELEAKS_KIND_THREAD, check->num_threads),
		  words_number(job->arena, check->num_frames));
	if (check->num_unsure > 0)
		text_addf(&line, "; of %s the rest is not comparable, as libdwfl has no rule there",
			  words_number(job->arena, check->num_unsure));
	text_addf(&line, "; %s",
		  check->num_disagreements > 0 ? "DISAGREEMENTS: "
		  : check->num_stacks > 0      ? "no disagreement"
					       : "nothing was compared");
	if (check->num_disagreements > 0)
		text_add(&line, words_number(job->arena, check->num_disagreements));
	screen->indent = 2;
	screen_words(screen, check->num_disagreements > 0 ? STYLE_YELLOW : STYLE_PLAIN, line.bytes);
	screen_end_line(screen);
}
