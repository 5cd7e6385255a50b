#include "reason/go_selects.h"

uint32_t *go_selects_find(struct arena *arena, const struct stacks *stacks)
{
	enum { MAX_OFF = 1 << 16 };
	uint32_t *offs = arena_alloc_array(arena, stacks->list.num, sizeof(*offs));
	for (uint32_t i = 0; i < stacks->list.num; i++) {
		const struct coreleaks_stack *stack = &stacks->list.items[i];
		for (uint32_t k = 0; k < stack->num_frames; k++) {
			const struct coreleaks_frame *frame = &stack->frames[k];
			if (frame->function == NULL ||
			    strcmp(frame->function, "runtime.selectgo") != 0)
				continue;
			if (frame->cfa > stack->frames[0].sp && stack->frames[0].sp != 0 &&
			    frame->cfa - stack->frames[0].sp < MAX_OFF)
				offs[i] = (uint32_t)(frame->cfa - stack->frames[0].sp);
			break;
		}
	}
	return offs;
}

/* A case as the compiler lays it out: runtime/select.go, scase. */
struct scase {
	uint64_t channel, elem;
};

struct select {
	uint64_t cases_addr, order_addr, num_sends;
	uint32_t num;
};

/* selectgo(cas0, order0, pc0, nsends, nrecvs, block) spills its arguments to where its caller keeps
 * room for them, just above the return address, which AArch64 keeps at its caller's bottom; order0
 * is room for twice as many numbers as there are cases, and the address of its second half stays in
 * selectgo's frame (runtime/select.go, lockorder; 1.19 to 1.27, amd64 and arm64). */
static bool read_select(const struct go_waits_input *input, const struct go_queue_entries *entries,
			uint64_t sp, uint32_t caller_off, struct select *ret)
{
	enum { CASES = 0, ORDER = 1, SENDS = 3, NUM_SPILLED = 4, MAX_WORDS = 512 };
	uint64_t spilled[NUM_SPILLED], words[MAX_WORDS];
	uint64_t args_off = caller_off + (image_is_arm64(input->image) ? sizeof(uint64_t) : 0);
	uint64_t size = caller_off < sizeof(words) ? caller_off : sizeof(words);
	if (image_read(input->image, sp + args_off, spilled, sizeof(spilled)) != sizeof(spilled) ||
	    image_read(input->image, sp + caller_off - size, words, (size_t)size) != size)
		return false;
	*ret = (struct select){spilled[CASES], spilled[ORDER], spilled[SENDS], 0};
	for (uint64_t i = 0; i < size / 8; i++) {
		uint64_t num = (words[i] - ret->order_addr) / 2;
		if (words[i] <= ret->order_addr || (words[i] - ret->order_addr) % 2 != 0 ||
		    num < entries->num || num > GO_SELECT_MAX_CASES || num < ret->num_sends)
			continue;
		/* The number itself stands there as well. */
		for (uint64_t k = 0; k < size / 8; k++)
			if (words[k] == num && (ret->num == 0 || num < ret->num))
				ret->num = (uint32_t)num;
	}
	return ret->num > 0;
}

/* The goroutine's entry for that case, which no case before it has taken. */
static uint32_t find_entry(const struct go_queues *queues, const struct go_queue_entries *entries,
			   const struct scase *scase, bool send, const bool *taken)
{
	for (uint32_t i = 0; i < entries->num; i++) {
		const struct go_sudog *sudog = &queues->sudogs.items[entries->first + i];
		if (!taken[i] && sudog->object_addr == scase->channel &&
		    sudog->elem_addr == scase->elem && (!sudog->linked || sudog->send == send))
			return i;
	}
	return UINT32_MAX;
}

bool go_selects_order(uint32_t order[GO_SELECT_MAX_KNOWN], const struct go_waits_input *input,
		      uint32_t goroutine, uint32_t caller_off, uint32_t *num_ret,
		      uint32_t *num_sends_ret)
{
	enum { MAX_KNOWN = GO_SELECT_MAX_KNOWN };
	const struct go_queue_entries *entries = &input->queues->of[goroutine];
	const struct task *task =
		&input->tasks->list.items[input->goroutines->first_task + goroutine];
	struct scase cases[MAX_KNOWN];
	bool taken[MAX_KNOWN];
	uint32_t num_found = 0;
	struct select select;
	if (caller_off == 0 || entries->num > MAX_KNOWN ||
	    !read_select(input, entries, task->sp, caller_off, &select) || select.num > MAX_KNOWN ||
	    image_read(input->image, select.cases_addr, cases, select.num * sizeof(cases[0])) !=
		    select.num * sizeof(cases[0]))
		return false;
	memset(taken, 0, entries->num * sizeof(*taken));
	for (uint32_t i = 0; i < select.num; i++) {
		order[i] = UINT32_MAX;
		if (cases[i].channel == 0)
			continue;
		uint32_t entry =
			find_entry(input->queues, entries, &cases[i], i < select.num_sends, taken);
		if (entry == UINT32_MAX)
			return false;
		taken[entry] = true;
		order[i] = entries->first + entry;
		num_found++;
	}
	if (num_found != entries->num)
		return false;
	*num_ret = select.num;
	*num_sends_ret = (uint32_t)select.num_sends;
	return true;
}
