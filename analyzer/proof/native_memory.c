#include "proof/native_memory.h"

#include "core/elf_values.h"
#include "proof/native_stacks.h"

#include <stdlib.h>

struct memory_builder {
	struct native_memory *memory;
	struct arena *arena;
	const struct native_memory_input *input;
	struct ranges files;  /* modules and mapped files */
	struct ranges stacks; /* blocks, and the main thread's descriptor */
};

static int range_compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	return (x->low > y->low) - (x->low < y->low);
}

static void collect_files(struct memory_builder *builder)
{
	const struct modules *modules = builder->input->modules;
	const struct notes *notes = builder->input->notes;
	for (uint32_t i = 0; i < modules->list.num; i++)
		*array_add(builder->arena, &builder->files) = modules->list.items[i].range;
	for (uint32_t i = 0; i < notes->mappings.num; i++)
		*array_add(builder->arena, &builder->files) = notes->mappings.items[i].range;
	ranges_join(&builder->files);
}

/* ---- Heaps and roots ----------------------------------------------------------------------- */

static const unsigned char *bytes_of(const struct native_memory *memory,
				     const struct segment *segment, uint64_t addr)
{
	return memory->file + segment->file_off + (addr - segment->range.low);
}

/* Is this memory glibc's own data? In a static program that is the program's. */
static bool is_libc_data(const struct modules *modules, uint64_t addr)
{
	bool has_libc = false;
	int32_t index = modules_find(modules, addr);
	for (uint32_t i = 0; i < modules->list.num; i++)
		has_libc |= module_is_libc(modules->list.items[i].name);
	return index >= 0 && (has_libc ? module_is_libc(modules->list.items[index].name)
				       : modules->list.items[index].main_program);
}

static void find_heaps(struct memory_builder *builder)
{
	const struct native_memory_input *input = builder->input;
	struct {
		struct heap_piece *items;
		uint32_t num, capacity;
	} pieces = {0}, data = {0};
	struct ranges named = {0};
	for (uint32_t i = 0; i < builder->files.num; i++)
		*array_add(builder->arena, &named) = builder->files.items[i];
	for (uint32_t i = 0; i < builder->stacks.num; i++)
		*array_add(builder->arena, &named) = builder->stacks.items[i];
	ranges_join(&named);
	for (uint32_t i = 0; i < input->dump->segments.num; i++) {
		const struct segment *segment = &input->dump->segments.items[i];
		uint64_t from = segment->range.low, high = from + segment->file_size;
		struct range gap;
		if ((segment->flags & PF_W) == 0 || segment->file_size == 0)
			continue;
		if (is_libc_data(input->modules, segment->range.low))
			*array_add(builder->arena, &data) = (struct heap_piece){
				{from, high}, bytes_of(builder->memory, segment, from)};
		while (ranges_next_gap(&named, &from, high, &gap))
			*array_add(builder->arena, &pieces) = (struct heap_piece){
				gap, bytes_of(builder->memory, segment, gap.low)};
	}
	heaps_build(&builder->memory->heaps, builder->arena, pieces.items, pieces.num, data.items,
		    data.num);
}

static int area_compare(const void *a, const void *b)
{
	return range_compare(&((const struct native_area *)a)->range,
			     &((const struct native_area *)b)->range);
}

/* All that is in the core, and neither heap nor stack. */
static void find_roots(struct memory_builder *builder)
{
	struct native_memory *memory = builder->memory;
	struct ranges cuts = {0};
	for (uint32_t i = 0; i < memory->heaps.list.num; i++)
		*array_add(builder->arena, &memory->areas) = (struct native_area){
			memory->heaps.list.items[i].range, &memory->heaps.list.items[i], i};
	for (uint32_t i = 0; i < memory->blocks.num; i++)
		*array_add(builder->arena, &memory->areas) =
			(struct native_area){memory->blocks.items[i].range, NULL, i};
	if (memory->areas.num > 1)
		qsort(memory->areas.items, memory->areas.num, sizeof(*memory->areas.items),
		      area_compare);
	for (uint32_t i = 0; i < memory->areas.num; i++)
		*array_add(builder->arena, &cuts) = memory->areas.items[i].range;
	if (memory->main_pd.low < memory->main_pd.high)
		*array_add(builder->arena, &cuts) = memory->main_pd;
	for (uint32_t i = 0; i < memory->heaps.states.num; i++)
		*array_add(builder->arena, &cuts) = memory->heaps.states.items[i];
	ranges_join(&cuts);
	for (uint32_t i = 0; i < builder->input->dump->segments.num; i++) {
		const struct segment *segment = &builder->input->dump->segments.items[i];
		uint64_t from = segment->range.low, high = from + segment->file_size;
		struct range gap;
		while (ranges_next_gap(&cuts, &from, high, &gap))
			*array_add(builder->arena, &memory->roots) = (struct native_root){
				gap, segment->file_off + (gap.low - segment->range.low)};
	}
}

/* ---- What is missing ----------------------------------------------------------------------- */

/* glibc maps these to read them only; GDB does not say how what it left out was mapped. */
static bool is_read_only_file(const char *path)
{
	return strncmp(path, "/usr/lib/locale/", 16) == 0 ||
	       strstr(path, "/gconv/gconv-modules.cache") != NULL;
}

/* Memory that lasts no longer than who shares it: no file is what it holds. */
static bool is_shared_memory(const char *path)
{
	static const char *const heads[] = {"/dev/", "/memfd:", "/SYSV", "/anon_hugepage"};
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (strncmp(path, heads[i], strlen(heads[i])) == 0)
			return true;
	return false;
}

static uint64_t sp_of(const struct native_memory_input *input, uint32_t task)
{
	return input->tasks->list.items[task].sp;
}

/* Does glibc list one that lives, and is none of the core's? One that is being made has no id yet,
 * one that has ended for all but the kernel is marked so. */
static bool lacks_thread(const struct native_memory_input *input)
{
	enum { EXITING_BIT = 0x10 };
	for (uint32_t i = 0; i < input->nptl->threads.num; i++) {
		const struct nptl_thread *thread = &input->nptl->threads.items[i];
		uint32_t cancelhandling = 0;
		image_read(input->image, thread->pd_addr + input->nptl->layout.cancel_off,
			   &cancelhandling, sizeof(cancelhandling));
		if (thread->life == NPTL_IN_FLIGHT && thread->tid > 0 &&
		    (cancelhandling & EXITING_BIT) == 0)
			return true;
	}
	return false;
}

/* Globals of which the core has neither begin nor end: whoever wrote it chose what to write. */
static bool lacks_globals(const struct native_memory_input *input)
{
	for (uint32_t i = 0; i < input->modules->list.num; i++) {
		const struct module *module = &input->modules->list.items[i];
		struct range range;
		if (module->file == NULL || module->vdso)
			continue;
		for (uint32_t k = 0; elf_values_writable(module->file, k, &range); k++)
			if (dump_find_segment(input->dump, module->bias + range.low) == NULL ||
			    dump_find_segment(input->dump, module->bias + range.high - 1) == NULL)
				return true;
	}
	return false;
}

/* Writable memory that was not dumped. A file's that was never written is as the file is; of other
 * memory the kernel writes nothing when it was never touched, and nothing after MADV_DONTDUMP: the
 * core does not tell which. */
static void find_missing(struct memory_builder *builder)
{
	struct native_memory *memory = builder->memory;
	const struct native_memory_input *input = builder->input;
	const struct dump *dump = input->dump;
	for (uint32_t i = 0; i < dump->segments.num; i++) {
		const struct segment *segment = &dump->segments.items[i];
		uint64_t size = segment->range.high - segment->range.low;
		if (segment->file_size < segment->dumped_size)
			memory->forbidden = "the core is cut off";
		if ((segment->flags & PF_W) == 0 || segment->file_size == size)
			continue;
		if (segment->file_size != 0)
			memory->forbidden = "a part of a writable mapping is not in the core";
		else if (modules_find(input->modules, segment->range.low) < 0)
			memory->undumped = segment->range;
		else
			memory->advised = segment->range;
	}
	if (lacks_globals(input))
		memory->forbidden = "globals of the program or a library are not in the core";
	if (lacks_thread(input))
		memory->forbidden = "the registers of a thread are not in the core";
	for (uint32_t i = 0; i < input->tasks->list.num; i++)
		if (input->tasks->list.items[i].kind == CORELEAKS_KIND_THREAD &&
		    image_presence(input->image, sp_of(input, i)) != IMAGE_PRESENT)
			memory->forbidden = "a thread's stack is not in the core";
	for (uint32_t i = 0; i < input->notes->mappings.num; i++) {
		const struct note_mapping *mapping = &input->notes->mappings.items[i];
		if (dump_find_segment(dump, mapping->range.low) == NULL &&
		    modules_find(input->modules, mapping->range.low) < 0 &&
		    !is_read_only_file(mapping->path))
			memory->undumped = mapping->range;
		/* It need not have been mapped to be read only all the time. */
		const struct segment *segment = dump_find_segment(dump, mapping->range.low);
		if (segment != NULL && segment->file_size == 0 && is_shared_memory(mapping->path))
			memory->undumped = mapping->range;
	}
	if (!input->notes->has_mappings)
		memory->forbidden = "the core does not tell which files are mapped";
}

/* What glibc keeps without access: nothing is ever in it. Files are as they are. */
static void collect_empty(struct memory_builder *builder, struct ranges *ret)
{
	enum { ARENA_SIZE = 64 << 20 };
	const struct native_memory_input *input = builder->input;
	const struct heaps *heaps = &builder->memory->heaps;
	for (uint32_t i = 0; i < input->nptl->threads.num; i++)
		*array_add(builder->arena, ret) =
			range_from_size(input->nptl->threads.items[i].stack_addr,
					input->nptl->threads.items[i].guard_size);
	for (uint32_t i = 0; i < input->nptl->cached.num; i++)
		*array_add(builder->arena, ret) =
			range_from_size(input->nptl->cached.items[i].stack_addr,
					input->nptl->cached.items[i].guard_size);
	for (uint32_t i = 0; i < heaps->list.num; i++)
		if (heaps->list.items[i].kind == HEAP_ARENA)
			*array_add(builder->arena, ret) = range_from_size(
				heaps->list.items[i].range.low & ~(uint64_t)(ARENA_SIZE - 1),
				ARENA_SIZE);
	for (uint32_t i = 0; i < builder->files.num; i++)
		*array_add(builder->arena, ret) = builder->files.items[i];
	ranges_join(ret);
}

/* Memory may be protected after it was written, and left out of the core all the same. */
static void find_protected(struct memory_builder *builder)
{
	const uint64_t user_end = UINT64_C(1) << 47;
	const struct dump *dump = builder->input->dump;
	struct ranges empty = {0};
	collect_empty(builder, &empty);
	for (uint32_t i = 0; i < dump->segments.num; i++) {
		const struct segment *segment = &dump->segments.items[i];
		uint64_t from = segment->range.low;
		struct range gap;
		if ((segment->flags & PF_W) == 0 && segment->file_size == 0 && from < user_end &&
		    ranges_next_gap(&empty, &from, segment->range.high, &gap))
			builder->memory->advised = gap;
	}
}

void native_memory_build(struct native_memory *ret, struct arena *arena,
			 const struct native_memory_input *input)
{
	struct memory_builder builder = {.memory = ret, .arena = arena, .input = input};
	*ret = (struct native_memory){.dump = input->dump, .main_task = -1};
	find_missing(&builder);
	if (ret->forbidden != NULL)
		return;
	ret->file = dump_map(input->dump);
	if (ret->file == NULL) {
		ret->forbidden = "the core's file cannot be mapped";
		return;
	}
	collect_files(&builder);
	native_stacks_build(ret, arena, input, &builder.files, &builder.stacks);
	find_heaps(&builder);
	find_roots(&builder);
	find_protected(&builder);
}

const struct native_area *native_memory_find(const struct native_memory *memory, uint64_t addr)
{
	uint32_t low = 0, high = memory->areas.num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct native_area *area = &memory->areas.items[middle];
		if (range_contains(area->range, addr))
			return area;
		if (addr < area->range.low)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const unsigned char *native_memory_bytes(const struct native_memory *memory, uint64_t addr,
					 uint64_t *size_ret)
{
	const struct segment *segment = dump_find_segment(memory->dump, addr);
	if (segment == NULL || addr - segment->range.low >= segment->file_size)
		return NULL;
	*size_ret = segment->file_size - (addr - segment->range.low);
	return bytes_of(memory, segment, addr);
}
