#include "proof/names.h"

#include "stack/data_symbols.h"
#include "stack/demangle.h"
#include "task/stack_memory.h"

/* "std::thread::_State_impl<std::thread::_Invoker<std::tuple<X> > >" -> X */
static const char *callable_name(struct arena *arena, struct demangler *demangler,
				 const char *type_name)
{
	static const char head[] = "std::tuple<";
	if (type_name[0] == '\0')
		return NULL;
	const char *symbol = arena_format(arena, "_ZTI%s", type_name);
	const char *name = demangle(demangler, symbol, strlen(symbol));
	const char *inner = strstr(name, head);
	if (inner == NULL)
		return NULL;
	inner += sizeof(head) - 1;
	size_t length = strlen(inner);
	/* The tuple's own bracket and those around it. */
	for (int closed = 0; length > 0 && closed < 3; length--)
		closed += inner[length - 1] == '>';
	while (length > 0 && inner[length - 1] == ' ')
		length--;
	return length > 0 ? arena_copy_bytes(arena, inner, length) : NULL;
}

static void name_starts(struct publish_names *names, struct arena *arena,
			const struct names_input *input)
{
	struct demangler demangler;
	demangler_init(&demangler, arena);
	names->starts = arena_alloc_array(arena, input->nptl->threads.num, sizeof(*names->starts));
	for (uint32_t i = 0; i < input->nptl->threads.num; i++) {
		const struct start *start = &input->starts[i];
		const struct coreleaks_frame *frame = &input->stacks->entries[i];
		bool found_callable = start->entry_addr != input->nptl->threads.items[i].start_addr;
		if (start->type_name[0] != '\0' && !found_callable)
			names->starts[i] = callable_name(arena, &demangler, start->type_name);
		if (names->starts[i] == NULL && frame->function != NULL)
			names->starts[i] = frame->function;
	}
}

/* Where the program may have a name for it; else 0. */
static uint64_t object_addr(const struct wait *wait)
{
	bool in_memory = wait->object != WAIT_NO_OBJECT && wait->object != WAIT_FD &&
			 wait->object != WAIT_THREAD;
	return in_memory ? wait->addr : 0;
}

void names_build(struct publish_names *ret, struct arena *arena, const struct names_input *input)
{
	uint32_t num_tasks = input->tasks->list.num;
	uint32_t num = num_tasks + input->stacks->interrupted.num;
	struct {
		uint64_t *items;
		uint32_t num, capacity;
	} addrs = {0};
	struct {
		uint32_t *items; /* parallel to addrs: whose they are */
		uint32_t num, capacity;
	} owners = {0};
	for (uint32_t i = 0; i < num; i++) {
		uint64_t addr =
			object_addr(i < num_tasks ? input->waits->by_task[i]
						  : &input->waits->interrupted[i - num_tasks]);
		if (addr == 0)
			continue;
		*array_add(arena, &addrs) = addr;
		*array_add(arena, &owners) = i;
	}
	ret->objects = arena_alloc_array(arena, num, sizeof(*ret->objects));
	ret->interrupted_objects = ret->objects + num_tasks;
	const char **names = arena_alloc_array(arena, addrs.num, sizeof(*names));
	data_symbols_find(arena, input->files, input->modules, addrs.items, addrs.num, names);
	for (uint32_t i = 0; i < addrs.num; i++)
		ret->objects[owners.items[i]] = names[i];
	name_starts(ret, arena, input);
}

static struct coreleaks_stack start_stack(struct arena *arena, const struct coreleaks_frame *frame,
					  const char *name)
{
	struct coreleaks_frame *frames = arena_alloc_array(arena, 1, sizeof(*frames));
	frames[0] = *frame;
	frames[0].function = name;
	return (struct coreleaks_stack){
		.frames = frames, .num_frames = 1, .end = CORELEAKS_STACK_COMPLETE};
}

static void mark_joined(bool *joined, const struct wait *wait)
{
	if (wait->object == WAIT_THREAD && wait->holder >= 0)
		joined[wait->holder] = true;
}

void finished_build(struct finished *ret, struct arena *arena, const struct names_input *input,
		    const struct publish_names *names)
{
	const struct nptl *nptl = input->nptl;
	uint32_t num_stacks = input->stacks->list.num;
	struct intern starts; /* entry address and name -> index of threads */
	intern_init(&starts, arena);
	bool *joined = arena_alloc_array(arena, nptl->threads.num, sizeof(*joined));
	for (uint32_t i = 0; i < input->tasks->list.num; i++)
		mark_joined(joined, input->waits->by_task[i]);
	/* Who joins it goes on to do so once the signal's handler returns. */
	for (uint32_t i = 0; i < input->stacks->interrupted.num; i++)
		mark_joined(joined, &input->waits->interrupted[i]);
	*ret = (struct finished){
		.stacks = arena_alloc_array(arena, (size_t)num_stacks + nptl->num_finished,
					    sizeof(*ret->stacks)),
		.num_stacks = num_stacks,
		.threads = arena_alloc_array(arena, nptl->num_finished, sizeof(*ret->threads)),
	};
	if (num_stacks > 0)
		memcpy(ret->stacks, input->stacks->list.items, num_stacks * sizeof(*ret->stacks));
	for (uint32_t i = 0; i < nptl->threads.num; i++) {
		const char *name = names->starts[i];
		struct {
			uint64_t entry_addr, name_hash;
		} key = {input->starts[i].entry_addr,
			 name != NULL ? intern_hash(name, strlen(name)) : 0};
		bool is_new;
		if (nptl->threads.items[i].life != NPTL_FINISHED || joined[i])
			continue;
		uint32_t index = intern_add(&starts, &key, sizeof(key), &is_new);
		struct finished_threads *threads = &ret->threads[index];
		if (is_new) {
			threads->stack_id = ret->num_stacks;
			threads->pthreads = arena_alloc_array(arena, nptl->num_finished,
							      sizeof(*threads->pthreads));
			ret->stacks[ret->num_stacks++] =
				start_stack(arena, &input->stacks->entries[i], name);
			ret->num_threads++;
			threads->creation = input->creations[i];
		} else if (threads->creation != input->creations[i]) {
			threads->creation = NULL;
		}
		threads->pthreads[threads->num++] = nptl->threads.items[i].pd_addr;
		threads->stack_reserved_size =
			size_sum(threads->stack_reserved_size, input->memory[i].reserved_size);
		threads->stack_resident_size =
			size_sum(threads->stack_resident_size, input->memory[i].resident_size);
		ret->num_finished++;
	}
}
