#include "stack/stacks.h"

#include "stack/callees.h"

#include <limits.h>

/* What makes two stacks the same: where they lead, not where they lie. */
struct frame_key {
	uint64_t pc;
	uint32_t how;	  /* trust, exact, signal */
	uint32_t address; /* index of the code address to name */
};

struct stacks_builder {
	struct stacks *stacks;
	struct arena *arena;
	struct gaps *gaps;
	const struct modules *modules;
	struct intern keys;	 /* frame_key[] and ending -> stack */
	struct intern addresses; /* looked-up address -> index */
	struct {
		struct raw_stack *items; /* parallel to stacks */
		uint32_t num, capacity;
	} raw;
	struct {
		struct raw_frame **items; /* parallel to stacks: the first task's */
		uint32_t num, capacity;
	} frames;
	struct {
		uint64_t *items; /* parallel to the interrupted ones: addresses of their callees */
		uint32_t num, capacity;
	} interrupted_callees;
	struct frame_key *key; /* room for the longest stack */
	uint32_t *recent;      /* 1 + a stack that was met, by a sum of its addresses; 0 none */
};

enum { RECENT_BITS = 10 };

static uint32_t how_of(const struct raw_frame *frame)
{
	return (uint32_t)frame->trust << 2 | (uint32_t)frame->exact << 1 | (uint32_t)frame->signal;
}

/* Where to remember that stack. A million goroutines share a few stacks, and to compare one is less
 * than to look up each of its frames. */
static uint32_t *recent_slot(struct stacks_builder *builder, const struct raw_stack *raw,
			     const struct raw_frame *frames)
{
	uint64_t sum = raw->num_frames;
	for (uint32_t i = 0; i < raw->num_frames; i++)
		sum = (sum ^ frames[i].pc) * UINT64_C(0x9e3779b97f4a7c15);
	return &builder->recent[sum >> (64 - RECENT_BITS)];
}

static bool is_stack(const struct stacks_builder *builder, uint32_t id, const struct raw_stack *raw,
		     const struct raw_frame *frames)
{
	const struct intern_key *known = &builder->keys.keys.items[id];
	const struct frame_key *key = known->bytes;
	if (known->size != ((size_t)raw->num_frames + 1) * sizeof(*key) || raw->missing != NULL ||
	    key[raw->num_frames].how != (uint32_t)raw->end || key[raw->num_frames].pc != 0)
		return false;
	for (uint32_t i = 0; i < raw->num_frames; i++)
		if (key[i].pc != frames[i].pc || key[i].how != how_of(&frames[i]))
			return false;
	return true;
}

static uint32_t stacks_intern(struct stacks_builder *builder, const struct raw_stack *raw,
			      const struct raw_frame *frames)
{
	bool is_new;
	struct frame_key *key = builder->key;
	uint32_t *recent = recent_slot(builder, raw, frames);
	if (*recent != 0 && is_stack(builder, *recent - 1, raw, frames))
		return *recent - 1;
	for (uint32_t i = 0; i < raw->num_frames; i++) {
		uint64_t lookup = frames[i].exact ? frames[i].pc : frames[i].pc - 1;
		key[i] = (struct frame_key){
			.pc = frames[i].pc,
			.how = how_of(&frames[i]),
			.address = intern_add(&builder->addresses, &lookup, sizeof(lookup), NULL),
		};
	}
	/* Equal frames may end for different reasons. */
	key[raw->num_frames] = (struct frame_key){.how = (uint32_t)raw->end};
	if (raw->missing != NULL)
		key[raw->num_frames].pc = intern_hash(raw->missing, strlen(raw->missing));
	uint32_t id =
		intern_add(&builder->keys, key, (raw->num_frames + 1) * sizeof(*key), &is_new);
	if (is_new) {
		*array_add(builder->arena, &builder->raw) = *raw;
		*array_add(builder->arena, &builder->frames) =
			(struct raw_frame *)(void *)arena_copy_bytes(
				builder->arena, frames, raw->num_frames * sizeof(*frames));
	}
	*recent = id + 1;
	return id;
}

static void stacks_add_gap(struct stacks_builder *builder, const struct raw_stack *raw,
			   const struct raw_frame *frames, uint32_t max_frames)
{
	const struct modules *modules = builder->modules;
	uint64_t pc = raw->num_frames > 0 ? frames[raw->num_frames - 1].pc : 0;
	if (raw->end == CORELEAKS_STACK_COMPLETE)
		return;
	int32_t module = modules_find(modules, pc);
	switch (raw->end) {
	case CORELEAKS_STACK_COMPLETE:
		break;
	case CORELEAKS_STACK_LIMIT:
		gaps_add(builder->gaps, "frame-limit", false,
			 "stacks were cut at %u frames (--max-frames)", max_frames);
		break;
	case CORELEAKS_STACK_UNREADABLE:
		gaps_add(builder->gaps, "stack-unreadable", true, "stacks end early: %s",
			 raw->missing);
		break;
	case CORELEAKS_STACK_BROKEN:
		gaps_add(builder->gaps, "stack-broken",
			 module >= 0 && modules->list.items[module].file == NULL,
			 "stacks end early: %s", raw->missing);
		break;
	}
}

static struct coreleaks_frame make_frame(const struct modules *modules, const struct raw_frame *raw,
					 int32_t module_index, const struct symbol_frame *symbol)
{
	struct coreleaks_frame frame = {
		.pc = raw->pc,
		.sp = raw->sp,
		.cfa = raw->cfa,
		.function = symbol->function,
		.file = symbol->file,
		.line = symbol->line,
		.trust = raw->trust,
		.inlined = symbol->inlined,
		.signal = raw->signal,
		.wrapper = symbol->wrapper,
		.origin = symbol->origin,
	};
	if (symbol->low != 0 && raw->pc >= symbol->low)
		frame.function_offset = raw->pc - symbol->low;
	if (module_index >= 0) {
		const struct module *module = &modules->list.items[module_index];
		frame.module_offset = raw->pc - module->bias;
		frame.module = module->name;
		frame.module_path = module->info.path;
		frame.build_id = module->info.build_id;
	}
	return frame;
}

static struct coreleaks_stack make_stack(struct stacks_builder *builder, uint32_t id,
					 const struct symbols *symbols,
					 const struct code_address *addresses)
{
	const struct raw_stack *raw = &builder->raw.items[id];
	const struct raw_frame *raw_frames = builder->frames.items[id];
	const struct frame_key *key = builder->keys.keys.items[id].bytes;
	uint32_t num = 0;
	for (uint32_t i = 0; i < raw->num_frames; i++)
		num += symbols->by_address[key[i].address].num;
	struct coreleaks_frame *frames = arena_alloc_array(builder->arena, num, sizeof(*frames));
	num = 0;
	for (uint32_t i = 0; i < raw->num_frames; i++) {
		const struct symbol *symbol = &symbols->by_address[key[i].address];
		int32_t module = addresses[key[i].address].module;
		for (uint32_t k = 0; k < symbol->num; k++)
			frames[num++] = make_frame(builder->modules, &raw_frames[i], module,
						   &symbols->frames.items[symbol->first + k]);
	}
	return (struct coreleaks_stack){
		.frames = frames,
		.num_frames = num,
		.end = raw->end,
		.missing = raw->missing,
	};
}

static void add_interrupted(struct stacks_builder *builder, struct image *image, uint32_t task,
			    const struct raw_stack *raw, const struct raw_frame *frames)
{
	uint32_t beyond = 0, depth = 0;
	builder->stacks->interrupted_by_task[task] = -1;
	if (raw->interruption.depth == 0)
		return;
	while (depth < raw->interruption.depth)
		depth += frames[beyond++].signal;
	uint64_t callee = callee_find(image, frames + beyond, raw->num_frames - beyond);
	intern_add(&builder->addresses, &callee, sizeof(callee), NULL);
	*array_add(builder->arena, &builder->interrupted_callees) = callee;
	builder->stacks->interrupted_by_task[task] = (int32_t)builder->stacks->interrupted.num;
	*array_add(builder->arena, &builder->stacks->interrupted) =
		(struct interrupted){.interruption = raw->interruption};
}

static void unwind_all(struct stacks_builder *builder, struct joined *joined,
		       struct progress *progress)
{
	const struct tasks *tasks = joined->tasks;
	uint32_t max_frames = joined->native->max_frames;
	struct raw_frame *frames = arena_alloc_array(builder->arena, max_frames, sizeof(*frames));
	for (uint32_t i = 0; i < tasks->list.num; i++) {
		struct raw_stack raw;
		const struct task *task = &tasks->list.items[i];
		if (progress_tick(progress, "unwinding", i, tasks->list.num)) {
			raw = joined_walk(joined, i, frames);
		} else {
			/* Out of time: the innermost address is known without unwinding. */
			frames[0] = (struct raw_frame){
				.pc = task->pc,
				.sp = task->sp,
				.exact = true,
			};
			raw = (struct raw_stack){.num_frames = 1,
						 .end = CORELEAKS_STACK_UNREADABLE,
						 .missing = "the analysis was stopped before"};
		}
		stacks_add_gap(builder, &raw, frames, max_frames);
		builder->stacks->by_task[i] = stacks_intern(builder, &raw, frames);
		add_interrupted(builder, joined->native->image, i, &raw, frames);
		if (raw.c_call_sp != 0)
			*array_add(builder->arena, &builder->stacks->c_calls) =
				(struct c_call){i, raw.c_call_pc, raw.c_call_sp};
		if (raw.num_frames > 0)
			builder->stacks->outer_sp[i] = frames[raw.num_frames - 1].sp;
	}
}

static uint64_t *find_callees(struct stacks_builder *builder, struct image *image)
{
	uint64_t *callees = arena_alloc_array(builder->arena, builder->raw.num, sizeof(*callees));
	for (uint32_t i = 0; i < builder->raw.num; i++) {
		callees[i] = callee_find(image, builder->frames.items[i],
					 builder->raw.items[i].num_frames);
		intern_add(&builder->addresses, &callees[i], sizeof(callees[i]), NULL);
	}
	return callees;
}

/* The outermost function's frame at an address that was interned. */
static const struct symbol_frame *address_symbol(struct stacks_builder *builder,
						 const struct symbols *symbols, uint64_t addr)
{
	uint32_t id = intern_find(&builder->addresses, &addr, sizeof(addr));
	const struct symbol *symbol = &symbols->by_address[id];
	return &symbols->frames.items[symbol->first + symbol->num - 1];
}

/* The innermost inlined frame first. */
static struct coreleaks_stack name_call(struct stacks_builder *builder,
					const struct symbols *symbols, uint64_t pc)
{
	uint64_t lookup = pc - 1;
	const struct raw_frame raw = {.pc = pc};
	uint32_t id = intern_find(&builder->addresses, &lookup, sizeof(lookup));
	const struct symbol *symbol = &symbols->by_address[id];
	struct coreleaks_frame *frames =
		arena_alloc_array(builder->arena, symbol->num, sizeof(*frames));
	for (uint32_t i = 0; i < symbol->num; i++)
		frames[i] =
			make_frame(builder->modules, &raw, modules_find(builder->modules, lookup),
				   &symbols->frames.items[symbol->first + i]);
	return (struct coreleaks_stack){.frames = frames, .num_frames = symbol->num};
}

static void add_wishes(struct stacks_builder *builder, const struct stacks_wishes *wishes)
{
	for (uint32_t i = 0; i < wishes->num_entries; i++)
		intern_add(&builder->addresses, &wishes->entries[i], sizeof(uint64_t), NULL);
	for (uint32_t i = 0; i < wishes->num_calls; i++) {
		uint64_t lookup = wishes->calls[i] - 1;
		intern_add(&builder->addresses, &lookup, sizeof(lookup), NULL);
	}
}

static void name_wishes(struct stacks_builder *builder, const struct stacks_wishes *wishes,
			const struct symbols *symbols)
{
	const struct modules *modules = builder->modules;
	struct stacks *stacks = builder->stacks;
	stacks->entries =
		arena_alloc_array(builder->arena, wishes->num_entries, sizeof(*stacks->entries));
	for (uint32_t i = 0; i < wishes->num_entries; i++) {
		uint64_t entry = wishes->entries[i];
		const struct raw_frame raw = {.pc = entry, .exact = true};
		stacks->entries[i] = make_frame(modules, &raw, modules_find(modules, entry),
						address_symbol(builder, symbols, entry));
	}
	stacks->calls =
		arena_alloc_array(builder->arena, wishes->num_calls, sizeof(*stacks->calls));
	for (uint32_t i = 0; i < wishes->num_calls; i++)
		stacks->calls[i] = name_call(builder, symbols, wishes->calls[i]);
}

void stacks_build(struct stacks *ret, struct arena *arena, struct gaps *gaps,
		  struct progress *progress, struct unwinder *unwinder,
		  const struct modules *modules, struct elf_files *files, const struct tasks *tasks,
		  const struct go_tables *go, const struct goroutines *goroutines,
		  const struct stacks_wishes *wishes)
{
	struct stacks_builder builder = {
		.stacks = ret, .arena = arena, .gaps = gaps, .modules = modules};
	struct symbols symbols;
	struct joined joined;
	*ret = (struct stacks){0};
	ret->by_task = arena_alloc_full(arena, tasks->list.num, sizeof(*ret->by_task));
	ret->interrupted_by_task =
		arena_alloc_full(arena, tasks->list.num, sizeof(*ret->interrupted_by_task));
	ret->outer_sp = arena_alloc_full(arena, tasks->list.num, sizeof(*ret->outer_sp));
	intern_init(&builder.keys, arena);
	intern_init(&builder.addresses, arena);
	builder.key =
		arena_alloc_array(arena, (size_t)unwinder->max_frames + 1, sizeof(*builder.key));
	builder.recent =
		arena_alloc_array(arena, (size_t)1 << RECENT_BITS, sizeof(*builder.recent));
	joined_init(&joined, arena, unwinder, go, goroutines, tasks);
	unwind_all(&builder, &joined, progress);
	uint64_t *callees = find_callees(&builder, unwinder->image);
	add_wishes(&builder, wishes);
	uint32_t num_addresses = builder.addresses.keys.num;
	struct code_address *addresses =
		arena_alloc_array(arena, num_addresses, sizeof(*addresses));
	for (uint32_t i = 0; i < num_addresses; i++) {
		memcpy(&addresses[i].lookup, builder.addresses.keys.items[i].bytes,
		       sizeof(addresses[i].lookup));
		addresses[i].module = modules_find(modules, addresses[i].lookup);
	}
	symbols_build(&symbols, arena, gaps, progress, modules, files, go, unwinder->image,
		      addresses, num_addresses);
	name_wishes(&builder, wishes, &symbols);
	ret->callees = arena_alloc_array(arena, builder.raw.num, sizeof(*ret->callees));
	for (uint32_t i = 0; i < builder.raw.num; i++)
		ret->callees[i] = address_symbol(&builder, &symbols, callees[i])->function;
	for (uint32_t i = 0; i < ret->interrupted.num; i++)
		ret->interrupted.items[i].callee =
			address_symbol(&builder, &symbols, builder.interrupted_callees.items[i])
				->function;
	for (uint32_t i = 0; i < builder.raw.num; i++)
		*array_add(arena, &ret->list) = make_stack(&builder, i, &symbols, addresses);
}

struct coreleaks_stack stack_beyond_signal(const struct coreleaks_stack *stack, uint32_t depth)
{
	struct coreleaks_stack beyond = *stack;
	while (depth > 0 && beyond.num_frames > 0) {
		/* What is inlined shares its place on the stack with the next frame. */
		depth -= beyond.frames[0].signal && !beyond.frames[0].inlined;
		beyond.frames++;
		beyond.num_frames--;
	}
	return beyond;
}
