#include "report/group_notes.h"

#include "report/candidate_words.h"
#include "report/go_wait_words.h"
#include "report/go_words.h"
#include "report/interrupted.h"
#include "report/wait_words.h"

static void add(struct group_notes *notes, enum style style, const char *line)
{
	if (line == NULL)
		return;
	notes->lines[notes->num] = line;
	notes->styles[notes->num++] = style;
}

struct group_notes group_notes_of(struct arena *arena, const struct report_view *view,
				  const struct coreleaks_group *group)
{
	struct group_notes notes = {.num = 0};
	add(&notes, STYLE_PLAIN,
	    group->kind == CORELEAKS_KIND_GOROUTINE ? go_wait_words_group(arena, view, group)
						    : wait_words_group(arena, view, group));
	add(&notes, STYLE_PLAIN, interrupted_words_group(arena, view, group));
	if (group->num_objects > 0) {
		add(&notes, STYLE_PLAIN,
		    candidate_words_object(arena, view, &group->objects[0], true));
		add(&notes, STYLE_PLAIN, candidate_words_circle(arena, view, &group->objects[0]));
	}
	add(&notes, STYLE_PLAIN, go_words_group(arena, view, group));
	add(&notes, STYLE_DIM, wait_words_start(arena, view, group));
	add(&notes, STYLE_DIM, wait_words_creation(arena, group->creation));
	return notes;
}
