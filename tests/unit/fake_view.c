#include "fake_view.h"

#include "proof/publish.h"
#include "report/redact.h"

#include <stdlib.h>
#include <string.h>

void fake_view_init(struct fake_view *fake)
{
	*fake = (struct fake_view){.next_id = 4711};
	arena_init(&fake->arena, 0);
	coreleaks_write_options_init(&fake->options);
	fake->options.hint = "coreleaks";
	fake->core = (struct coreleaks_core){
		.path = "/var/core.4711",
		.size = 48205824,
		.machine = "x86_64",
		.pid = 4711,
		.command = "worker",
		.dumper = "kernel",
		.captured_at = 1795206000,
		.executable = "/usr/bin/worker",
		.executable_build_id = "ab12",
		.complete = true,
		.executable_verified = true,
		.executable_file = "/usr/bin/worker",
	};
	fake->view.core = &fake->core;
}

void fake_view_deinit(struct fake_view *fake)
{
	arena_deinit(&fake->arena);
}

/* One more place at the end of a column of pointers. */
static void *add_pointer(struct fake_view *fake, const void *column, uint32_t num)
{
	void **longer = arena_alloc_array(&fake->arena, (size_t)num + 1, sizeof(*longer));
	if (num > 0)
		memcpy(longer, column, num * sizeof(*longer));
	return longer;
}

#define ADD(fake, column, number, item)                                                            \
	do {                                                                                       \
		(fake)->view.column =                                                              \
			add_pointer((fake), (fake)->view.column, (fake)->view.number);             \
		(fake)->view.column[(fake)->view.number++] = (item);                               \
	} while (0)

struct coreleaks_frame fake_frame(const char *function, uint32_t line)
{
	return (struct coreleaks_frame){
		.pc = 0x55d0c0de1000 + line,
		.function = function,
		.function_offset = 31,
		.file = "/src/worker.c",
		.line = line,
		.trust = CORELEAKS_TRUST_CFI,
		.module = "worker",
		.module_path = "/usr/bin/worker",
		.build_id = "ab12",
		.module_offset = 0x1000 + line,
	};
}

struct coreleaks_frame fake_libc_frame(const char *function)
{
	return (struct coreleaks_frame){
		.pc = 0x7f0000085d36,
		.function = function,
		.function_offset = 198,
		.trust = CORELEAKS_TRUST_CFI,
		.module = "libc.so.6",
		.module_path = "/usr/lib/libc.so.6",
		.build_id = "cd34",
		.module_offset = 0x85d36,
	};
}

uint32_t fake_view_stack(struct fake_view *fake, const struct coreleaks_frame *frames,
			 uint32_t num_frames)
{
	struct coreleaks_stack *stack = arena_alloc(&fake->arena, sizeof(*stack));
	struct coreleaks_frame *copy =
		arena_alloc_array(&fake->arena, (size_t)num_frames + 1, sizeof(*copy));
	if (num_frames > 0)
		memcpy(copy, frames, num_frames * sizeof(*copy));
	*stack = (struct coreleaks_stack){.frames = copy, .num_frames = num_frames};
	ADD(fake, stacks, num_stacks, stack);
	return fake->view.num_stacks - 1;
}

struct coreleaks_group *fake_view_group(struct fake_view *fake, const char *id, uint32_t num,
					uint32_t stack_id)
{
	struct coreleaks_group *group = arena_alloc(&fake->arena, sizeof(*group));
	uint32_t *members = arena_alloc_array(&fake->arena, (size_t)num + 1, sizeof(*members));
	struct coreleaks_task *tasks =
		arena_alloc_array(&fake->arena, (size_t)num + 1, sizeof(*tasks));
	uint32_t old = fake->view.num_tasks;
	const struct coreleaks_task **column =
		arena_alloc_array(&fake->arena, (size_t)old + num + 1, sizeof(*column));
	struct coreleaks_wait *waits =
		arena_alloc_array(&fake->arena, (size_t)old + num + 1, sizeof(*waits));
	if (old > 0) {
		memcpy(column, fake->view.tasks, old * sizeof(*column));
		memcpy(waits, fake->task_waits, old * sizeof(*waits));
	}
	for (uint32_t i = 0; i < num; i++) {
		tasks[i] = (struct coreleaks_task){
			.state = CORELEAKS_STATE_WAITING,
			.id = fake->next_id,
			.pc = 0x7f0000085d36,
			.sp = 0x7ffd00000000 + i * 0x1000,
			.stack_size = 8192,
			.syscall_nr = 202,
			.stack_id = stack_id,
			.reason = "futex",
			.wait_ns = -1,
		};
		waits[old + i].holder_task = -1;
		fake->next_id = (int64_t)((uint64_t)fake->next_id + 1);
		column[old + i] = &tasks[i];
		members[i] = old + i;
	}
	fake->view.tasks = column;
	fake->view.num_tasks = old + num;
	fake->task_waits = waits;
	*group = (struct coreleaks_group){
		.id = id,
		.signature = id,
		.loose_signature = "t-111111111111",
		.state = CORELEAKS_STATE_WAITING,
		.verdict = CORELEAKS_VERDICT_UNKNOWN,
		.reason = "futex",
		.tasks = members,
		.num_tasks = num,
		.stack_id = stack_id,
		.stack_size = (uint64_t)num * 8192,
	};
	ADD(fake, groups, num_groups, group);
	return group;
}

struct coreleaks_group *fake_view_goroutines(struct fake_view *fake, const char *id, uint32_t num,
					     uint32_t stack_id, const char *reason)
{
	int64_t first_id = fake->next_id;
	struct coreleaks_group *group = fake_view_group(fake, id, num, stack_id);
	group->kind = CORELEAKS_KIND_GOROUTINE;
	group->reason = reason;
	for (uint32_t i = 0; i < num; i++) {
		struct coreleaks_task *task = fake_view_task(fake, first_id + i);
		task->kind = CORELEAKS_KIND_GOROUTINE;
		task->reason = reason;
		task->syscall_nr = -1;
	}
	return group;
}

struct coreleaks_task *fake_view_task(struct fake_view *fake, int64_t id)
{
	for (uint32_t i = 0; i < fake->view.num_tasks; i++)
		if (fake->view.tasks[i]->id == id)
			return (struct coreleaks_task *)(uintptr_t)fake->view.tasks[i];
	abort();
}

struct coreleaks_wait *fake_view_wait(struct fake_view *fake, int64_t id)
{
	for (uint32_t i = 0; i < fake->view.num_tasks; i++)
		if (fake->view.tasks[i]->id == id)
			return &fake->task_waits[i];
	abort();
}

void fake_view_mutex(struct fake_view *fake, int64_t id, uint64_t addr, int64_t holder_id)
{
	struct coreleaks_wait *wait = fake_view_wait(fake, id);
	*wait = (struct coreleaks_wait){
		.object = "mutex",
		.addr = addr,
		.certain = true,
		.holder_id = holder_id,
		.holder_task = -1,
	};
	for (uint32_t i = 0; i < fake->view.num_tasks; i++)
		if (holder_id != 0 && fake->view.tasks[i]->id == holder_id)
			wait->holder_task = (int32_t)i;
}

void fake_view_objects(struct fake_view *fake)
{
	for (uint32_t i = 0; i < fake->view.num_groups; i++) {
		struct coreleaks_group *copy = arena_alloc(&fake->arena, sizeof(*copy));
		*copy = *fake->view.groups[i];
		struct coreleaks_object *objects = arena_alloc_array(
			&fake->arena, (size_t)copy->num_tasks + 1, sizeof(*objects));
		uint32_t num = 0;
		for (uint32_t k = 0; k < copy->num_tasks; k++) {
			const struct coreleaks_wait *wait = &fake->task_waits[copy->tasks[k]];
			uint32_t at = 0;
			while (at < num && objects[at].addr != wait->addr)
				at++;
			if (wait->object == NULL)
				continue;
			if (at == num)
				objects[num++] = publish_object_of(wait);
			objects[at].num_waiters++;
		}
		copy->objects = objects;
		copy->num_objects = num;
		fake->view.groups[i] = copy;
	}
}

struct coreleaks_finding *fake_view_lock_finding(struct fake_view *fake, const char *rule,
						 const char *title, uint32_t group,
						 enum coreleaks_verdict certainty)
{
	struct coreleaks_finding *finding = arena_alloc(&fake->arena, sizeof(*finding));
	struct coreleaks_evidence *evidence = arena_alloc(&fake->arena, sizeof(*evidence));
	struct coreleaks_group *copy = arena_alloc(&fake->arena, sizeof(*copy));
	const char **rules = arena_alloc(&fake->arena, sizeof(*rules));
	uint32_t *groups = arena_alloc(&fake->arena, sizeof(*groups));
	*copy = *fake->view.groups[group];
	copy->verdict = certainty;
	rules[0] = rule;
	copy->rules = rules;
	copy->num_rules = 1;
	fake->view.groups[group] = copy;
	groups[0] = group;
	*evidence = (struct coreleaks_evidence){"the word has not changed", 0x1000};
	*finding = (struct coreleaks_finding){
		.rule = rule,
		.certainty = certainty,
		.title = title,
		.groups = groups,
		.num_groups = 1,
		.tasks = copy->tasks,
		.num_tasks = copy->num_tasks,
		.evidence = evidence,
		.num_evidence = 1,
	};
	ADD(fake, findings, num_findings, finding);
	return finding;
}

void fake_view_blocker(struct fake_view *fake, int64_t id)
{
	const struct report_view *view = &fake->view;
	struct coreleaks_blocker *blocker = arena_alloc(&fake->arena, sizeof(*blocker));
	struct coreleaks_object *objects =
		arena_alloc_array(&fake->arena, view->num_tasks, sizeof(*objects));
	uint32_t *blocked = arena_alloc_array(&fake->arena, view->num_tasks, sizeof(*blocked));
	while (view->tasks[blocker->task]->id != id)
		blocker->task++;
	for (uint32_t i = 0; i < view->num_tasks; i++) {
		const struct coreleaks_wait *wait = &fake->task_waits[i];
		uint32_t at = i, k = 0;
		while (fake->task_waits[at].holder_task >= 0)
			at = (uint32_t)fake->task_waits[at].holder_task;
		if (at == i || at != blocker->task)
			continue;
		blocked[blocker->num_blocked++] = i;
		if (wait->holder_task != (int32_t)blocker->task)
			continue;
		blocker->num_direct++;
		while (k < blocker->num_objects && objects[k].addr != wait->addr)
			k++;
		if (k == blocker->num_objects)
			objects[blocker->num_objects++] = publish_object_of(wait);
		objects[k].num_waiters++;
	}
	blocker->blocked = blocked;
	blocker->objects = objects;
	ADD(fake, blockers, num_blockers, blocker);
}

void fake_view_finding(struct fake_view *fake, uint32_t group, const char *title)
{
	static const char *const rules[] = {"runaway-duplicates"};
	struct coreleaks_finding *finding = arena_alloc(&fake->arena, sizeof(*finding));
	struct coreleaks_evidence *evidence = arena_alloc(&fake->arena, sizeof(*evidence));
	evidence->what = "the threshold is 100";
	*finding = (struct coreleaks_finding){
		.rule = "population",
		.certainty = CORELEAKS_VERDICT_SUSPECT,
		.title = title,
		.evidence = evidence,
		.num_evidence = 1,
	};
	if (group != UINT32_MAX) {
		struct coreleaks_group *copy = arena_alloc(&fake->arena, sizeof(*copy));
		uint32_t *groups = arena_alloc(&fake->arena, sizeof(*groups));
		*copy = *fake->view.groups[group];
		copy->verdict = CORELEAKS_VERDICT_SUSPECT;
		copy->rules = rules;
		copy->num_rules = 1;
		fake->view.groups[group] = copy;
		groups[0] = group;
		finding->rule = rules[0];
		finding->groups = groups;
		finding->num_groups = 1;
		finding->tasks = copy->tasks;
		finding->num_tasks = copy->num_tasks;
	}
	ADD(fake, findings, num_findings, finding);
}

void fake_view_gap(struct fake_view *fake, const char *kind, bool incomplete, const char *detail,
		   uint64_t count)
{
	struct coreleaks_gap *gap = arena_alloc(&fake->arena, sizeof(*gap));
	*gap = (struct coreleaks_gap){kind, detail, count, incomplete};
	ADD(fake, gaps, num_gaps, gap);
	if (incomplete)
		fake->core.complete = false;
}

void fake_view_module(struct fake_view *fake, const char *path, const char *file,
		      const char *problem)
{
	struct coreleaks_module *module = arena_alloc(&fake->arena, sizeof(*module));
	*module = (struct coreleaks_module){
		.path = path,
		.file = file,
		.low = 0x1000,
		.high = 0x2000,
		.verified = problem == NULL,
		.problem = problem,
	};
	ADD(fake, modules, num_modules, module);
}

#define COPY(fake, view, column, number)                                                           \
	(view)->column = add_pointer((fake), (view)->column, (view)->number)

/* As coreleaks_write() does; the columns are the fake's own. */
static void redact_columns(struct fake_view *fake, struct report_view *view)
{
	COPY(fake, view, tasks, num_tasks);
	COPY(fake, view, stacks, num_stacks);
	COPY(fake, view, groups, num_groups);
	COPY(fake, view, blockers, num_blockers);
	COPY(fake, view, modules, num_modules);
	redact_view(view, &fake->arena, &fake->options);
}

/* The sums of a copy, so that a view can be changed and written again. */
static struct report_view sum(struct fake_view *fake)
{
	struct report_view view = fake->view;
	view.waits =
		arena_alloc_array(&fake->arena, (size_t)view.num_tasks + 1, sizeof(*view.waits));
	for (uint32_t i = 0; i < view.num_tasks; i++)
		view.waits[i] = &fake->task_waits[i];
	view_sum(&view, &fake->arena);
	for (uint32_t i = 0; i < view.num_groups; i++) {
		struct coreleaks_group *copy = arena_alloc(&fake->arena, sizeof(*copy));
		*copy = *view.groups[i];
		copy->share = (double)copy->num_tasks / (double)view.num_tasks;
		fake->view.groups[i] = copy;
	}
	redact_columns(fake, &view);
	return view;
}

const char *fake_view_text(struct fake_view *fake)
{
	struct report_view view = sum(fake);
	struct write_job job = {&fake->arena, &view, &fake->options, NULL};
	return report_text_make(&job).bytes;
}

const char *fake_view_json(struct fake_view *fake)
{
	struct report_view view = sum(fake);
	struct write_job job = {&fake->arena, &view, &fake->options, NULL};
	return report_json_make(&job).bytes;
}

struct text fake_view_format(struct fake_view *fake, enum coreleaks_format format)
{
	struct report_view view = sum(fake);
	struct write_job job = {&fake->arena, &view, &fake->options, NULL};
	struct text out = format_make(format_find(format), &job);
	text_add(&out, ""); /* NUL-terminated even when empty */
	return out;
}

const char *fake_view_show(struct fake_view *fake, const char *name, bool json,
			   const char **error_ret)
{
	struct report_view view = sum(fake);
	struct write_job job = {&fake->arena, &view, &fake->options, NULL};
	struct one one;
	struct coreleaks_error *error = one_find(&view, &fake->arena, name, &one);
	if (error != NULL) {
		if (error_ret != NULL)
			*error_ret = arena_copy_text(&fake->arena, error->message);
		coreleaks_error_free(error);
		return NULL;
	}
	return json ? show_json_make(&job, &one).bytes : show_text_make(&job, &one).bytes;
}
