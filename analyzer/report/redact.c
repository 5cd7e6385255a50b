#include "report/redact.h"

#include "base/intern.h"
#include "base/text.h"

#include <string.h>

/* Frames and creations are shared by many: each is copied once. */
struct redact {
	struct arena *arena;
	const char *prefix; /* NULL: paths stay */
	bool privacy;
	struct intern frames, creations; /* by address */
	struct {
		const struct coreleaks_frame **items;
		uint32_t num, capacity;
	} new_frames;
	struct {
		const struct coreleaks_creation **items;
		uint32_t num, capacity;
	} new_creations;
};

const char *coreleaks_strip_prefix(const char *path, const char *prefix)
{
	size_t length;
	if (path == NULL || prefix == NULL)
		return path;
	length = strlen(prefix);
	while (length > 0 && prefix[length - 1] == '/')
		length--;
	if (length == 0 || strncmp(path, prefix, length) != 0 || path[length] != '/')
		return path;
	path += length;
	path += strspn(path, "/");
	return *path != '\0' ? path : path - 1;
}

static void *copy(struct redact *redact, const void *item, size_t size)
{
	void *same = arena_alloc(redact->arena, size);
	memcpy(same, item, size);
	return same;
}

static void frame_strip(const struct redact *redact, struct coreleaks_frame *frame)
{
	frame->file = coreleaks_strip_prefix(frame->file, redact->prefix);
	frame->module_path = coreleaks_strip_prefix(frame->module_path, redact->prefix);
}

static const struct coreleaks_frame *redact_frame(struct redact *redact,
						  const struct coreleaks_frame *frame)
{
	bool is_new;
	if (frame == NULL || redact->prefix == NULL)
		return frame;
	uint32_t id = intern_add(&redact->frames, &frame, sizeof(frame), &is_new);
	if (is_new) {
		struct coreleaks_frame *same = copy(redact, frame, sizeof(*frame));
		frame_strip(redact, same);
		*array_add(redact->arena, &redact->new_frames) = same;
	}
	return redact->new_frames.items[id];
}

static const struct coreleaks_creation *redact_creation(struct redact *redact,
							const struct coreleaks_creation *creation)
{
	bool is_new;
	if (creation == NULL || redact->prefix == NULL)
		return creation;
	uint32_t id = intern_add(&redact->creations, &creation, sizeof(creation), &is_new);
	if (is_new) {
		struct coreleaks_creation *same = copy(redact, creation, sizeof(*creation));
		same->frame = redact_frame(redact, creation->frame);
		*array_add(redact->arena, &redact->new_creations) = same;
	}
	return redact->new_creations.items[id];
}

static const struct coreleaks_candidate *
redact_candidates(struct redact *redact, const struct coreleaks_candidate *candidates, uint32_t num)
{
	if (num == 0 || redact->prefix == NULL)
		return candidates;
	struct coreleaks_candidate *same = copy(redact, candidates, num * sizeof(*candidates));
	for (uint32_t i = 0; i < num; i++)
		same[i].frame = redact_frame(redact, same[i].frame);
	return same;
}

static const struct coreleaks_object *
redact_objects(struct redact *redact, const struct coreleaks_object *objects, uint32_t num)
{
	if (num == 0 || redact->prefix == NULL)
		return objects;
	struct coreleaks_object *same = copy(redact, objects, num * sizeof(*objects));
	for (uint32_t i = 0; i < num; i++)
		same[i].candidates =
			redact_candidates(redact, same[i].candidates, same[i].num_candidates);
	return same;
}

static const struct coreleaks_stack *redact_stack(struct redact *redact,
						  const struct coreleaks_stack *stack)
{
	struct coreleaks_stack *same = copy(redact, stack, sizeof(*stack));
	struct coreleaks_frame *frames =
		arena_alloc_array(redact->arena, (size_t)stack->num_frames + 1, sizeof(*frames));
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		frames[i] = stack->frames[i];
		frame_strip(redact, &frames[i]);
	}
	same->frames = frames;
	return same;
}

static const struct coreleaks_ancestor *redact_ancestors(struct redact *redact,
							 const struct coreleaks_task *task)
{
	if (task->num_ancestors == 0 || redact->prefix == NULL)
		return task->ancestors;
	struct coreleaks_ancestor *same =
		copy(redact, task->ancestors, task->num_ancestors * sizeof(*same));
	for (uint32_t i = 0; i < task->num_ancestors; i++)
		same[i].creation = redact_creation(redact, same[i].creation);
	return same;
}

static const struct coreleaks_task *redact_task(struct redact *redact,
						const struct coreleaks_task *task)
{
	bool has_labels = redact->privacy && task->num_labels > 0;
	bool has_bp = redact->privacy && task->bp != 0;
	bool has_place = task->creation != NULL || task->num_ancestors > 0;
	if (!has_labels && !has_bp && (redact->prefix == NULL || !has_place))
		return task;
	struct coreleaks_task *same = copy(redact, task, sizeof(*task));
	same->creation = redact_creation(redact, task->creation);
	same->ancestors = redact_ancestors(redact, task);
	if (redact->privacy) {
		same->labels = NULL;
		same->num_labels = 0;
		same->bp = 0; /* code without frame pointers keeps any value there */
	}
	return same;
}

static const struct coreleaks_wait *redact_wait(struct redact *redact,
						const struct coreleaks_wait *wait)
{
	if (redact->prefix == NULL ||
	    (wait->num_candidates == 0 &&
	     (wait->interrupted == NULL || wait->interrupted->num_candidates == 0)))
		return wait;
	struct coreleaks_wait *same = copy(redact, wait, sizeof(*wait));
	same->candidates = redact_candidates(redact, wait->candidates, wait->num_candidates);
	if (wait->interrupted != NULL) {
		struct coreleaks_wait *before =
			copy(redact, wait->interrupted, sizeof(*wait->interrupted));
		before->candidates =
			redact_candidates(redact, before->candidates, before->num_candidates);
		same->interrupted = before;
	}
	return same;
}

static const struct coreleaks_group *redact_group(struct redact *redact,
						  const struct coreleaks_group *group)
{
	struct coreleaks_group *same = copy(redact, group, sizeof(*group));
	same->creation = redact_creation(redact, group->creation);
	same->objects = redact_objects(redact, group->objects, group->num_objects);
	if (redact->privacy) {
		same->labels = NULL;
		same->num_labels = 0;
		same->key = NULL;
	}
	return same;
}

static const struct coreleaks_blocker *redact_blocker(struct redact *redact,
						      const struct coreleaks_blocker *blocker)
{
	struct coreleaks_blocker *same = copy(redact, blocker, sizeof(*blocker));
	same->objects = redact_objects(redact, blocker->objects, blocker->num_objects);
	return same;
}

static const struct coreleaks_module *redact_module(struct redact *redact,
						    const struct coreleaks_module *module)
{
	struct coreleaks_module *same = copy(redact, module, sizeof(*module));
	same->path = coreleaks_strip_prefix(module->path, redact->prefix);
	same->file = coreleaks_strip_prefix(module->file, redact->prefix);
	return same;
}

static const struct coreleaks_core *redact_core(struct redact *redact,
						const struct coreleaks_core *core)
{
	struct coreleaks_core *same = copy(redact, core, sizeof(*core));
	same->path = coreleaks_strip_prefix(core->path, redact->prefix);
	same->executable = coreleaks_strip_prefix(core->executable, redact->prefix);
	same->executable_file = coreleaks_strip_prefix(core->executable_file, redact->prefix);
	if (redact->privacy)
		same->command = NULL; /* prctl() writes there what the process likes */
	return same;
}

/* Paths stand anywhere in a gap's text. */
static const struct coreleaks_gap *redact_gap(struct redact *redact,
					      const struct coreleaks_gap *gap)
{
	struct coreleaks_gap *same = copy(redact, gap, sizeof(*gap));
	struct text text;
	text_init(&text, redact->arena);
	for (const char *at = gap->detail, *found; *at != '\0'; at = found) {
		const char *cut = coreleaks_strip_prefix(at, redact->prefix);
		at = cut;
		found = strchr(at + 1, '/');
		/* Only where a path begins. */
		while (found != NULL && found > gap->detail && found[-1] != ' ' &&
		       found[-1] != '(' && found[-1] != '\'' && found[-1] != '"')
			found = strchr(found + 1, '/');
		if (found == NULL)
			found = at + strlen(at);
		text_add_bytes(&text, at, (size_t)(found - at));
	}
	text_add(&text, "");
	same->detail = text.bytes != NULL ? text.bytes : "";
	return same;
}

#define REPLACE(redact, view, column, number, function)                                            \
	for (uint32_t i = 0; i < (view)->number; i++)                                              \
	(view)->column[i] = function((redact), (view)->column[i])

void redact_view(struct report_view *view, struct arena *arena,
		 const struct coreleaks_write_options *options)
{
	struct redact redact = {.arena = arena, .privacy = options->privacy};
	if (options->strip_prefix != NULL && *options->strip_prefix != '\0')
		redact.prefix = options->strip_prefix;
	if (!redact.privacy && redact.prefix == NULL)
		return;
	intern_init(&redact.frames, arena);
	intern_init(&redact.creations, arena);
	view->core = redact_core(&redact, view->core);
	if (view->tasks == NULL)
		view->tasks = view_all_tasks(view, arena);
	REPLACE(&redact, view, tasks, num_tasks, redact_task);
	const struct coreleaks_wait **waits =
		arena_alloc_array(arena, (size_t)view->num_tasks + 1, sizeof(*waits));
	for (uint32_t i = 0; i < view->num_tasks; i++)
		waits[i] = redact_wait(&redact, view_wait(view, i));
	view->waits = waits;
	REPLACE(&redact, view, groups, num_groups, redact_group);
	if (redact.prefix == NULL)
		return;
	REPLACE(&redact, view, gaps, num_gaps, redact_gap);
	REPLACE(&redact, view, stacks, num_stacks, redact_stack);
	REPLACE(&redact, view, blockers, num_blockers, redact_blocker);
	REPLACE(&redact, view, modules, num_modules, redact_module);
}
