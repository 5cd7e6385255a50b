#include "proof/lock_findings.h"

#include "base/text.h"
#include "group/user_frame.h"
#include "proof/reach_findings.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MAX_NAMED = 4 }; /* tasks named in a title */

struct lock_findings {
	struct findings *findings;
	struct arena *arena;
	const struct groups *groups;
	const struct lock_findings_input *input;
	uint32_t *group_of; /* parallel to tasks; UINT32_MAX: in none */
	struct {
		uint32_t *groups;
		bool *seen; /* parallel to groups */
		bool *in_root;
		uint32_t *direct, *way, *blocks; /* parallel to tasks, as in_root */
	} room;					 /* for one finding at a time: there may be many */
};

static enum coreleaks_verdict root_certainty(uint32_t caveats)
{
	return caveats != 0 ? CORELEAKS_VERDICT_LIKELY : CORELEAKS_VERDICT_PROVED;
}

static void raise_verdict(enum coreleaks_verdict *verdict, enum coreleaks_verdict certainty)
{
	if (certainty < *verdict)
		*verdict = certainty;
}

enum coreleaks_verdict *lock_findings_verdicts(struct arena *arena,
					       const struct lock_findings_input *input)
{
	uint32_t num = input->groups->num_tasks;
	enum coreleaks_verdict *verdicts = arena_alloc_array(arena, num, sizeof(*verdicts));
	for (uint32_t i = 0; i < num; i++)
		verdicts[i] = CORELEAKS_VERDICT_UNKNOWN;
	for (uint32_t i = 0; i < input->graph->roots.num; i++) {
		const struct wait_root *root = &input->graph->roots.items[i];
		for (uint32_t k = 0; k < root->num_tasks; k++)
			raise_verdict(&verdicts[root->tasks[k]], root_certainty(root->caveats));
		for (uint32_t k = 0; k < root->num_behind; k++)
			raise_verdict(&verdicts[root->behind[k]],
				      root_certainty(root->behind_caveats));
	}
	return verdicts;
}

static int64_t task_id(const struct lock_findings *work, uint32_t task)
{
	return groups_task_id(work->input->groups, task);
}

static const char *object_text(const struct lock_findings *work, uint32_t task)
{
	const struct coreleaks_wait *wait = work->input->public_waits[task];
	const char *kind = wait->object != NULL ? wait->object : "object";
	if (wait->symbol != NULL)
		return arena_format(work->arena, "%s 0x%" PRIx64 " (%s)", kind, wait->addr,
				    wait->symbol);
	return arena_format(work->arena, "%s 0x%" PRIx64, kind, wait->addr);
}

/* The task's wait began in a signal handler. */
struct handler {
	const char *name;	 /* NULL: in none */
	const char *interrupted; /* what the signal interrupted; NULL unknown */
};

static struct handler handler_of(const struct lock_findings *work, uint32_t task)
{
	const struct coreleaks_stack *stack =
		groups_stack(work->input->groups, groups_task(work->input->groups, task)->stack_id);
	struct handler handler = {0};
	for (uint32_t i = 1; i < stack->num_frames; i++) {
		if (!stack->frames[i].signal)
			continue;
		struct coreleaks_stack beyond = stack_beyond_signal(stack, 1);
		const struct coreleaks_frame *first = user_frame_first(&beyond);
		handler.name = stack->frames[i - 1].function;
		if (handler.name == NULL)
			handler.name = "whose name is unknown";
		handler.interrupted = first != NULL ? first->function : NULL;
		break;
	}
	return handler;
}

static void add_handler_evidence(const struct lock_findings *work, struct evidence_list *list,
				 uint32_t task)
{
	struct handler handler = handler_of(work, task);
	if (handler.name == NULL)
		return;
	*array_add(work->arena, list) = (struct coreleaks_evidence){
		arena_format(
			work->arena,
			"thread %" PRId64 " waits in the signal handler %s, which interrupted %s",
			task_id(work, task), handler.name,
			handler.interrupted != NULL ? handler.interrupted : "code without a name"),
		0};
}

/* What no memory of the process can tell. */
static void add_premises(const struct lock_findings *work, struct evidence_list *list,
			 uint32_t task)
{
	const struct wait *wait = work->input->waits->by_task[task];
	if (wait->refused) {
		*array_add(work->arena, list) = (struct coreleaks_evidence){
			arena_format(work->arena,
				     "the kernel refused the mutex to thread %" PRId64
				     ", and glibc has it sleep for ever on a word of its own stack",
				     task_id(work, task)),
			wait->futex_addr};
		*array_add(work->arena, list) = (struct coreleaks_evidence){
			"premise: it is the mutex of its kind that the thread's registers and "
			"glibc's frames point to; there is only one",
			wait->addr};
	} else if (wait_graph_anyone_unlocks(wait)) {
		*array_add(work->arena, list) = (struct coreleaks_evidence){
			arena_format(work->arena,
				     "premise: nobody but its owner unlocks this %s, as POSIX "
				     "demands",
				     wait_object_name(wait->object)),
			wait->addr};
	}
}

/* "thread 1 waits for mutex 0x… (name), held by thread 2", and the premises that were read. */
static void add_wait_evidence(const struct lock_findings *work, struct evidence_list *list,
			      uint32_t task)
{
	const struct wait *wait = work->input->waits->by_task[task];
	struct arena *arena = work->arena;
	int64_t id = task_id(work, task);
	if (wait->object == WAIT_THREAD) {
		*array_add(arena, list) = (struct coreleaks_evidence){
			arena_format(arena,
				     "thread %" PRId64 " joins thread %d, which has not ended", id,
				     wait->holder_tid),
			wait->addr};
	} else {
		*array_add(arena, list) = (struct coreleaks_evidence){
			arena_format(arena, "thread %" PRId64 " waits for %s, held by thread %d",
				     id, object_text(work, task), wait->holder_tid),
			wait->addr};
	}
	*array_add(arena, list) = (struct coreleaks_evidence){
		arena_format(arena,
			     "thread %" PRId64
			     " waits without a time limit, and the word it sleeps on "
			     "has not changed since",
			     id),
		wait->futex_addr};
	add_handler_evidence(work, list, task);
	add_premises(work, list, task);
}

static const uint32_t *groups_of_tasks(const struct lock_findings *work, const uint32_t *tasks,
				       uint32_t num, uint32_t *num_ret)
{
	uint32_t *groups = work->room.groups, num_groups = 0;
	for (uint32_t i = 0; i < num; i++) {
		uint32_t group = work->group_of[tasks[i]];
		if (group == UINT32_MAX || work->room.seen[group])
			continue;
		work->room.seen[group] = true;
		groups[num_groups++] = group;
	}
	for (uint32_t i = 0; i < num_groups; i++)
		work->room.seen[groups[i]] = false;
	*num_ret = num_groups;
	return (const uint32_t *)(const void *)arena_copy_bytes(work->arena, groups,
								num_groups * sizeof(*groups));
}

static void add_finding(const struct lock_findings *work, const char *rule, const char *title,
			const uint32_t *tasks, uint32_t num_tasks, uint32_t caveats,
			const struct evidence_list *evidence)
{
	struct coreleaks_finding finding = {
		.rule = rule,
		.certainty = root_certainty(caveats),
		.title = title,
		.tasks = tasks,
		.num_tasks = num_tasks,
		.evidence = evidence->items,
		.num_evidence = evidence->num,
	};
	finding.groups = groups_of_tasks(work, tasks, num_tasks, &finding.num_groups);
	const char **words = arena_alloc_array(work->arena, 32, sizeof(*words));
	for (uint32_t bit = 1; bit <= caveats && bit != 0; bit <<= 1)
		if ((caveats & bit) != 0)
			words[finding.num_caveats++] = wait_caveats_words((enum wait_caveat)bit);
	finding.caveats = words;
	for (uint32_t i = 0; i < finding.num_groups; i++)
		raise_verdict(&work->findings->verdict_by_group[finding.groups[i]],
			      finding.certainty);
	*array_add(work->arena, &work->findings->list) = finding;
}

/* "1, 2 and 3", at most MAX_NAMED of them. */
static const char *names_of(const struct lock_findings *work, const uint32_t *tasks, uint32_t num)
{
	struct text text;
	text_init(&text, work->arena);
	text_add(&text, num == 1 ? "thread " : "threads ");
	uint32_t shown = num <= MAX_NAMED ? num : MAX_NAMED - 1;
	for (uint32_t i = 0; i < shown; i++)
		text_addf(&text, "%s%" PRId64,
			  i == 0	 ? ""
			  : i + 1 == num ? " and "
					 : ", ",
			  task_id(work, tasks[i]));
	if (shown < num)
		text_addf(&text, " and %u others", num - shown);
	return text.bytes;
}

static const char *cycle_title(const struct lock_findings *work, const struct wait_root *root)
{
	const struct wait *first = work->input->waits->by_task[root->tasks[0]];
	bool same = true;
	for (uint32_t i = 1; i < root->num_tasks; i++)
		same = same && work->input->waits->by_task[root->tasks[i]]->object == first->object;
	const char *names = names_of(work, root->tasks, root->num_tasks);
	if (root->num_tasks == 1) {
		const char *handler = handler_of(work, root->tasks[0]).name;
		return arena_format(work->arena, "%s waits%s%s for %s, which it holds itself",
				    names, handler != NULL ? " in the signal handler " : "",
				    handler != NULL ? handler : "",
				    object_text(work, root->tasks[0]));
	}
	if (same && first->object == WAIT_THREAD)
		return arena_format(work->arena, "%s join each other in a circle", names);
	if (same && root->num_tasks == 2)
		return arena_format(work->arena, "%s wait for each other's %s", names,
				    wait_object_name(first->object));
	return arena_format(work->arena, "%s wait for each other in a circle", names);
}

static void add_root(const struct lock_findings *work, const struct wait_root *root)
{
	struct evidence_list evidence = {0};
	struct arena *arena = work->arena;
	if (root->kind == WAIT_ROOT_CYCLE) {
		for (uint32_t i = 0; i < root->num_tasks; i++)
			add_wait_evidence(work, &evidence, root->tasks[i]);
		add_finding(work, root->num_tasks == 1 ? "self-deadlock" : "deadlock-cycle",
			    cycle_title(work, root), root->tasks, root->num_tasks, root->caveats,
			    &evidence);
		return;
	}
	const struct wait *wait = work->input->waits->by_task[root->tasks[0]];
	if (root->kind == WAIT_ROOT_UNREACHABLE) {
		const char *object = object_text(work, root->tasks[0]);
		reach_findings_evidence(&evidence, arena, work->input, root, object);
		add_finding(work, "unreachable-wait",
			    arena_format(arena, "%s %s for %s, which nothing alive can reach",
					 names_of(work, root->tasks, root->num_tasks),
					 root->num_tasks == 1 ? "waits" : "wait", object),
			    root->tasks, root->num_tasks, root->caveats, &evidence);
		return;
	}
	*array_add(arena, &evidence) = (struct coreleaks_evidence){
		arena_format(arena, "%s records thread %d as its owner",
			     object_text(work, root->tasks[0]), wait->holder_tid),
		wait->addr + 8};
	*array_add(arena, &evidence) = (struct coreleaks_evidence){
		arena_format(arena,
			     "no thread of the process has the id %d, neither in the core's notes "
			     "nor in glibc's list of %u threads",
			     wait->holder_tid, work->input->nptl->threads.num),
		0};
	add_premises(work, &evidence, root->tasks[0]);
	add_finding(work, "abandoned-lock",
		    arena_format(arena, "%s %s for %s, whose owner, thread %d, has ended",
				 names_of(work, root->tasks, root->num_tasks),
				 root->num_tasks == 1 ? "waits" : "wait",
				 object_text(work, root->tasks[0]), wait->holder_tid),
		    root->tasks, root->num_tasks, root->caveats, &evidence);
}

/* Of each task behind the root the one at the end of its way that waits for the root itself, plus
 * one. No piece of a way is walked twice. */
static void find_directs(const struct lock_findings *work, const struct wait_root *root)
{
	const struct wait_edge *edges = work->input->graph->edges;
	uint32_t *direct = work->room.direct, *way = work->room.way;
	for (uint32_t i = 0; i < root->num_behind; i++) {
		uint32_t at = root->behind[i], num = 0;
		while (direct[at] == 0 && !work->room.in_root[edges[at].to]) {
			way[num++] = at;
			at = (uint32_t)edges[at].to;
		}
		if (direct[at] == 0)
			direct[at] = at + 1;
		for (uint32_t k = 0; k < num; k++)
			direct[way[k]] = direct[at];
	}
}

/* How many of those behind wait for each of the root's tasks. Returns the one that blocks most, and
 * one that waits for it. */
static uint32_t count_blocked(const struct lock_findings *work, const struct wait_root *root,
			      uint32_t *direct_ret)
{
	uint32_t *blocks = work->room.blocks, most = root->tasks[0];
	for (uint32_t i = 0; i < root->num_tasks; i++) {
		work->room.in_root[root->tasks[i]] = true;
		blocks[root->tasks[i]] = 0;
	}
	find_directs(work, root);
	*direct_ret = root->behind[0];
	for (uint32_t i = 0; i < root->num_behind; i++) {
		uint32_t last = work->room.direct[root->behind[i]] - 1;
		uint32_t at = (uint32_t)work->input->graph->edges[last].to;
		if (++blocks[at] > blocks[most] || (blocks[at] == blocks[most] && at == most)) {
			most = at;
			*direct_ret = last;
		}
	}
	for (uint32_t i = 0; i < root->num_tasks; i++)
		work->room.in_root[root->tasks[i]] = false;
	for (uint32_t i = 0; i < root->num_behind; i++)
		work->room.direct[root->behind[i]] = 0;
	return most;
}

/* The one that blocks most is named. */
static void add_behind(const struct lock_findings *work, const struct wait_root *root)
{
	struct evidence_list evidence = {0};
	struct arena *arena = work->arena;
	const uint32_t *blocks = work->room.blocks;
	uint32_t direct;
	if (root->num_behind == 0)
		return;
	uint32_t most = count_blocked(work, root, &direct);
	for (uint32_t i = 0; i < root->num_tasks; i++) {
		if (blocks[root->tasks[i]] == 0)
			continue;
		*array_add(arena, &evidence) = (struct coreleaks_evidence){
			arena_format(arena, "thread %" PRId64 " can never go on; %u wait for it",
				     task_id(work, root->tasks[i]), blocks[root->tasks[i]]),
			0};
	}
	const char *title, *others = root->num_behind == 1 ? "other" : "others";
	bool joins = work->input->waits->by_task[direct]->object == WAIT_THREAD;
	if (joins)
		title = arena_format(arena, "thread %" PRId64 " never ends and blocks %u %s",
				     task_id(work, most), root->num_behind, others);
	else
		title = arena_format(arena, "thread %" PRId64 " holds %s and blocks %u %s",
				     task_id(work, most), object_text(work, direct),
				     root->num_behind, others);
	if (blocks[most] != root->num_behind)
		title = arena_format(arena, "%s %s and block %u %s",
				     names_of(work, root->tasks, root->num_tasks),
				     root->kind == WAIT_ROOT_CYCLE ? "are deadlocked" : "are stuck",
				     root->num_behind, others);
	add_finding(work, "stuck-behind", title, root->behind, root->num_behind,
		    root->behind_caveats, &evidence);
}

static void make_room(struct lock_findings *work)
{
	struct arena *arena = work->arena;
	uint32_t num_tasks = work->input->groups->num_tasks, num_groups = work->groups->list.num;
	work->room.groups = arena_alloc_array(arena, num_groups, sizeof(*work->room.groups));
	work->room.seen = arena_alloc_array(arena, num_groups, sizeof(*work->room.seen));
	work->room.in_root = arena_alloc_array(arena, num_tasks, sizeof(*work->room.in_root));
	work->room.direct = arena_alloc_array(arena, num_tasks, sizeof(*work->room.direct));
	work->room.way = arena_alloc_array(arena, num_tasks, sizeof(*work->room.way));
	work->room.blocks = arena_alloc_array(arena, num_tasks, sizeof(*work->room.blocks));
}

void lock_findings_add(struct findings *findings, struct arena *arena, const struct groups *groups,
		       const struct lock_findings_input *input)
{
	struct lock_findings work = {
		.findings = findings, .arena = arena, .groups = groups, .input = input};
	work.group_of = arena_alloc_array(arena, input->groups->num_tasks, sizeof(*work.group_of));
	for (uint32_t i = 0; i < input->groups->num_tasks; i++)
		work.group_of[i] = UINT32_MAX;
	for (uint32_t i = 0; i < groups->list.num; i++)
		for (uint32_t k = 0; k < groups->list.items[i].num_tasks; k++)
			work.group_of[groups->list.items[i].tasks[k]] = i;
	make_room(&work);
	for (uint32_t i = 0; i < input->graph->roots.num; i++) {
		add_root(&work, &input->graph->roots.items[i]);
		add_behind(&work, &input->graph->roots.items[i]);
	}
	findings_sort(findings);
}
