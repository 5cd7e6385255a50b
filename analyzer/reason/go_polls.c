#include "reason/go_polls.h"

#include "reason/go_channels.h"

enum { STACK_WORDS = 128, POLL_FD = 8 };

/* Since the moment is not known exactly, nor is what is left. */
static void set_end(struct go_wait *wait, const struct go_waits_input *input, int64_t when_ns)
{
	wait->timed = true;
	wait->when_ns = when_ns;
	wait->left_ns = go_waits_left(input->facts, when_ns);
}

/* runtime/netpoll.go, pollDesc: rg and wg are the goroutines that wait to read and to write, rd and
 * wd until when: -1 expired, 0 for ever. false: this is none that the goroutine waits at. */
static bool read_poll(struct go_wait *wait, const struct go_waits_input *input, uint64_t addr,
		      uint64_t g_addr)
{
	enum { MAX_FD = INT32_MAX };
	const struct go_layout *layout = &input->runtime->layout;
	uint64_t waiters[2], fd, deadline;
	if (image_read(input->image, addr + (uint64_t)layout->poll_rg, waiters, sizeof(waiters)) !=
		    sizeof(waiters) ||
	    (waiters[0] != g_addr && waiters[1] != g_addr) ||
	    !image_read_u64(input->image, addr + POLL_FD, &fd) || fd > MAX_FD)
		return false;
	wait->fd = (int64_t)fd;
	wait->writes = waiters[0] != g_addr;
	if (image_read_u64(input->image,
			   addr + (uint64_t)(wait->writes ? layout->poll_wd : layout->poll_rd),
			   &deadline) &&
	    (int64_t)deadline > 0)
		set_end(wait, input, (int64_t)deadline);
	return true;
}

/* A pollDesc lies outside of the heap and of stacks. */
void go_poll_decode(struct go_wait *wait, const struct go_waits_input *input, uint32_t goroutine)
{
	const struct goroutine *g = &input->goroutines->list.items[goroutine];
	const struct task *task =
		&input->tasks->list.items[input->goroutines->first_task + goroutine];
	uint64_t sp = task->sp, words[STACK_WORDS];
	uint64_t size = sizeof(words);
	if (!range_contains(g->stack, sp))
		return;
	if (size > g->stack.high - sp)
		size = g->stack.high - sp;
	uint64_t num = image_read(input->image, sp, words, (size_t)size) / sizeof(words[0]);
	for (uint64_t i = 0; i < num; i++)
		if (words[i] > 4096 && (words[i] & 7) == 0 && !range_contains(g->stack, words[i]) &&
		    go_spans_find(input->spans, words[i]) == NULL &&
		    read_poll(wait, input, words[i], g->addr))
			return;
}

void go_sleep_decode(struct go_wait *wait, const struct go_waits_input *input, uint32_t goroutine)
{
	int64_t when_ns, period_ns;
	if (go_timer_read(input, input->goroutines->list.items[goroutine].timer_addr, &when_ns,
			  &period_ns))
		set_end(wait, input, when_ns);
}
