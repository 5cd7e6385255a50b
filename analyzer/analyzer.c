/* The recipe: calls the floors in order, each fed by those below it. Read this first. */
#include "analysis.h"

#include "base/error.h"
#include "stack/self_check.h"

#include <stdlib.h>
#include <string.h>

/* ---- The floors, bottom up ---------------------------------------------------------------- */

/* The proofs read registers and stacks of C, and Go's heap as it lies on x86-64. */
static void use_arm64(struct coreleaks_analysis *a)
{
	a->files.machine = EM_AARCH64;
	if (a->options.no_proof)
		return;
	a->options.no_proof = true;
	gaps_add(&a->gaps, "no-proof", false,
		 "of AArch64 it is not searched for what nothing can wake any more");
}

static struct coreleaks_error *open_floors(struct coreleaks_analysis *a)
{
	const struct dump_options dump_options = {
		.spool_dir = a->options.spool_dir,
		.max_core_size = a->options.max_core_size,
	};
	struct coreleaks_error *error =
		dump_open(&a->dump, &a->arena, &a->gaps, &a->progress, a->core_path, &dump_options);
	if (error != NULL)
		return error;
	notes_build(&a->notes, &a->arena, &a->gaps, &a->dump);
	elf_files_init(&a->files, &a->arena, &a->gaps, a->options.sysroot, a->options.debug_dirs);
	if (a->dump.is_arm64)
		use_arm64(a);
	modules_build(&a->modules, &a->arena, &a->gaps, &a->dump, &a->notes, &a->files,
		      a->options.executable);
	image_init(&a->image, &a->dump, &a->modules);
	tasks_build(&a->tasks, &a->arena, &a->gaps, &a->notes, &a->image);
	go_runtime_build(&a->go, &a->arena, &a->gaps, &a->image, &a->notes);
	/* Goroutines' stacks are all over the core, a system call each. */
	if (a->go.recognised)
		dump_map(&a->dump);
	goroutines_add(&a->goroutines, &a->tasks, &a->arena, &a->gaps, &a->go, &a->notes,
		       &a->image);
	a->core = publish_core(&a->dump, &a->notes, &a->modules, &a->gaps);
	return NULL;
}

/* What needs no stacks, apart from those that read them. */
static void read_queues(struct arena *arena, void *data)
{
	struct coreleaks_analysis *a = data;
	struct gaps *gaps = &a->queues_apart.gaps;
	struct image *image = &a->queues_apart.image;
	gaps_init(gaps, arena);
	image_init(image, &a->dump, &a->modules);
	go_spans_build(&a->go_spans, arena, gaps, &a->go, image);
	go_queues_build(&a->go_queues, arena, gaps, &a->go, &a->goroutines, &a->tasks, &a->go_spans,
			image);
	go_facts_build(&a->go_facts, &a->go, &a->goroutines, &a->go_spans, image);
}

/* Tasks become stacks with names. */
static void unwind_floor(struct coreleaks_analysis *a)
{
	enum { MANY = 10000 }; /* goroutines: fewer are read before a thread has begun */
	nptl_build(&a->nptl, &a->arena, &a->gaps, &a->image, &a->notes, &a->tasks);
	a->starts = starts_build(&a->arena, &a->nptl, &a->image);
	a->stack_memory = stack_memory_build(&a->arena, &a->dump, &a->notes, &a->nptl);
	if (!a->progress.left_out)
		creators_find(&a->creators, &a->arena, &a->gaps, &a->files, &a->image, &a->nptl,
			      a->starts);
	uint64_t *entries = arena_alloc_array(&a->arena, a->nptl.threads.num, sizeof(*entries));
	uint64_t *calls = arena_alloc_array(&a->arena, a->creators.places.num, sizeof(*calls));
	for (uint32_t i = 0; i < a->nptl.threads.num; i++)
		entries[i] = a->starts[i].entry_addr;
	for (uint32_t i = 0; i < a->creators.places.num; i++)
		calls[i] = a->creators.places.items[i].pc;
	const struct stacks_wishes wishes = {
		.entries = entries,
		.num_entries = a->nptl.threads.num,
		.calls = calls,
		.num_calls = a->creators.places.num,
	};
	unwinder_init(&a->unwinder, &a->arena, &a->gaps, &a->image, &a->modules, &a->files,
		      a->options.max_frames);
	worker_start(&a->queues_apart.worker, &a->arena, a->goroutines.list.num > MANY, read_queues,
		     a);
	stacks_build(&a->stacks, &a->arena, &a->gaps, &a->progress, &a->unwinder, &a->modules,
		     &a->files, &a->tasks, &a->go.tables, &a->goroutines, &wishes);
	go_origins_build(&a->go_origins, &a->arena, &a->go.tables, &a->goroutines, &a->stacks,
			 &a->modules);
	worker_finish(&a->queues_apart.worker, &a->arena);
	gaps_add_all(&a->gaps, &a->queues_apart.gaps);
	if (a->options.self_check && !a->progress.left_out)
		a->core.self_check = self_check_build(&a->arena, &a->gaps, &a->progress, &a->tasks,
						      &a->stacks, &a->unwinder);
	a->creations =
		creations_build(&a->creators, &a->arena, a->stacks.calls, a->nptl.threads.num);
}

/* Stacks and registers become reasons, objects and holders. */
static void reason_floor(struct coreleaks_analysis *a)
{
	const struct names_input input = {
		.tasks = &a->tasks,
		.waits = &a->waits,
		.nptl = &a->nptl,
		.starts = a->starts,
		.memory = a->stack_memory,
		.creations = a->creations,
		.stacks = &a->stacks,
		.modules = &a->modules,
		.files = &a->files,
	};
	waits_build(&a->waits, &a->arena, &a->tasks, &a->nptl, &a->stacks, &a->image);
	const struct go_waits_input go_waits = {
		.runtime = &a->go,
		.goroutines = &a->goroutines,
		.spans = &a->go_spans,
		.queues = &a->go_queues,
		.facts = &a->go_facts,
		.tasks = &a->tasks,
		.stacks = &a->stacks,
		.image = &a->image,
	};
	go_waits_build(&a->go_waits, &a->arena, &a->gaps, &go_waits);
	go_holders_find(&a->go_waits, &a->gaps, &a->progress);
	const struct holders_input holders_input = {
		.tasks = &a->tasks,
		.waits = &a->waits,
		.stacks = &a->stacks,
		.unwinder = &a->unwinder,
	};
	holders_build(&a->holders, &a->arena, &a->gaps, &a->progress, &holders_input);
	names_build(&a->names, &a->arena, &input);
	finished_build(&a->finished, &a->arena, &input, &a->names);
}

/* The columns become what coreleaks.h has. */
static void publish_floor(struct coreleaks_analysis *a)
{
	const struct publish_go_input go = {
		.runtime = &a->go,
		.goroutines = &a->goroutines,
		.facts = &a->go_facts,
		.origins = &a->go_origins,
		.tasks = &a->tasks,
		.image = &a->image,
		.modules = &a->modules,
	};
	const struct publish_waits_input waits = {
		.tasks = &a->tasks,
		.stacks = &a->stacks,
		.waits = &a->waits,
		.holders = &a->holders,
		.nptl = &a->nptl,
		.names = &a->names,
	};
	a->public_go = publish_go(&a->arena, &a->gaps, &go);
	a->public_waits = publish_waits(&a->arena, &waits);
	publish_go_waits(a->public_waits, &a->arena, &a->go_waits);
	const struct publish_tasks_input tasks = {
		.tasks = &a->tasks,
		.stacks = &a->stacks,
		.nptl = &a->nptl,
		.memory = a->stack_memory,
		.creations = a->creations,
		.waits = a->public_waits,
		.go = &go,
	};
	publish_tasks(&a->public_tasks, &a->arena, &tasks);
}

/* No thread's registers were lost. */
static bool notes_whole(const struct coreleaks_analysis *a)
{
	return !gaps_has(&a->gaps, "notes-damaged") && !gaps_has(&a->gaps, "core-truncated") &&
	       !gaps_has(&a->gaps, "task-limit");
}

/* Threads that wait for what nobody can reach become roots of the graph of waiting. */
static void prove_threads(struct coreleaks_analysis *a, const struct program_powers *powers)
{
	const struct native_reach_input input = {
		.memory = {.tasks = &a->tasks,
			   .nptl = &a->nptl,
			   .notes = &a->notes,
			   .modules = &a->modules,
			   .dump = &a->dump,
			   .image = &a->image,
			   .carves_stacks = powers->carves_stacks},
		.waits = &a->waits,
		.graph = &a->graph,
		.powers = powers,
		.goroutines = &a->goroutines,
		.gaps = &a->gaps,
		.explain = a->options.explain,
		.progress = &a->progress,
	};
	const struct native_why_input why = {
		.reach = &a->native_reach,
		.tasks = &a->tasks,
		.waits = &a->waits,
		.stacks = &a->stacks,
		.modules = &a->modules,
		.files = &a->files,
	};
	if (!a->options.no_proof)
		native_reach_build(&a->native_reach, &a->arena, &input);
	reach_findings_roots(&a->graph, &a->arena, &a->gaps, &a->native_reach, &input);
	native_why_build(a->public_waits, &a->arena, &why);
}

static struct go_reach_input go_search(struct coreleaks_analysis *a)
{
	return (struct go_reach_input){
		.runtime = &a->go,
		.goroutines = &a->goroutines,
		.tasks = &a->tasks,
		.origins = &a->go_origins,
		.queues = &a->go_queues,
		.stacks = &a->stacks,
		.spans = &a->go_spans,
		.notes = &a->notes,
		.image = &a->image,
		.modules = &a->modules,
		.notes_whole = notes_whole(a),
		.keep_parents = a->options.explain,
	};
}

static struct go_leaks_input go_leaks_of(const struct coreleaks_analysis *a,
					 const struct groups_input *input)
{
	return (struct go_leaks_input){
		.groups = input,
		.reach = &a->go_reach,
		.never = &a->go_never,
		.goroutines = &a->goroutines,
		.queues = &a->go_queues,
		.runtime = &a->go,
	};
}

/* What keeps goroutines reachable, for those that will be asked for. */
static void go_explain(struct coreleaks_analysis *a, const struct go_reach_input *search)
{
	uint32_t *firsts = arena_alloc_array(&a->arena, a->groups.list.num, sizeof(*firsts));
	struct go_paths_input input = {
		.reach = &a->go_reach,
		.search = search,
		.files = &a->files,
		.wish = a->options.explained,
		.firsts = firsts,
	};
	for (uint32_t i = 0; i < a->groups.list.num; i++)
		if (a->groups.list.items[i].num_tasks > 0)
			firsts[input.num_firsts++] = a->groups.list.items[i].tasks[0];
	go_paths_publish(&a->public_tasks, a->public_waits, &a->arena, &input);
}

/* Groups are judged. */
static struct coreleaks_error *proof_floor(struct coreleaks_analysis *a,
					   const struct groups_input *input)
{
	const struct premises_input premises = {
		.tasks = &a->tasks,
		.stacks = &a->stacks,
		.nptl = &a->nptl,
		.notes = &a->notes,
		.image = &a->image,
	};
	struct wait_graph_input graph_input = {
		.tasks = &a->tasks,
		.waits = &a->waits,
		.nptl = &a->nptl,
		.notes = &a->notes,
		.modules = &a->modules,
		.notes_whole = notes_whole(a),
		.coroutines = premises_coroutines(&premises),
	};
	const struct lock_findings_input locks = {
		.groups = input,
		.graph = &a->graph,
		.waits = &a->waits,
		.nptl = &a->nptl,
		.public_waits = a->public_waits,
		.reach = &a->native_reach,
	};
	premises_powers(&graph_input.powers, &a->modules);
	const struct go_leaks_input leaks = go_leaks_of(a, input);
	wait_graph_build(&a->graph, &a->arena, &graph_input);
	prove_threads(a, &graph_input.powers);
	wait_graph_finish(&a->graph, &a->arena, &graph_input);
	blockers_build(&a->blockers, &a->arena, &a->graph, &a->tasks);
	enum coreleaks_verdict *verdicts = lock_findings_verdicts(&a->arena, &locks);
	const struct go_reach_input search = go_search(a);
	go_never_build(&a->go_never, &a->arena, &search, &a->stacks);
	if (!a->options.no_proof)
		go_reach_build(&a->go_reach, &a->arena, &a->gaps, &a->progress, &search);
	go_findings_verdicts(verdicts, input);
	go_leaks_verdicts(verdicts, &leaks);
	groups_split(&a->groups, &a->arena, input, verdicts);
	reach_findings_split(&a->groups, &a->arena, &a->native_reach, &a->nptl, a->stack_memory);
	go_explain(a, &search);
	findings_build(&a->findings, &a->arena, &a->groups, input);
	reach_findings_unjoined(&a->findings, &a->arena, &a->native_reach, &a->nptl);
	lock_findings_add(&a->findings, &a->arena, &a->groups, &locks);
	go_findings_add(&a->findings, &a->arena, &a->groups, input);
	go_leaks_add(&a->findings, &a->arena, &a->groups, &leaks);
	struct ruled *ruled;
	struct coreleaks_error *error =
		rule_verdicts_build(&ruled, &a->arena, &a->findings, &a->rules, &a->groups, input);
	if (error != NULL)
		return error;
	publish_groups(&a->published, &a->arena, &a->groups, &a->findings, ruled, &a->options,
		       a->public_waits, a->tasks.list.num);
	publish_go_groups(a->published.groups, a->published.num_groups, &a->arena, &a->public_tasks,
			  &a->go_facts);
	resources_add(a->published.groups, a->published.num_groups, &a->arena, input);
	publish_blockers(&a->published, &a->arena, &a->blockers, a->public_waits,
			 a->tasks.list.num);
	return NULL;
}

/* Begins a floor; the loops of one that is not wanted stop at once. */
static void enter(struct coreleaks_analysis *a, const char *phase, int32_t floor)
{
	int32_t last = a->options.last_floor;
	progress_tick(&a->progress, phase, 0, 0);
	if (last == CORELEAKS_FLOOR_ALL || floor <= last)
		return;
	if (!a->progress.left_out && a->options.left_out != NULL)
		gaps_add(&a->gaps, "analysis-died", true, "%s: %s", a->options.left_out,
			 last == CORELEAKS_FLOOR_TASKS
				 ? "stacks, what tasks wait for, and proofs are left out"
			 : last == CORELEAKS_FLOOR_STACKS
				 ? "what tasks wait for may be missing, and proofs are left out"
				 : "proofs are left out");
	a->progress.left_out = true;
	a->options.no_proof = true;
}

/* Before what may be proved of an analysis that was stopped. */
static void note_stop(struct coreleaks_analysis *a)
{
	if ((a->progress.cancelled || a->progress.timed_out) && !gaps_has(&a->gaps, "stopped"))
		gaps_add(&a->gaps, "stopped", true, "the analysis was stopped early (%s)",
			 a->progress.timed_out ? "--timeout" : "cancelled");
}

static struct coreleaks_error *run_floors(struct coreleaks_analysis *a)
{
	enter(a, "unwinding", CORELEAKS_FLOOR_STACKS);
	unwind_floor(a);
	enter(a, "finding what tasks wait for", CORELEAKS_FLOOR_REASONS);
	reason_floor(a);
	publish_floor(a);
	const struct groups_input input = {
		.tasks = a->public_tasks.rows.items,
		.row_of = a->public_tasks.row_of,
		.own = &a->tasks,
		.num_tasks = a->tasks.list.num,
		.stacks = a->finished.stacks,
		.num_stacks = a->finished.num_stacks,
		.finished = a->finished.threads,
		.num_finished = a->finished.num_threads,
		.waits = a->public_waits,
		.options = &a->options,
		.analysis = a,
		.gaps = &a->gaps,
		.core_path = a->core_path,
		.last_goid = a->go_facts.last_id,
	};
	struct coreleaks_error *error = groups_build(&a->groups, &a->arena, &input);
	note_stop(a);
	enter(a, "proving", CORELEAKS_FLOOR_REASONS + 1);
	if (error == NULL)
		error = proof_floor(a, &input);
	if (error != NULL)
		return error;
	note_stop(a);
	a->core.complete = !gaps_incomplete(&a->gaps);
	return NULL;
}

/* ---- Life cycle ---------------------------------------------------------------------------- */

/* Runs the floors; memory that runs out anywhere in them ends up here. */
static struct coreleaks_error *
run_trapped(struct coreleaks_analysis *a,
	    struct coreleaks_error *(*floors)(struct coreleaks_analysis *))
{
	jmp_buf trap;
	struct coreleaks_error *error;
	a->arena.trap = &trap;
	if (setjmp(trap) == 0)
		error = floors(a);
	else
		error = error_new(
			CORELEAKS_ERROR_MEMORY, 0, a->core_path,
			a->options.max_memory != 0
				? "%s: the analysis needs more memory than the limit allows"
				: "%s: out of memory",
			a->core_path != NULL ? a->core_path : "analysis");
	a->arena.trap = NULL;
	return error;
}

static const char *copy_option(struct coreleaks_analysis *a, const char *text)
{
	return text != NULL ? arena_copy_text(&a->arena, text) : NULL;
}

static struct coreleaks_error *copy_and_open(struct coreleaks_analysis *a)
{
	struct coreleaks_options *options = &a->options;
	options->executable = copy_option(a, options->executable);
	options->sysroot = copy_option(a, options->sysroot);
	options->debug_dirs = copy_option(a, options->debug_dirs);
	options->spool_dir =
		copy_option(a, options->spool_dir != NULL ? options->spool_dir : "/tmp");
	options->focus = copy_option(a, options->focus);
	options->ignore = copy_option(a, options->ignore);
	options->reason = copy_option(a, options->reason);
	options->explained = copy_option(a, options->explained);
	options->rules = copy_option(a, options->rules);
	options->rules_name = copy_option(a, options->rules_name);
	options->label = copy_option(a, options->label);
	options->ancestor = copy_option(a, options->ancestor);
	options->group_label = copy_option(a, options->group_label);
	options->left_out = copy_option(a, options->left_out);
	a->core_path = copy_option(a, a->core_path);
	gaps_init(&a->gaps, &a->arena);
	struct coreleaks_error *error = rules_build(&a->rules, &a->arena, options);
	return error != NULL ? error : open_floors(a);
}

void coreleaks_options_init(struct coreleaks_options *options)
{
	*options = (struct coreleaks_options){
		.size = sizeof(*options),
		.max_frames = 512,
		.max_core_size = UINT64_C(1) << 40,
		.threshold = 100,
		.max_total = 10000,
		.max_age_ns = UINT64_C(600000000000),
		.min_count = 1,
		.kind = -1,
		.state = -1,
		.verdict = -1,
	};
}

struct coreleaks_error *coreleaks_open(const char *core_path,
				       const struct coreleaks_options *options,
				       struct coreleaks_analysis **ret)
{
	struct coreleaks_options defaults;
	if (options == NULL) {
		coreleaks_options_init(&defaults);
		options = &defaults;
	}
	if (core_path == NULL || options->size == 0 || options->size > sizeof(*options))
		return error_new(CORELEAKS_ERROR_USAGE, 0, core_path,
				 "the options are not initialised");
	struct coreleaks_analysis *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return error_new(CORELEAKS_ERROR_MEMORY, 0, core_path, "%s: out of memory",
				 core_path);
	/* A program built against an older header passes a shorter struct. */
	coreleaks_options_init(&a->options);
	memcpy(&a->options, options, options->size);
	arena_init(&a->arena, a->options.max_memory);
	a->core_path = core_path;
	a->progress.callback = a->options.progress;
	a->progress.data = a->options.progress_data;
	if (a->options.timeout_ns != 0)
		a->progress.deadline_ns = progress_now_ns() + a->options.timeout_ns;
	const char *wrong = NULL;
	if (a->options.max_frames == 0)
		wrong = "max_frames must not be 0";
	else if (a->options.group_by == CORELEAKS_GROUP_BY_LABEL && a->options.group_label == NULL)
		wrong = "group_label names no label";
	struct coreleaks_error *error =
		wrong != NULL ? error_new(CORELEAKS_ERROR_USAGE, 0, core_path, "%s", wrong)
			      : run_trapped(a, copy_and_open);
	if (error != NULL) {
		coreleaks_close(a);
		return error;
	}
	*ret = a;
	return NULL;
}

struct coreleaks_error *coreleaks_run(struct coreleaks_analysis *analysis)
{
	if (analysis->public_tasks.row_of != NULL)
		return error_new(CORELEAKS_ERROR_USAGE, 0, analysis->core_path,
				 "%s: the analysis was run before", analysis->core_path);
	return run_trapped(analysis, run_floors);
}

void coreleaks_close(struct coreleaks_analysis *analysis)
{
	if (analysis == NULL)
		return;
	worker_deinit(&analysis->goroutines.second_half);
	worker_deinit(&analysis->queues_apart.worker);
	unwinder_deinit(&analysis->unwinder);
	elf_files_deinit(&analysis->files);
	dump_deinit(&analysis->dump);
	arena_deinit(&analysis->arena);
	free(analysis);
}
