#include "report/candidate_words.h"

#include "group/user_frame.h"
#include "report/go_wait_words.h"
#include "report/text_frames.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_NAMED = 4, MAX_CIRCLE = 6, MAX_STEPS = 2000 };

/* "reader, reader.c:12" */
static void add_place(struct text *text, const struct coreleaks_frame *frame, const char *between)
{
	text_add(text, text_frames_name(text->arena, frame));
	if (frame->file != NULL && frame->line != 0)
		text_addf(text, "%s%s:%" PRIu32, between, user_frame_file_name(frame->file),
			  frame->line);
}

static void add_candidates(struct text *text, const struct report_view *view,
			   const struct coreleaks_object *object)
{
	text_addf(text, "; %s:", object->num_all_candidates == 1 ? "candidate" : "candidates");
	for (uint32_t i = 0; i < object->num_candidates && i < MAX_NAMED; i++) {
		const struct coreleaks_candidate *candidate = &object->candidates[i];
		text_addf(text, "%s %s %" PRId64, i == 0 ? "" : ",",
			  coreleaks_kind_name(view_alike(view, candidate->task)->kind),
			  view_task(view, candidate->task)->id);
		if (candidate->frame == NULL)
			continue;
		text_add(text, " (");
		add_place(text, candidate->frame, ", ");
		text_add(text, ")");
	}
	if (object->num_all_candidates > MAX_NAMED)
		text_addf(text, " and %s more",
			  words_number(text->arena, object->num_all_candidates - MAX_NAMED));
}

/* Of what is no lock: who else is there to end the wait. */
static const char *users(struct arena *arena, const struct report_view *view,
			 const struct coreleaks_object *object, bool names)
{
	struct text text;
	text_init(&text, arena);
	if (object->num_all_candidates == 0)
		return "no other goroutine's stack has its address";
	text_add(&text, "others have its address on their stacks");
	if (names)
		add_candidates(&text, view, object);
	else
		text_addf(&text, ": %s", words_number(arena, object->num_all_candidates));
	return text.bytes;
}

static bool is_lock(const struct coreleaks_go_object *object)
{
	return strcmp(object->kind, "go-mutex") == 0 || strcmp(object->kind, "go-rwmutex") == 0;
}

const char *candidate_words_object(struct arena *arena, const struct report_view *view,
				   const struct coreleaks_object *object, bool names)
{
	uint32_t num_readers = object->rwlock.known ? object->rwlock.num_readers : 0;
	struct text text;
	if (object->candidates_known && object->go != NULL && !is_lock(object->go))
		return users(arena, view, object, names);
	if (!object->candidates_known || (num_readers == 0 && object->num_all_candidates == 0))
		return NULL;
	text_init(&text, arena);
	if (num_readers > 0)
		text_addf(&text, "%s held on it; %s does not record whose",
			  num_readers == 1 ? "1 read lock is"
					   : arena_format(arena, "%s read locks are",
							  words_number(arena, num_readers)),
			  object->type != NULL ? object->type : "glibc");
	else
		text_add(&text, "its holder is not recorded");
	if (object->num_all_candidates > 0 && names)
		add_candidates(&text, view, object);
	else if (object->num_all_candidates > 0)
		text_addf(&text, "; %s %s", words_number(arena, object->num_all_candidates),
			  object->num_all_candidates == 1 ? "candidate" : "candidates");
	else
		text_add(&text, "; no candidate: no other thread has its address in use");
	return text.bytes;
}

/* ---- Circles ------------------------------------------------------------------------------- */

/* From a lock to a task that may hold it, to the lock that this one waits for, and so on. */
struct circle {
	const struct report_view *view;
	const struct coreleaks_go_object *first;
	uint32_t tasks[MAX_CIRCLE];
	uint32_t num, num_steps;
};

static const struct coreleaks_go_object *lock_of(const struct report_view *view, uint32_t task)
{
	const struct coreleaks_wait *wait = view_wait(view, task);
	return wait->go != NULL && is_lock(wait->go) && !wait->waking && wait->timeout_kind == NULL
		       ? wait->go
		       : NULL;
}

/* Finds the way back to the first lock, if there is one that is short. */
static bool find_circle(struct circle *circle)
{
	uint32_t next[MAX_CIRCLE + 1] = {0}; /* the candidate to try at each depth */
	while (circle->num_steps++ < MAX_STEPS) {
		const struct coreleaks_go_object *lock =
			circle->num == 0 ? circle->first
					 : lock_of(circle->view, circle->tasks[circle->num - 1]);
		if (circle->num > 0 && lock == circle->first)
			return true;
		if (circle->num == MAX_CIRCLE || next[circle->num] == lock->num_candidates) {
			if (circle->num-- == 0)
				return false;
			continue;
		}
		uint32_t task = lock->candidates[next[circle->num]++].task;
		if (lock_of(circle->view, task) == NULL)
			continue;
		circle->tasks[circle->num++] = task;
		next[circle->num] = 0;
	}
	return false;
}

const char *candidate_words_circle(struct arena *arena, const struct report_view *view,
				   const struct coreleaks_object *object)
{
	struct circle circle = {.view = view, .first = object->go};
	struct text text;
	if (object->go == NULL || !is_lock(object->go) || !find_circle(&circle))
		return NULL;
	text_init(&text, arena);
	text_add(&text, "perhaps a circle: ");
	for (uint32_t i = 0; i < circle.num; i++) {
		const struct coreleaks_go_object *lock = lock_of(view, circle.tasks[i]);
		text_addf(&text, "%sgoroutine %" PRId64 " may hold %s and waits for ",
			  i > 0 ? ", " : "", view_task(view, circle.tasks[i])->id,
			  i > 0 ? "that" : "it");
		if (lock == object->go)
			text_add(&text, "the first one");
		else
			text_add(&text, go_wait_words_name(arena, lock));
	}
	return text.bytes;
}

const char *candidate_words_one(struct arena *arena, const struct report_view *view,
				const struct coreleaks_candidate *candidate)
{
	struct text text;
	text_init(&text, arena);
	text_addf(&text, "candidate: %s %" PRId64 " has its address ",
		  coreleaks_kind_name(view_alike(view, candidate->task)->kind),
		  view_task(view, candidate->task)->id);
	if (candidate->frame == NULL) {
		text_add(&text, "on its stack, in a frame that is not known");
		return text.bytes;
	}
	text_add(&text, "in ");
	add_place(&text, candidate->frame, " (");
	if (candidate->frame->file != NULL && candidate->frame->line != 0)
		text_add(&text, ")");
	return text.bytes;
}

const char *candidate_words_note(struct arena *arena, const struct coreleaks_object *object)
{
	uint32_t num_left = object->num_all_candidates - object->num_candidates;
	if (object->num_all_candidates == 0)
		return NULL;
	if (num_left == 0)
		return "that a thread has its address in use does not prove that it holds it";
	return arena_format(arena,
			    "%s more are not listed; that a thread has its address in use does not "
			    "prove that it holds it",
			    words_number(arena, num_left));
}
