#include "report/samples.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int compare_texts(const char *a, const char *b)
{
	if (a == b)
		return 0;
	if (a == NULL || b == NULL)
		return a == NULL ? -1 : 1;
	return strcmp(a, b);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_creators(const struct coreleaks_frame *a, const struct coreleaks_frame *b)
{
	if (a == b)
		return 0;
	if (a == NULL || b == NULL)
		return a == NULL ? -1 : 1;
	int order = compare_texts(a->function, b->function);
	if (order == 0)
		order = compare_texts(a->file, b->file);
	return order != 0 ? order : compare_numbers(a->line, b->line);
}

static int compare_labels(const struct coreleaks_task *a, const struct coreleaks_task *b)
{
	if (a->labels == b->labels && a->num_labels == b->num_labels)
		return 0;
	for (uint32_t i = 0; i < a->num_labels && i < b->num_labels; i++) {
		int order = compare_texts(a->labels[i].key, b->labels[i].key);
		if (order == 0)
			order = compare_texts(a->labels[i].value, b->labels[i].value);
		if (order != 0)
			return order;
	}
	return compare_numbers(a->num_labels, b->num_labels);
}

/* 0: one sample counts both. */
static int compare_alike(const struct coreleaks_task *a, const struct coreleaks_task *b)
{
	int order = compare_numbers(a->stack_id, b->stack_id);
	if (order == 0)
		order = compare_numbers(a->state, b->state);
	if (order == 0)
		order = compare_texts(a->reason, b->reason);
	if (order == 0)
		order = compare_creators(samples_creator(a), samples_creator(b));
	return order != 0 ? order : compare_labels(a, b);
}

static int compare_tasks(const void *a, const void *b)
{
	const struct coreleaks_task *const *x = a, *const *y = b;
	int order = compare_alike(*x, *y);
	if (order == 0 && (*x)->id != (*y)->id)
		order = (*x)->id < (*y)->id ? -1 : 1;
	return order;
}

static void add_saturated(uint64_t *sum, uint64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = UINT64_MAX;
}

/* But for wrappers that panicked themselves: Go's elideWrapperCalling(), the same from Go 1.11 to
 * 1.27. */
bool samples_is_wrapper(const struct coreleaks_stack *stack, uint32_t at)
{
	static const char *const panics[] = {"runtime.gopanic", "runtime.sigpanic",
					     "runtime.panicwrap"};
	const char *callee = at > 0 ? stack->frames[at - 1].function : NULL;
	for (size_t i = 0; callee != NULL && i < sizeof(panics) / sizeof(panics[0]); i++) {
		if (strcmp(callee, panics[i]) == 0)
			return false;
	}
	return stack->frames[at].wrapper;
}

static bool has_wrapper(const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++)
		if (samples_is_wrapper(stack, i))
			return true;
	return false;
}

/* Where a function was inlined into a wrapper, what is left is the frame itself. */
static const struct coreleaks_stack *without_wrappers(struct arena *arena,
						      const struct coreleaks_stack *stack)
{
	struct coreleaks_stack *same = arena_alloc(arena, sizeof(*same));
	struct coreleaks_frame *frames =
		arena_alloc_array(arena, stack->num_frames, sizeof(*frames));
	*same = *stack;
	same->frames = frames;
	same->num_frames = 0;
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		if (!samples_is_wrapper(stack, i))
			frames[same->num_frames++] = stack->frames[i];
		else if (!stack->frames[i].inlined && i > 0 && same->num_frames > 0 &&
			 stack->frames[i - 1].inlined)
			frames[same->num_frames - 1].inlined = false;
	}
	return same;
}

/* Many samples share a stack: each is looked at once. */
static const struct coreleaks_stack *stack_of(struct samples *samples, const struct write_job *job,
					      enum coreleaks_kind kind, uint32_t stack_id)
{
	const struct coreleaks_stack *stack = view_stack(job->view, stack_id);
	if (kind != CORELEAKS_KIND_GOROUTINE || stack_id >= job->view->num_stacks)
		return stack;
	if (samples->stacks == NULL)
		samples->stacks = arena_alloc_array(job->arena, job->view->num_stacks,
						    sizeof(const struct coreleaks_stack *));
	if (samples->stacks[stack_id] == NULL)
		samples->stacks[stack_id] =
			has_wrapper(stack) ? without_wrappers(job->arena, stack) : stack;
	return samples->stacks[stack_id];
}

static void samples_add_group(struct samples *samples, const struct write_job *job,
			      const struct coreleaks_group *group)
{
	if (group->num_pthreads > 0)
		*array_add(job->arena, samples) = (struct sample){
			.group = group,
			.stack = view_stack(job->view, group->stack_id),
			.num = group->num_pthreads,
			.stack_size = group->stack_size,
		};
	if (group->num_tasks == 0)
		return;
	const struct coreleaks_task **tasks =
		arena_alloc_array(job->arena, group->num_tasks, sizeof(*tasks));
	for (uint32_t i = 0; i < group->num_tasks; i++)
		tasks[i] = view_task(job->view, group->tasks[i]);
	qsort(tasks, group->num_tasks, sizeof(*tasks), compare_tasks);
	struct sample *sample = NULL;
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		if (i == 0 || compare_alike(tasks[i - 1], tasks[i]) != 0) {
			sample = array_add(job->arena, samples);
			sample->group = group;
			sample->stack = stack_of(samples, job, group->kind, tasks[i]->stack_id);
			sample->task = tasks[i];
		}
		sample->num++;
		add_saturated(&sample->stack_size, tasks[i]->stack_size);
		if (tasks[i]->wait_ns > 0)
			add_saturated(&sample->wait_ns, (uint64_t)tasks[i]->wait_ns);
	}
}

void samples_build(struct samples *ret, const struct write_job *job, enum coreleaks_kind kind)
{
	struct samples samples = {0};
	for (uint32_t i = 0; i < job->view->num_shown_groups; i++) {
		if (job->view->groups[i]->kind == kind)
			samples_add_group(&samples, job, job->view->groups[i]);
	}
	*ret = samples;
}

struct kind_counts samples_counts(const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct kind_counts counts = {.kind = view->num_goroutines > 0 ? CORELEAKS_KIND_GOROUTINE
								      : CORELEAKS_KIND_THREAD};
	if (job->options->kind >= 0)
		counts.kind = (enum coreleaks_kind)job->options->kind;
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		const struct coreleaks_group *group = view->groups[i];
		if (group->kind != counts.kind) {
			counts.num_others += group->num_tasks;
			continue;
		}
		counts.num_tasks += group->num_tasks;
		counts.num_finished += group->num_pthreads;
	}
	return counts;
}

void samples_notes(struct text *out, const struct write_job *job, const struct kind_counts *counts)
{
	const struct report_view *view = job->view;
	enum coreleaks_kind other = counts->kind == CORELEAKS_KIND_THREAD ? CORELEAKS_KIND_GOROUTINE
									  : CORELEAKS_KIND_THREAD;
	if (counts->num_others > 0)
		text_addf(out, "# left out: %" PRIu64 " %s; --kind %s writes them\n",
			  counts->num_others, view_noun_of_kind(other, counts->num_others),
			  coreleaks_kind_name(other));
	for (uint32_t i = 0; i < view->hidden_by.num; i++)
		text_addf(out, "# left out: %" PRIu64 " by %s\n",
			  view->hidden_by.items[i].num_tasks, view->hidden_by.items[i].name);
	uint32_t num_gaps = 0;
	for (uint32_t i = 0; i < view->num_gaps; i++)
		num_gaps += view->gaps[i]->incomplete;
	if (num_gaps > 0)
		text_addf(out, "# incomplete: the analysis has %" PRIu32 " gap%s\n", num_gaps,
			  num_gaps == 1 ? "" : "s");
}

const struct coreleaks_frame *samples_creator(const struct coreleaks_task *task)
{
	if (task->creation == NULL || !task->creation->recorded ||
	    (task->kind == CORELEAKS_KIND_GOROUTINE && task->id == 1))
		return NULL;
	return task->creation->frame;
}

const char *samples_frame_name(struct arena *arena, const struct coreleaks_frame *frame)
{
	if (frame->function != NULL && *frame->function != '\0')
		return frame->function;
	if (frame->signal)
		return "<signal handler called>";
	if (frame->module != NULL)
		return arena_format(arena, "%s+0x%" PRIx64, frame->module, frame->module_offset);
	return arena_format(arena, "0x%" PRIx64, frame->pc);
}

const char *samples_state(const struct sample *sample)
{
	const char *reason = sample->task != NULL ? sample->task->reason : NULL;
	enum coreleaks_state state =
		sample->task != NULL ? sample->task->state : sample->group->state;
	return reason != NULL ? reason : coreleaks_state_name(state);
}
