#include "stack/self_check.h"

#include <elfutils/libdwfl.h>
#include <inttypes.h>
#include <stdlib.h>

/* How far beyond ours libdwfl is followed: it does not see that a stack leads back to itself. */
enum { MAX_BEYOND = 4096 };

enum their_end { THEIR_COMPLETE, THEIR_FAILED, THEIR_LIMIT };

/* A step that libdwfl makes without call frame information follows the frame pointer, whatever it
 * points to: what it finds then is a guess, and no word against ours. */
struct their_frame {
	uint64_t pc;
	bool guess;
	bool mapped; /* a module holds it: libdwfl takes any word for a caller */
};

/* One stack, twice. Nothing may be allocated while libdwfl works: memory that runs out leaves
 * through longjmp(). */
struct compared {
	uint32_t task;
	struct raw_stack ours;
	const struct raw_frame *frames;
	struct their_frame *theirs; /* one more than ours at most */
	uint32_t num_theirs, num_beyond;
	enum their_end their_end;
};

struct checker {
	struct arena *arena;
	const struct tasks *tasks;
	struct unwinder *unwinder;
	struct compared *list;
	uint32_t num;
	Dwfl *dwfl;
	struct compared *current;
	bool next_is_guess;
};

/* ---- Which stacks -------------------------------------------------------------------------- */

static bool has_registers(const struct tasks *tasks, uint32_t task)
{
	const struct registers *registers = tasks->list.items[task].registers;
	return registers != NULL && registers->known == (1u << NUM_REGISTERS) - 1;
}

/* num of the tasks in from, spread evenly; each stays out of a second choice. */
static uint32_t choose(uint32_t *ret, uint32_t room, const uint32_t *from, uint32_t num,
		       bool *chosen)
{
	uint32_t wanted = num < room ? num : room;
	for (uint32_t i = 0; i < wanted; i++) {
		ret[i] = from[(uint64_t)i * num / wanted];
		chosen[ret[i]] = true;
	}
	return wanted;
}

/* First one thread of each distinct stack, then others. Returns how many threads there are. */
static uint32_t choose_tasks(struct checker *checker, const struct stacks *stacks,
			     uint32_t ret[SELF_CHECK_MAX_STACKS])
{
	const struct tasks *tasks = checker->tasks;
	struct arena *arena = checker->arena;
	uint32_t num_tasks = tasks->list.num, num_all = 0, num = 0;
	bool *chosen = arena_alloc_array(arena, num_tasks, sizeof(*chosen));
	bool *seen = arena_alloc_array(arena, stacks->list.num, sizeof(*seen));
	uint32_t *from = arena_alloc_array(arena, num_tasks, sizeof(*from));
	for (uint32_t i = 0; i < num_tasks; i++) {
		if (!has_registers(tasks, i))
			continue;
		num_all++;
		if (!seen[stacks->by_task[i]])
			from[num++] = i;
		seen[stacks->by_task[i]] = true;
	}
	checker->num = choose(ret, SELF_CHECK_MAX_STACKS, from, num, chosen);
	num = 0;
	for (uint32_t i = 0; i < num_tasks; i++)
		if (has_registers(tasks, i) && !chosen[i])
			from[num++] = i;
	checker->num +=
		choose(ret + checker->num, SELF_CHECK_MAX_STACKS - checker->num, from, num, chosen);
	return num_all;
}

/* Our half of it. False: stopped. */
static bool walk_ours(struct checker *checker, struct progress *progress, const uint32_t *tasks)
{
	struct unwinder *unwinder = checker->unwinder;
	struct arena *arena = checker->arena;
	struct raw_frame *frames = arena_alloc_array(arena, unwinder->max_frames, sizeof(*frames));
	checker->list = arena_alloc_array(arena, checker->num, sizeof(*checker->list));
	for (uint32_t i = 0; i < checker->num; i++) {
		struct compared *compared = &checker->list[i];
		if (!progress_tick(progress, "checking stacks", i, checker->num))
			return false;
		compared->task = tasks[i];
		compared->ours = unwinder_walk(
			unwinder, checker->tasks->list.items[tasks[i]].registers, frames);
		compared->frames = (const struct raw_frame *)(void *)arena_copy_bytes(
			arena, frames, compared->ours.num_frames * sizeof(*frames));
		compared->theirs = arena_alloc_array(arena, (size_t)compared->ours.num_frames + 1,
						     sizeof(*compared->theirs));
	}
	return true;
}

/* ---- What libdwfl asks for ----------------------------------------------------------------- */

/* Handles are counted: libdwfl closes its own. */
static int give_elf(Dwfl_Module *module, void **user_data, const char *name, Dwarf_Addr base,
		    char **path_ret, Elf **elf_ret)
{
	const struct elf_file *file = *user_data;
	(void)module, (void)name, (void)base, (void)path_ret;
	if (file != NULL)
		*elf_ret = elf_begin(file->fd, ELF_C_READ_MMAP, file->elf);
	return -1;
}

/* libdwfl would open the file itself, and what it looks for there is hardly ever missing from the
 * program's own. */
static int give_no_debug_file(Dwfl_Module *module, void **user_data, const char *name,
			      Dwarf_Addr base, const char *path, const char *link, GElf_Word sum,
			      char **path_ret)
{
	(void)module, (void)user_data, (void)name, (void)base, (void)path, (void)link, (void)sum;
	(void)path_ret;
	return -1;
}

static pid_t next_thread(Dwfl *dwfl, void *data, void **thread_ret)
{
	(void)dwfl, (void)data, (void)thread_ret;
	return 0;
}

/* Ids may repeat in a damaged core: there is one thread, the current one. */
static bool give_thread(Dwfl *dwfl, pid_t tid, void *data, void **thread_ret)
{
	(void)dwfl, (void)tid;
	*thread_ret = data;
	return true;
}

static bool give_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *ret, void *data)
{
	const struct checker *checker = data;
	(void)dwfl;
	return image_read_u64(checker->unwinder->image, addr, ret);
}

static bool give_registers(Dwfl_Thread *thread, void *data)
{
	const struct checker *checker = data;
	const struct task *task = &checker->tasks->list.items[checker->current->task];
	return dwfl_thread_state_registers(thread, 0, NUM_REGISTERS, task->registers->values);
}

/* ---- Their half ---------------------------------------------------------------------------- */

static bool table_has(Dwarf_CFI *table, uint64_t addr)
{
	Dwarf_Frame *frame = NULL;
	bool has = table != NULL && dwarf_cfi_addrframe(table, addr, &frame) == 0;
	free(frame);
	return has;
}

static bool has_rule(Dwfl_Module *module, uint64_t lookup)
{
	Dwarf_Addr bias = 0;
	if (module == NULL)
		return false;
	Dwarf_CFI *table = dwfl_module_eh_cfi(module, &bias);
	if (table_has(table, lookup - bias))
		return true;
	table = dwfl_module_dwarf_cfi(module, &bias);
	return table_has(table, lookup - bias);
}

static int take_frame(Dwfl_Frame *frame, void *data)
{
	struct checker *checker = data;
	struct compared *compared = checker->current;
	Dwarf_Addr pc;
	bool exact;
	if (!dwfl_frame_pc(frame, &pc, &exact))
		return DWARF_CB_ABORT;
	if (compared->num_theirs > compared->ours.num_frames)
		return compared->ours.end != CORELEAKS_STACK_BROKEN ||
				       ++compared->num_beyond == MAX_BEYOND
			       ? DWARF_CB_ABORT
			       : DWARF_CB_OK;
	compared->theirs[compared->num_theirs++] = (struct their_frame){
		.pc = pc,
		.guess = checker->next_is_guess,
		.mapped = dwfl_addrmodule(checker->dwfl, pc) != NULL,
	};
	uint64_t lookup = exact ? pc : pc - 1;
	checker->next_is_guess = !has_rule(dwfl_addrmodule(checker->dwfl, lookup), lookup);
	return DWARF_CB_OK;
}

/* libdwfl takes a module to begin with its first segment (dwfl_module_getdwarf.c, open_elf(),
 * elfutils 0.188). */
static void report_module(Dwfl *dwfl, const struct module *module)
{
	size_t num_segments;
	if (module->file == NULL || elf_getphdrnum(module->file->elf, &num_segments) != 0)
		return;
	for (size_t i = 0; i < num_segments; i++) {
		GElf_Phdr segment;
		if (gelf_getphdr(module->file->elf, (int)i, &segment) == NULL ||
		    segment.p_type != PT_LOAD)
			continue;
		uint64_t low = module->bias + (segment.p_vaddr & -segment.p_align);
		Dwfl_Module *reported =
			low < module->range.high
				? dwfl_report_module(dwfl, module->name, low, module->range.high)
				: NULL;
		void **user_data = NULL;
		if (reported == NULL)
			return;
		dwfl_module_info(reported, &user_data, NULL, NULL, NULL, NULL, NULL, NULL);
		*user_data = module->file;
		return;
	}
}

/* False: it cannot be asked. */
static bool walk_theirs(struct checker *checker)
{
	static char no_path[] = "", *no_paths = no_path;
	static const Dwfl_Callbacks files = {
		.find_elf = give_elf,
		.find_debuginfo = give_no_debug_file,
		.debuginfo_path = &no_paths,
	};
	static const Dwfl_Thread_Callbacks threads = {
		.next_thread = next_thread,
		.get_thread = give_thread,
		.memory_read = give_memory,
		.set_initial_registers = give_registers,
	};
	const struct modules *modules = checker->unwinder->cfi.modules;
	checker->dwfl = dwfl_begin(&files);
	if (checker->dwfl == NULL)
		return false;
	dwfl_report_begin(checker->dwfl);
	for (uint32_t i = 0; i < modules->list.num; i++)
		report_module(checker->dwfl, &modules->list.items[i]);
	bool usable = dwfl_report_end(checker->dwfl, NULL, NULL) == 0 &&
		      dwfl_attach_state(checker->dwfl, NULL, 1, &threads, checker);
	for (uint32_t i = 0; i < checker->num && usable; i++) {
		struct compared *compared = checker->current = &checker->list[i];
		checker->next_is_guess = false;
		int result = dwfl_getthread_frames(checker->dwfl, 1, take_frame, checker);
		compared->their_end = result == 0   ? THEIR_COMPLETE
				      : result == 1 ? THEIR_LIMIT
						    : THEIR_FAILED;
	}
	dwfl_end(checker->dwfl);
	return usable;
}

/* ---- Both ---------------------------------------------------------------------------------- */

enum outcome { AGREE, UNSURE, DISAGREE };

/* How far both are the same, and what comes then. */
static enum outcome compare(const struct compared *compared, uint32_t *num_equal_ret)
{
	uint32_t num_ours = compared->ours.num_frames, num_theirs = compared->num_theirs, i = 0;
	while (i < num_ours && i < num_theirs && compared->theirs[i].pc == compared->frames[i].pc)
		i++;
	*num_equal_ret = i;
	if (i == num_theirs && i == num_ours)
		return AGREE;
	/* What libdwfl has no rule for, we may know better: a call through a null pointer. */
	if (i == num_theirs)
		return compared->their_end == THEIR_COMPLETE ? DISAGREE : UNSURE;
	if (compared->theirs[i].guess || !compared->theirs[i].mapped)
		return UNSURE;
	if (i < num_ours)
		return DISAGREE;
	if (compared->ours.end == CORELEAKS_STACK_BROKEN && compared->their_end == THEIR_LIMIT)
		return UNSURE;
	return compared->ours.end == CORELEAKS_STACK_LIMIT ? AGREE : DISAGREE;
}

static const char *frame_words(struct arena *arena, uint64_t pc)
{
	return pc != 0 ? arena_format(arena, "0x%" PRIx64, pc) : "the end of the stack";
}

static struct coreleaks_disagreement disagree(struct arena *arena, struct gaps *gaps,
					      const struct compared *compared,
					      const struct task *task, uint32_t frame)
{
	struct coreleaks_disagreement ret = {
		.kind = task->kind,
		.id = task->id,
		.task = compared->task,
		.frame = frame,
		.pc = frame < compared->ours.num_frames ? compared->frames[frame].pc : 0,
		.other_pc = frame < compared->num_theirs ? compared->theirs[frame].pc : 0,
	};
	gaps_add(gaps, "self-check", true, "%s %" PRId64 ", frame %" PRIu32 ": %s; by libdwfl %s",
		 coreleaks_kind_name(task->kind), task->id, frame, frame_words(arena, ret.pc),
		 frame_words(arena, ret.other_pc));
	return ret;
}

const struct coreleaks_self_check *
self_check_build(struct arena *arena, struct gaps *gaps, struct progress *progress,
		 const struct tasks *tasks, const struct stacks *stacks, struct unwinder *unwinder)
{
	struct checker checker = {.arena = arena, .tasks = tasks, .unwinder = unwinder};
	struct coreleaks_self_check *ret = arena_alloc(arena, sizeof(*ret));
	uint32_t chosen[SELF_CHECK_MAX_STACKS];
	ret->num_threads = choose_tasks(&checker, stacks, chosen);
	if (!walk_ours(&checker, progress, chosen))
		return ret;
	if (checker.num > 0 && !walk_theirs(&checker)) {
		gaps_add(gaps, "self-check", true, "libdwfl cannot unwind any stack of this core");
		return ret;
	}
	ret->num_stacks = checker.num;
	struct coreleaks_disagreement *list = arena_alloc_array(arena, checker.num, sizeof(*list));
	ret->disagreements = list;
	for (uint32_t i = 0; i < checker.num; i++) {
		uint32_t num_equal;
		const struct compared *compared = &checker.list[i];
		enum outcome outcome = compare(compared, &num_equal);
		ret->num_frames += num_equal;
		ret->num_unsure += outcome == UNSURE;
		if (outcome == DISAGREE)
			list[ret->num_disagreements++] =
				disagree(arena, gaps, compared, &tasks->list.items[compared->task],
					 num_equal);
	}
	return ret;
}
