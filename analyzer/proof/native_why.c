#include "proof/native_why.h"

#include "stack/data_symbols.h"

#include <inttypes.h>

enum { MAX_HOPS = 16 };

struct why {
	struct arena *arena;
	const struct native_why_input *input;
	struct {
		struct coreleaks_evidence *items;
		uint32_t num, capacity;
	} lines;
};

static void add(struct why *why, const char *what, uint64_t addr)
{
	*array_add(why->arena, &why->lines) = (struct coreleaks_evidence){what, addr};
}

/* DWARF numbers of x86-64 (System V psABI 1.0, figure 3.36). */
static const char *register_name(uint8_t number)
{
	static const char *const names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi",
					    "rbp", "rsp", "r8",	 "r9",	"r10", "r11",
					    "r12", "r13", "r14", "r15", "rip"};
	return number < sizeof(names) / sizeof(names[0]) ? names[number] : "a vector register";
}

/* The frame that holds a slot; NULL unknown. A stack's addresses are those of its first task. */
static const struct coreleaks_frame *frame_of(const struct why *why, uint32_t task, uint64_t addr)
{
	const struct coreleaks_stack *stack =
		&why->input->stacks->list.items[why->input->stacks->by_task[task]];
	uint64_t sp = why->input->tasks->list.items[task].sp;
	if (stack->num_frames == 0 || addr < sp)
		return NULL;
	addr += stack->frames[0].sp - sp;
	for (uint32_t i = 0; i < stack->num_frames; i++)
		if (stack->frames[i].sp != 0 && addr >= stack->frames[i].sp &&
		    addr < stack->frames[i].cfa)
			return &stack->frames[i];
	return NULL;
}

static void add_of_task(struct why *why, struct native_source source)
{
	uint32_t task = (uint32_t)source.task;
	int64_t id = why->input->tasks->list.items[task].id;
	uint64_t sp = why->input->tasks->list.items[task].sp;
	if (source.addr == 0) {
		add(why,
		    arena_format(why->arena, "kept by %s of thread %" PRId64,
				 register_name(source.reg), id),
		    0);
		return;
	}
	const struct coreleaks_frame *frame = frame_of(why, task, source.addr);
	const struct native_memory *memory = &why->input->reach->memory;
	int32_t block = memory->block_of_task[task];
	if (frame != NULL)
		add(why,
		    arena_format(why->arena,
				 "kept by thread %" PRId64 "'s stack slot [rsp+%" PRIu64
				 "] in the frame of %s (maybe dead)",
				 id, source.addr - sp,
				 frame->function != NULL ? frame->function
							 : "a function without a name"),
		    source.addr);
	else if (block >= 0 && source.addr >= memory->blocks.items[block].frames_high)
		add(why, arena_format(why->arena, "kept by the descriptor of thread %" PRId64, id),
		    source.addr);
	else
		add(why, arena_format(why->arena, "kept by thread %" PRId64 "'s stack or TLS", id),
		    source.addr);
}

static void add_of_root(struct why *why, uint64_t addr)
{
	const struct modules *modules = why->input->modules;
	const char *name = NULL;
	int32_t index = modules_find(modules, addr);
	if (index < 0) {
		add(why,
		    "kept by memory that is neither a global, nor a known stack, nor glibc's heap",
		    addr);
		return;
	}
	data_symbols_find(why->arena, why->input->files, modules, &addr, 1, &name);
	add(why,
	    arena_format(why->arena, "kept by global %s of %s",
			 name != NULL ? name : "data without a name",
			 modules->list.items[index].name),
	    addr);
}

/* From a chunk on, up to what is no chunk. Each was reached before those that it leads to. */
static void follow(struct why *why, struct native_source source)
{
	struct native_reach *reach = why->input->reach;
	for (uint32_t i = 0; i < MAX_HOPS; i++) {
		if (source.task >= 0) {
			add_of_task(why, source);
			return;
		}
		const struct native_area *area = native_memory_find(&reach->memory, source.addr);
		if (area == NULL) {
			add_of_root(why, source.addr);
			return;
		}
		if (area->heap == NULL) {
			add(why, "through the stack of a thread that has ended", source.addr);
			if (!reach->mark.dead_read[area->index])
				return;
			source = reach->mark.dead_reasons[area->index];
			continue;
		}
		struct heap_chunk chunk = heap_chunk_at(area->heap, source.addr);
		if (source.addr - chunk.addr < HEAP_HEADER_SIZE && chunk.addr > area->range.low)
			chunk = heap_chunk_at(area->heap, chunk.addr - 1);
		add(why,
		    arena_format(why->arena,
				 "through the word at offset %" PRIu64
				 " of the heap chunk at 0x%" PRIx64 " (%" PRIu64 " bytes)",
				 source.addr - chunk.addr - HEAP_HEADER_SIZE,
				 chunk.addr + HEAP_HEADER_SIZE, chunk.size),
		    source.addr);
		if (!native_mark_reason(&reach->mark, chunk.addr, &source))
			return;
	}
	add(why, "and so on", 0);
}

static void explain(struct why *why, uint32_t task)
{
	struct native_reach *reach = why->input->reach;
	const struct wait *wait = why->input->waits->by_task[task];
	struct native_source source;
	if (reach->mark.pinned[task]) {
		add(why, "the frames of the waiting thread are within reach themselves", 0);
		follow(why, reach->mark.pins[task]);
	} else if (reach->places[task] == NATIVE_CHUNK) {
		if (native_mark_reason(&reach->mark, wait->futex_addr, &source))
			follow(why, source);
	} else if (reach->places[task] == NATIVE_STACK) {
		const struct native_area *area =
			native_memory_find(&reach->memory, wait->futex_addr);
		int32_t of = reach->memory.blocks.items[area->index].task;
		if (of < 0)
			return;
		add(why,
		    arena_format(why->arena,
				 "it lies on the stack of thread %" PRId64 ", which may go on",
				 why->input->tasks->list.items[of].id),
		    wait->futex_addr);
	} else if (modules_find(why->input->modules, wait->futex_addr) >= 0) {
		add(why, "it is a global itself: all code can reach it", wait->futex_addr);
	} else if (native_memory_find(&reach->memory, wait->futex_addr) == NULL) {
		add(why,
		    "it lies in memory that is neither a global, nor a known stack, nor glibc's "
		    "heap: all code may reach it",
		    wait->futex_addr);
	}
}

void native_why_build(const struct coreleaks_wait **public_waits, struct arena *arena,
		      const struct native_why_input *input)
{
	const struct native_reach *reach = input->reach;
	if (!reach->ran || !reach->mark.explain)
		return;
	for (uint32_t i = 0; i < input->tasks->list.num; i++) {
		struct why why = {.arena = arena, .input = input};
		if (input->waits->by_task[i]->futex_addr == 0 || reach->unreachable[i])
			continue;
		explain(&why, i);
		struct coreleaks_wait *wait = arena_alloc(arena, sizeof(*wait));
		*wait = *public_waits[i];
		wait->kept_by = why.lines.items;
		wait->num_kept_by = why.lines.num;
		public_waits[i] = wait;
	}
}
