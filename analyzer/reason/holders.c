#include "reason/holders.h"

#include "group/user_frame.h"

#include <stdlib.h>

enum {
	MAX_REST_SIZE = 1 << 20,  /* bytes searched of a stack that could not be unwound */
	MAX_FRAME_SIZE = 8 << 20, /* a larger one leads to another stack */
	MAX_SIGNAL_SIZE = 1024,	  /* siginfo and registers; the floating-point state lies behind */
	BUFFER_WORDS = 128,
};

/* All stacks together: live stacks of a sound process do not overlap, those of a forged core may.
 */
static const uint64_t max_search_size = UINT64_C(1) << 30;

/* Registers that a function leaves to its caller as they were (System V psABI 1.0, 3.2.1). */
static const uint8_t kept_registers[] = {REGISTER_RBX, REGISTER_RBP, 12, 13, 14, 15};

enum { NUM_KEPT = sizeof(kept_registers) / sizeof(kept_registers[0]) };

struct wanted {
	uint64_t addr;
	struct holders_of found;
	uint32_t seen_in; /* task + 1: where it was last found */
	const struct coreleaks_frame *frame;
	uint8_t use; /* enum use */
};

struct search {
	const struct holders_input *input;
	struct image *image;
	struct wanted *wanted; /* by ascending address */
	uint32_t num_wanted;
	uint64_t left_size; /* bytes that may still be read */
	/* Of the task at hand. */
	uint32_t task;
	struct raw_frame *frames;
	struct raw_stack stack;
	const struct coreleaks_stack *names;
	struct wanted **seen;
	uint32_t num_seen;
};

/* A lock that somebody must have, and that does not say who. A parked thread, a flag or a
 * condition is held by nobody. */
static bool is_wanted(const struct wait *wait)
{
	if (wait->addr == 0 || wait->holder_tid != 0 || wait->holder >= 0)
		return false;
	switch (wait->object) {
	case WAIT_MUTEX:
	case WAIT_RWLOCK:
	case WAIT_SEMAPHORE:
	case WAIT_ONCE:
		return true;
	case WAIT_FUTEX:
		return wait->reason != NULL && strcmp(wait->reason, "futex") == 0;
	default:
		return false;
	}
}

static int wanted_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct wanted *)a)->addr, y = ((const struct wanted *)b)->addr;
	return (x > y) - (x < y);
}

static struct wanted *find_wanted(const struct search *search, uint64_t addr)
{
	uint32_t low = 0, high = search->num_wanted;
	if (addr < search->wanted[0].addr || addr > search->wanted[high - 1].addr)
		return NULL;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (search->wanted[middle].addr == addr)
			return &search->wanted[middle];
		if (search->wanted[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- Whose frame ---------------------------------------------------------------------------- */

/* The function of the program whose code the raw frame runs, or NULL: a function as compiled, else
 * what was inlined into one of the language's library. */
static const struct coreleaks_frame *program_frame(const struct search *search, uint32_t raw_index)
{
	const struct coreleaks_stack *names = search->names;
	uint32_t first = 0;
	for (uint32_t i = 0; i < names->num_frames; i++) {
		if (names->frames[i].inlined)
			continue;
		if (raw_index-- == 0) {
			for (uint32_t k = i + 1; k-- > first;)
				if (!names->frames[k].signal &&
				    !user_frame_is_runtime(&names->frames[k]))
					return &names->frames[k];
			return NULL;
		}
		first = i + 1;
	}
	return NULL;
}

static const struct cfi_rule *rule_of(const struct search *search, uint32_t index)
{
	const struct raw_frame *frame = &search->frames[index];
	return cfi_rule_for(&search->input->unwinder->cfi,
			    frame->exact ? frame->pc : frame->pc - 1);
}

/* Where frame index keeps what that register was in its caller; 0: it did not save it, or not on
 * its stack. */
static uint64_t save_addr(const struct search *search, uint32_t index, int number)
{
	const struct cfi_rule *rule = rule_of(search, index);
	const struct cfi_register_rule *saved = &rule->registers[number];
	if (rule->kind != CFI_RULE_OK || saved->how != CFI_AT_CFA)
		return 0;
	return search->frames[index].cfa + (uint64_t)saved->offset;
}

/* A library's function has saved the register, and not yet used it for anything of its own. */
static bool only_saved(const struct search *search, uint32_t index, int number, uint64_t value)
{
	uint64_t addr = save_addr(search, index, number), saved;
	return addr != 0 && program_frame(search, index) == NULL &&
	       image_read_u64(search->image, addr, &saved) && saved == value;
}

/* What a register has in frame first is that of the first frame from there on that saved its
 * caller's before it used the register. Without one, what the program put there and what the code
 * that started the thread did cannot be told apart. */
static uint32_t frame_of_register(const struct search *search, int number, uint64_t value,
				  uint32_t first)
{
	for (uint32_t i = first; i < search->stack.num_frames; i++) {
		const struct cfi_rule *rule = rule_of(search, i);
		if (rule->kind != CFI_RULE_OK || (rule->registers[number].how != CFI_SAME &&
						  !only_saved(search, i, number, value)))
			return i;
	}
	return first;
}

/* How sure it is that a frame still uses an address. */
enum use {
	USE_NONE, /* a library's own, or left over from calls before */
	USE_WORD, /* in the frame, where it may be left over too */
	USE_VALUE /* what a register had */
};

/* A word that frame index saved for its caller belongs to that one, or to a caller further out. */
static enum use use_of_word(const struct search *search, uint64_t addr, uint64_t value,
			    uint32_t index, uint32_t *index_ret)
{
	*index_ret = index;
	if (index >= search->stack.num_frames)
		return USE_WORD;
	for (int i = 0; i < NUM_KEPT; i++) {
		if (save_addr(search, index, kept_registers[i]) != addr)
			continue;
		*index_ret = frame_of_register(search, kept_registers[i], value, index + 1);
		return USE_VALUE;
	}
	/* The interrupted code's registers lie in a signal's frame. */
	return search->frames[index].signal || program_frame(search, index) != NULL ? USE_WORD
										    : USE_NONE;
}

/* ---- The search ------------------------------------------------------------------------------ */

/* The address was found and belongs to that frame; behind the last one: to none that is known. */
static void note(struct search *search, struct wanted *wanted, uint32_t index, enum use use)
{
	const struct coreleaks_frame *frame = NULL;
	/* Who waits for a lock has its address for that reason. */
	if (use == USE_NONE || search->input->waits->by_task[search->task]->addr == wanted->addr)
		return;
	for (uint32_t i = index; i < search->stack.num_frames && frame == NULL; i++)
		frame = program_frame(search, i);
	/* Only the frames that start a thread: left over from who created it. */
	if (frame == NULL && search->stack.end == CORELEAKS_STACK_COMPLETE)
		return;
	if (wanted->seen_in != search->task + 1) {
		wanted->seen_in = search->task + 1;
		wanted->frame = NULL;
		wanted->use = USE_NONE;
		search->seen[search->num_seen++] = wanted;
	}
	/* Of equal ones the innermost: the nearest to what the thread does now. */
	bool better =
		use != wanted->use ? use > wanted->use : frame != NULL && frame < wanted->frame;
	if (frame == NULL || (wanted->frame != NULL && !better))
		return;
	wanted->frame = frame;
	wanted->use = use;
}

/* Frame index has these bytes. */
static void search_memory(struct search *search, uint64_t low, uint64_t high, uint32_t index)
{
	uint64_t words[BUFFER_WORDS];
	low = (low + 7) & ~UINT64_C(7);
	while (low < high && high - low >= sizeof(words[0]) && search->left_size > 0) {
		size_t size = sizeof(words);
		if (size > high - low)
			size = (size_t)(high - low);
		size_t got = image_read(search->image, low, words, size) / sizeof(words[0]);
		for (size_t i = 0; i < got; i++) {
			struct wanted *wanted = find_wanted(search, words[i]);
			uint64_t addr = low + i * sizeof(words[0]);
			uint32_t whose;
			if (wanted == NULL)
				continue;
			enum use use = use_of_word(search, addr, words[i], index, &whose);
			note(search, wanted, whose, use);
		}
		if (got < size / sizeof(words[0]))
			return;
		low += size;
		search->left_size -= search->left_size < size ? search->left_size : size;
	}
}

static void search_frame(struct search *search, uint32_t index)
{
	const struct raw_frame *frame = &search->frames[index];
	uint64_t max_size = frame->signal ? MAX_SIGNAL_SIZE : MAX_FRAME_SIZE;
	if (frame->sp == 0 || frame->cfa <= frame->sp)
		return;
	/* What a signal interrupted may lie on another stack. */
	uint64_t size = frame->cfa - frame->sp;
	if (size <= max_size || frame->signal)
		search_memory(search, frame->sp, frame->sp + (size < max_size ? size : max_size),
			      index);
}

/* A sleeping thread's other registers are the system call's arguments and leftovers. */
static void search_registers(struct search *search, const struct task *task)
{
	for (int i = 0; i < REGISTER_RIP; i++) {
		bool kept = false;
		for (int k = 0; k < NUM_KEPT; k++)
			kept |= kept_registers[k] == i;
		if (!kept && task->hint->blocked)
			continue;
		struct wanted *wanted = find_wanted(search, task->registers->values[i]);
		if (wanted != NULL && (task->registers->known >> i & 1) != 0)
			note(search, wanted,
			     kept ? frame_of_register(search, i, wanted->addr, 0) : 0, USE_VALUE);
	}
}

/* What lies beyond the last frame that is known, up to where the stack begins. */
static void search_rest(struct search *search, const struct task *task)
{
	const struct raw_frame *last = &search->frames[search->stack.num_frames - 1];
	uint64_t low = last->cfa > last->sp ? last->cfa : last->sp, high;
	uint64_t sp = task->sp;
	if (search->stack.end == CORELEAKS_STACK_COMPLETE || low < sp ||
	    __builtin_add_overflow(sp, task->stack_size, &high) || high <= low)
		return;
	if (high - low > MAX_REST_SIZE)
		high = low + MAX_REST_SIZE;
	search_memory(search, low, high, search->stack.num_frames);
}

/* Those whose function is known come first, then by id. */
static bool comes_before(const struct tasks *tasks, const struct coreleaks_candidate *a,
			 const struct coreleaks_candidate *b)
{
	if ((a->frame == NULL) != (b->frame == NULL))
		return a->frame != NULL;
	return tasks->list.items[a->task].id < tasks->list.items[b->task].id;
}

void holders_of_add(struct holders_of *found, const struct tasks *tasks,
		    struct coreleaks_candidate candidate)
{
	uint32_t at = found->num;
	found->num_all++;
	while (at > 0 && comes_before(tasks, &candidate, &found->candidates[at - 1])) {
		if (at < HOLDERS_MAX_CANDIDATES)
			found->candidates[at] = found->candidates[at - 1];
		at--;
	}
	if (at < HOLDERS_MAX_CANDIDATES)
		found->candidates[at] = candidate;
	if (found->num < HOLDERS_MAX_CANDIDATES)
		found->num++;
}

static void search_task(struct search *search, uint32_t index)
{
	const struct holders_input *input = search->input;
	const struct task *task = &input->tasks->list.items[index];
	/* A goroutine that calls C does so on a thread's stack and registers. */
	if (task->kind != CORELEAKS_KIND_THREAD)
		return;
	search->task = index;
	search->num_seen = 0;
	search->names = &input->stacks->list.items[input->stacks->by_task[index]];
	search->stack = unwinder_walk(input->unwinder, task->registers, search->frames);
	for (uint32_t i = 0; i < search->stack.num_frames; i++)
		search_frame(search, i);
	search_rest(search, task);
	search_registers(search, task);
	for (uint32_t i = 0; i < search->num_seen; i++)
		holders_of_add(&search->seen[i]->found, input->tasks,
			       (struct coreleaks_candidate){index, search->seen[i]->frame});
}

/* The distinct addresses of the locks in question. */
static void collect_wanted(struct search *search, struct arena *arena)
{
	const struct holders_input *input = search->input;
	uint32_t num_tasks = input->tasks->list.num;
	struct intern addrs;
	intern_init(&addrs, arena);
	for (uint32_t i = 0; i < num_tasks; i++) {
		const struct wait *wait = input->waits->by_task[i];
		if (is_wanted(wait))
			intern_add(&addrs, &wait->addr, sizeof(wait->addr), NULL);
	}
	search->num_wanted = addrs.keys.num;
	search->wanted = arena_alloc_array(arena, search->num_wanted, sizeof(*search->wanted));
	for (uint32_t i = 0; i < search->num_wanted; i++)
		memcpy(&search->wanted[i].addr, addrs.keys.items[i].bytes, sizeof(uint64_t));
	if (search->num_wanted > 0)
		qsort(search->wanted, search->num_wanted, sizeof(*search->wanted), wanted_compare);
}

void holders_build(struct holders *ret, struct arena *arena, struct gaps *gaps,
		   struct progress *progress, const struct holders_input *input)
{
	struct search search = {
		.input = input,
		.image = input->unwinder->image,
		.left_size = max_search_size,
	};
	uint32_t num_tasks = input->tasks->list.num;
	ret->by_task = arena_alloc_array(arena, num_tasks, sizeof(*ret->by_task));
	collect_wanted(&search, arena);
	if (search.num_wanted == 0)
		return;
	search.seen = arena_alloc_array(arena, search.num_wanted, sizeof(*search.seen));
	search.frames =
		arena_alloc_array(arena, input->unwinder->max_frames, sizeof(*search.frames));
	for (uint32_t i = 0; i < num_tasks; i++) {
		if (!progress_tick(progress, "searching stacks for locks", i, num_tasks))
			break;
		search_task(&search, i);
	}
	if (search.left_size == 0)
		gaps_add(gaps, "holder-search-limit", false,
			 "only %u MiB of the stacks were searched for who may hold locks",
			 (unsigned)(max_search_size >> 20));
	for (uint32_t i = 0; i < num_tasks; i++) {
		const struct wait *wait = input->waits->by_task[i];
		if (is_wanted(wait))
			ret->by_task[i] = &find_wanted(&search, wait->addr)->found;
	}
}
