#include "proof/native_stacks.h"

#include "core/elf_values.h"

#include <stdlib.h>

struct stacks_builder {
	struct native_memory *memory;
	struct arena *arena;
	const struct native_memory_input *input;
	const struct ranges *files;
};

/* Wholly in the core, in one writable segment, and no file's. */
static bool is_private(const struct stacks_builder *builder, struct range range)
{
	const struct segment *segment = dump_find_segment(builder->input->dump, range.low);
	return range.low < range.high && segment != NULL && (segment->flags & PF_W) != 0 &&
	       range.high <= segment->range.high &&
	       range.high - segment->range.low <= segment->file_size &&
	       !ranges_touch(builder->files, range);
}

static uint64_t sp_of(const struct stacks_builder *builder, uint32_t task)
{
	return builder->input->tasks->list.items[task].sp;
}

/* The kernel's frame for a signal on an alternate stack names that stack, on which it stands itself
 * (struct ucontext: flags, link, which is 0, stack's begin, flags, size; Linux
 * arch/x86/kernel/signal_64.c). */
static bool has_alternate_part(const struct stacks_builder *builder, struct range stack,
			       uint64_t sp)
{
	enum { UCONTEXT_HEAD = 40, MIN_SIZE = 2048 };
	uint64_t addr = (sp + 7) & ~UINT64_C(7), size;
	const unsigned char *bytes = native_memory_bytes(builder->memory, addr, &size);
	if (bytes == NULL)
		return true;
	if (size > stack.high - addr)
		size = stack.high - addr;
	for (uint64_t off = 0; off + UCONTEXT_HEAD <= size; off += 8) {
		uint64_t words[UCONTEXT_HEAD / 8];
		memcpy(words, bytes + off, sizeof(words));
		if (words[1] == 0 && words[4] >= MIN_SIZE && range_contains(stack, words[2]) &&
		    words[4] <= stack.high - words[2] && words[2] <= addr + off &&
		    addr + off - words[2] < words[4])
			return true;
	}
	return false;
}

/* Below its stack pointer a thread has no frames, unless it runs on a part of its stack that was
 * set apart: for signals, or for a coroutine. */
static uint64_t lowest_frame(const struct stacks_builder *builder, struct range stack, uint64_t sp)
{
	if (!range_contains(stack, sp))
		return sp;
	return builder->input->carves_stacks || has_alternate_part(builder, stack, sp) ? stack.low
										       : sp;
}

/* A thread made by hand may use another one's descriptor, and so its TLS. */
static bool is_shared(const struct stacks_builder *builder, int32_t thread)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < builder->input->notes->threads.num; i++)
		num += builder->input->notes->threads.items[i].regs.fs_base ==
		       builder->input->nptl->threads.items[thread].pd_addr;
	return num > 1;
}

/* Only stacks that glibc has made: they alone have a guard. */
static void add_block(struct stacks_builder *builder, const struct nptl_cached *stack, int32_t task,
		      int32_t thread)
{
	struct range range = range_from_size(stack->stack_addr, stack->stack_size);
	struct native_block block = {.frames_high = stack->pd_addr, .task = task, .thread = thread};
	if (stack->stack_addr == 0 || stack->guard_size == 0 ||
	    stack->guard_size >= stack->stack_size)
		return;
	range.low += stack->guard_size;
	if (range.low >= range.high || !range_contains(range, stack->pd_addr) ||
	    range.high - stack->pd_addr < builder->input->nptl->layout.size ||
	    !is_private(builder, range))
		return;
	block.range = range;
	if (task >= 0) {
		block.sp = sp_of(builder, (uint32_t)task);
		block.own = block.sp >= range.low && block.sp < stack->pd_addr;
		block.sp = lowest_frame(builder, range, block.sp);
	}
	*array_add(builder->arena, &builder->memory->blocks) = block;
}

static void add_blocks(struct stacks_builder *builder)
{
	const struct nptl *nptl = builder->input->nptl;
	for (uint32_t i = 0; i < nptl->threads.num; i++) {
		const struct nptl_thread *thread = &nptl->threads.items[i];
		const struct nptl_cached stack = {thread->pd_addr, thread->stack_addr,
						  thread->stack_size, thread->guard_size};
		/* Of what is being created or torn down nothing is known. */
		if (thread->life != NPTL_IN_FLIGHT &&
		    (thread->life == NPTL_ALIVE) == (thread->task >= 0))
			add_block(builder, &stack, thread->task, (int32_t)i);
	}
	for (uint32_t i = 0; i < nptl->cached.num; i++)
		add_block(builder, &nptl->cached.items[i], -1, -1);
}

/* The kernel begins the main thread's stack with argc; what is above it is the program's. The
 * dynamic linker exports where that is. */
static uint64_t find_stack_end(const struct stacks_builder *builder, struct range range)
{
	static const char *const names[] = {"__libc_stack_end"};
	const struct modules *modules = builder->input->modules;
	struct image *image = builder->input->image;
	for (uint32_t i = 0; i < modules->list.num; i++) {
		const struct module *module = &modules->list.items[i];
		uint64_t value, addr, argc, end;
		if (module->file == NULL || module->vdso ||
		    (strncmp(module->name, "ld-", 3) != 0 && !module->main_program))
			continue;
		elf_values_find(module->file, names, 1, &value);
		if (value != 0 && image_read_u64(image, value + module->bias, &addr) &&
		    addr % 8 == 0 && range_contains(range, addr) &&
		    image_read_u64(image, addr, &argc) && argc < (range.high - addr) / 8 - 2 &&
		    image_read_u64(image, addr + 8 + 8 * argc, &end) && end == 0)
			return addr;
	}
	return 0;
}

/* The main thread's stack is the kernel's; its descriptor lies elsewhere. */
static void add_main_block(struct stacks_builder *builder)
{
	const struct nptl *nptl = builder->input->nptl;
	const struct segment *segment = dump_find_segment(
		builder->input->dump, notes_auxv(builder->input->notes, AT_RANDOM));
	if (segment == NULL || !is_private(builder, segment->range))
		return;
	for (uint32_t i = 0; i < nptl->threads.num; i++) {
		const struct nptl_thread *thread = &nptl->threads.items[i];
		struct range pd = range_from_size(thread->pd_addr, nptl->layout.size);
		if (thread->task < 0 || thread->start_addr != 0 || thread->stack_addr != 0 ||
		    is_shared(builder, (int32_t)i))
			continue;
		struct native_block block = {.range = segment->range,
					     .sp = sp_of(builder, (uint32_t)thread->task),
					     .task = thread->task,
					     .thread = (int32_t)i};
		uint64_t end = find_stack_end(builder, segment->range);
		if (end != 0)
			block.range.high = end;
		block.nameable = end == 0 || !is_private(builder, pd);
		block.frames_high = block.range.high;
		block.own = range_contains(block.range, block.sp);
		block.sp = lowest_frame(builder, block.range, block.sp);
		if (!block.nameable)
			builder->memory->main_pd = pd;
		builder->memory->main_task = thread->task;
		*array_add(builder->arena, &builder->memory->blocks) = block;
		return;
	}
}

static int block_compare(const void *a, const void *b)
{
	const struct native_block *x = a, *y = b;
	return (x->range.low > y->range.low) - (x->range.low < y->range.low);
}

static int32_t find_block(const struct native_memory *memory, uint64_t addr)
{
	uint32_t low = 0, high = memory->blocks.num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (range_contains(memory->blocks.items[middle].range, addr))
			return (int32_t)middle;
		if (addr < memory->blocks.items[middle].range.low)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

/* What overlaps, or is used by a thread whose it is not, is no block: it counts as reachable. */
static void drop_doubtful(struct stacks_builder *builder)
{
	struct native_memory *memory = builder->memory;
	const struct notes *notes = builder->input->notes;
	bool *bad = arena_alloc_array(builder->arena, memory->blocks.num, sizeof(*bad));
	uint32_t num = 0;
	for (uint32_t i = 0; i + 1 < memory->blocks.num; i++)
		if (memory->blocks.items[i].range.high > memory->blocks.items[i + 1].range.low)
			bad[i] = bad[i + 1] = true;
	struct intern users; /* descriptors that some task uses */
	intern_init(&users, builder->arena);
	for (uint32_t i = 0; i < notes->threads.num; i++) {
		uint64_t sp = notes->threads.items[i].regs.rsp;
		uint64_t pd = notes->threads.items[i].regs.fs_base;
		int32_t at = find_block(memory, sp), of = find_block(memory, pd);
		bool is_new;
		intern_add(&users, &pd, sizeof(pd), &is_new);
		if (at >= 0 && memory->blocks.items[at].task != (int32_t)i)
			bad[at] = true;
		if (of >= 0 && (!is_new || memory->blocks.items[of].task != (int32_t)i))
			bad[of] = true;
	}
	for (uint32_t i = 0; i < memory->blocks.num; i++)
		if (!bad[i])
			memory->blocks.items[num++] = memory->blocks.items[i];
	memory->blocks.num = num;
}

void native_stacks_build(struct native_memory *memory, struct arena *arena,
			 const struct native_memory_input *input, const struct ranges *files,
			 struct ranges *ranges_ret)
{
	struct stacks_builder builder = {
		.memory = memory, .arena = arena, .input = input, .files = files};
	memory->main_task = -1;
	add_blocks(&builder);
	add_main_block(&builder);
	if (memory->blocks.num > 1)
		qsort(memory->blocks.items, memory->blocks.num, sizeof(*memory->blocks.items),
		      block_compare);
	drop_doubtful(&builder);
	memory->block_of_task = arena_alloc_array(arena, input->tasks->list.num, sizeof(int32_t));
	memory->block_of_thread =
		arena_alloc_array(arena, input->nptl->threads.num, sizeof(int32_t));
	for (uint32_t i = 0; i < input->tasks->list.num; i++)
		memory->block_of_task[i] = -1;
	for (uint32_t i = 0; i < input->nptl->threads.num; i++)
		memory->block_of_thread[i] = -1;
	for (uint32_t i = 0; i < memory->blocks.num; i++) {
		const struct native_block *block = &memory->blocks.items[i];
		if (block->task >= 0)
			memory->block_of_task[block->task] = (int32_t)i;
		if (block->thread >= 0)
			memory->block_of_thread[block->thread] = (int32_t)i;
		*array_add(arena, ranges_ret) = block->range;
	}
	if (memory->main_pd.low < memory->main_pd.high)
		*array_add(arena, ranges_ret) = memory->main_pd;
	ranges_join(ranges_ret);
}
