#include "proof/go_thread_roots.h"

#include "task/signal_frames.h"

enum {
	RED_ZONE = 128, /* C may keep something below its stack pointer (psABI) */
	MAX_C_STACK = 1 << 24,
	FPREGS_SIZE = 512,
	MAX_P_SIZE = 1 << 16,
};

void go_thread_roots_init(struct go_thread_roots *roots, struct arena *arena)
{
	roots->busy = arena_alloc_array(arena, roots->goroutines->ms.num, sizeof(*roots->busy));
}

static uint64_t word_at(const struct go_thread_roots *roots, uint64_t addr)
{
	uint64_t value;
	return image_read_u64(roots->image, addr, &value) ? value : 0;
}

/* Words of a note, of which every one at a multiple of 8 may be a pointer. */
static bool mark_note(const struct go_thread_roots *roots, struct go_marker *marker, uint64_t off,
		      uint64_t size)
{
	uint64_t words[64];
	for (uint64_t done = 0; done < size; done += sizeof(words)) {
		size_t part = size - done < sizeof(words) ? (size_t)(size - done) : sizeof(words);
		size_t got = dump_pread(roots->image->dump, off + done, words, part);
		for (size_t i = 0; i < got / 8; i++)
			go_marker_pointer(marker, 0, words[i]);
		if (got < part)
			return false;
	}
	return true;
}

static void mark_registers(struct go_thread_roots *roots, struct go_marker *marker,
			   const struct note_thread *thread)
{
	const unsigned char *regs = (const unsigned char *)&thread->regs;
	for (size_t off = 0; off + 8 <= sizeof(thread->regs); off += 8) {
		uint64_t value;
		memcpy(&value, regs + off, sizeof(value));
		go_marker_pointer(marker, 0, value);
	}
	bool whole = thread->fpregs_off != 0 &&
		     mark_note(roots, marker, thread->fpregs_off, FPREGS_SIZE);
	/* memmove moves 32 bytes at a time where the processor can (runtime/memmove_amd64.s). */
	whole &= thread->xstate_off != 0 &&
		 mark_note(roots, marker, thread->xstate_off, thread->xstate_size);
	roots->num_without_vectors += !whole;
}

static void mark_from(struct go_marker *marker, const struct range *stack, uint64_t sp)
{
	uint64_t low = sp - stack->low > RED_ZONE ? sp - RED_ZONE : stack->low;
	go_marker_words(marker, low, stack->high);
}

/* Of a stack pointer that does not lie on the M's signal stack. */
static void mark_stack(struct go_thread_roots *roots, struct go_marker *marker,
		       const struct go_m *m, uint64_t sp)
{
	if (range_contains(m->g0_stack, sp)) {
		mark_from(marker, &m->g0_stack, sp);
		return;
	}
	if (range_contains(m->curg_stack, sp)) {
		mark_from(marker, &m->curg_stack, sp);
		return;
	}
	/* A thread of C's that Go was called in, or a stack that C has made. */
	uint64_t high = image_segment_high(roots->image, sp);
	if (high > sp && high - sp <= MAX_C_STACK)
		go_marker_words(marker, sp - RED_ZONE, high);
	else
		roots->num_lost++;
}

/* In a signal handler: that stack, on which the registers are, too, that the kernel saved, and the
 * stacks that signals interrupted. A handler that is interrupted leaves one frame more; frames of
 * earlier signals may be left over between them, and count as well. */
static void mark_signal_stack(struct go_thread_roots *roots, struct go_marker *marker,
			      const struct go_m *m, uint64_t sp)
{
	struct signal_frame frame = {.addr = sp};
	bool found = false;
	mark_from(marker, &m->signal_stack, sp);
	while (signal_frames_find(roots->image, m->signal_stack, frame.addr, &frame)) {
		if (!range_contains(m->signal_stack, frame.sp)) {
			mark_stack(roots, marker, m, frame.sp);
			found = true;
		}
		frame.addr += 8;
	}
	roots->num_lost += !found;
}

static void mark_stacks(struct go_thread_roots *roots, struct go_marker *marker,
			const struct go_m *m, uint64_t sp)
{
	if (range_contains(m->signal_stack, sp) && !range_contains(m->g0_stack, sp) &&
	    !range_contains(m->curg_stack, sp))
		mark_signal_stack(roots, marker, m, sp);
	else
		mark_stack(roots, marker, m, sp);
}

static uint32_t status_of(const struct go_thread_roots *roots, uint64_t g)
{
	return (uint32_t)word_at(roots, g + (uint64_t)roots->runtime->layout.g_status) &
	       ~(uint32_t)GO_STATUS_SCAN;
}

static bool has_processor(const struct go_thread_roots *roots, const struct go_m *m)
{
	return word_at(roots, m->addr + (uint64_t)roots->runtime->layout.m_p) != 0;
}

/* Asleep in the kernel, without a processor, which it needs to run any code of the program's, a
 * timer's function too; its goroutine, if there is one, is in a system call or in C, and its own
 * stack tells all that Go's code will need again. */
static bool is_idle(const struct go_thread_roots *roots, const struct go_m *m)
{
	return roots->tasks->list.items[m->thread].hint->blocked && !has_processor(roots, m) &&
	       (m->curg_addr == 0 || status_of(roots, m->curg_addr) == GO_STATUS_SYSCALL);
}

/* Of an M without a thread in the core: has that not begun, or ended, or are its registers lost?
 * Spare Ms of cgo have a dead goroutine. */
static bool is_at_work(const struct go_thread_roots *roots, const struct go_m *m)
{
	if (has_processor(roots, m))
		return true;
	uint32_t status = m->curg_addr != 0 ? status_of(roots, m->curg_addr) : GO_STATUS_DEAD;
	return status != GO_STATUS_DEAD && status != GO_STATUS_DEAD_EXTRA;
}

void go_thread_roots_mark(struct go_thread_roots *roots, struct go_marker *marker)
{
	const struct goroutines *goroutines = roots->goroutines;
	const struct go_layout *layout = &roots->runtime->layout;
	for (uint32_t i = 0; i < goroutines->ms.num; i++) {
		const struct go_m *m = &goroutines->ms.items[i];
		if (m->thread >= 0) {
			roots->busy[i] = !is_idle(roots, m);
			continue;
		}
		roots->num_missing += is_at_work(roots, m);
	}
	for (uint32_t i = 0; i < goroutines->num_threads && i < roots->notes->threads.num; i++) {
		const struct note_thread *thread = &roots->notes->threads.items[i];
		int32_t index = goroutines->m_of_thread[i];
		/* What only C knows, Go's garbage collector frees. */
		bool foreign = index < 0 && roots->tasks->list.items[i].hint->blocked;
		if (foreign || (index >= 0 && !roots->busy[index]))
			continue;
		roots->num_threads++;
		mark_registers(roots, marker, thread);
		if (index < 0)
			continue;
		const struct go_m *m = &goroutines->ms.items[index];
		/* What it is putting to sleep, or waking, is not at rest. */
		go_marker_pointer(marker, m->addr + (uint64_t)layout->m_curg, m->curg_addr);
		mark_stacks(roots, marker, m, thread->regs.rsp);
	}
}

void go_thread_roots_processors(struct go_thread_roots *roots, struct go_marker *marker)
{
	const struct goroutines *goroutines = roots->goroutines;
	/* Where the heap tells nothing, all words of all of them count anyway. */
	for (uint32_t i = 0; i < goroutines->ms.num && marker->layout->precise_heap; i++) {
		struct range object;
		uint64_t p = word_at(roots, goroutines->ms.items[i].addr +
						    (uint64_t)roots->runtime->layout.m_p);
		if (!roots->busy[i] || p == 0 || !go_spans_object(marker->spans, p, &object) ||
		    object.high - object.low > MAX_P_SIZE)
			continue;
		go_marker_words(marker, object.low, object.high);
	}
}
