#include "task/stack_memory.h"

#include "core/resident.h"

/* The kernel puts AT_RANDOM's bytes on the main thread's stack (fs/binfmt_elf.c). */
static struct range main_stack(const struct dump *dump, const struct notes *notes)
{
	const struct segment *segment = dump_find_segment(dump, notes_auxv(notes, AT_RANDOM));
	return segment != NULL ? segment->range : (struct range){0, 0};
}

struct stack_memory *stack_memory_build(struct arena *arena, const struct dump *dump,
					const struct notes *notes, const struct nptl *nptl)
{
	uint32_t num = nptl->threads.num;
	struct stack_memory *result = arena_alloc_array(arena, num, sizeof(*result));
	struct range *ranges = arena_alloc_array(arena, num, sizeof(*ranges));
	uint64_t *sizes = arena_alloc_array(arena, num, sizeof(*sizes));
	for (uint32_t i = 0; i < num; i++) {
		const struct nptl_thread *thread = &nptl->threads.items[i];
		struct range block = range_from_size(thread->stack_addr, thread->stack_size);
		/* What does not hold the descriptor is no stack block. */
		if (thread->stack_addr != 0 && range_contains(block, thread->pd_addr))
			ranges[i] = block;
		else if (thread->stack_addr == 0 && thread->start_addr == 0)
			ranges[i] = main_stack(dump, notes);
		result[i].reserved_size = ranges[i].high - ranges[i].low;
	}
	resident_sizes(arena, dump, ranges, num, sizes);
	for (uint32_t i = 0; i < num; i++)
		result[i].resident_size = sizes[i] != UINT64_MAX ? sizes[i] : 0;
	return result;
}
