#include "stack/creators.h"

#include "stack/creation_calls.h"
#include "stack/creations.h"
#include "stack/demangle.h"
#include "stack/symtab.h"

#include <stdlib.h>

/* Bounds of the search: of addresses looked for, of places, of steps from library code to what
 * calls it, and of the bytes read on those steps. */
enum { MAX_TARGETS = 256, MAX_PLACES = 4096, MAX_STEPS = 16 };
static const uint64_t max_step_size = UINT64_C(128) << 20;

struct target {
	uint64_t addr; /* runtime */
	enum creation_kind kind;
	int32_t module;
	uint32_t index; /* in creators.targets */
};

/* A place in one module that may still turn out to be library code. */
struct found {
	uint64_t next_addr, function_low; /* in the ELF file; low 0 unknown */
	const struct target *target;
	bool inferred;
	bool forms_only; /* no thread is created here: only what calls it can tell */
};

struct found_list {
	struct found *items;
	uint32_t num, capacity;
};

struct search {
	struct creators *creators;
	struct arena *arena;
	struct gaps *gaps;
	struct elf_files *files;
	struct image *image;
	struct creation_functions functions;
	struct demangler demangler;
	struct {
		struct target *items;
		uint32_t num, capacity;
	} targets;
};

/* ---- What to look for --------------------------------------------------------------------- */

static bool is_rust_start(struct search *search, const struct module *module, uint64_t addr)
{
	uint64_t file_addr = addr - module->bias;
	struct symtab_name name = {0};
	symtab_find(search->arena, search->gaps, search->files, module->file, &file_addr, 1, &name);
	return name.name.data != NULL &&
	       memmem(name.name.data, name.name.size, "thread_start", 12) != NULL &&
	       memmem(name.name.data, name.name.size, "3std", 4) != NULL;
}

/* The virtual table of the Box<dyn FnOnce()> that a Rust thread's argument leads to: how to drop
 * it (0: not needed), its size, its alignment, its call. */
static uint64_t closure_vtable(struct search *search, int32_t module, uint64_t arg_addr)
{
	enum { NUM_WORDS = 6, LARGEST = 1 << 20 };
	uint64_t words[NUM_WORDS], table[4];
	size_t num = image_read(search->image, arg_addr, words, sizeof(words)) / sizeof(words[0]);
	for (size_t i = 0; i < num; i++) {
		if (modules_find(search->image->modules, words[i]) != module ||
		    image_read(search->image, words[i], table, sizeof(table)) != sizeof(table))
			continue;
		if ((table[0] == 0 || image_executable(search->image, table[0])) &&
		    table[1] <= LARGEST && table[2] != 0 && table[2] <= LARGEST &&
		    (table[2] & (table[2] - 1)) == 0 && image_executable(search->image, table[3]))
			return words[i];
	}
	return 0;
}

static struct target target_of(struct search *search, const struct nptl_thread *thread,
			       const struct start *start)
{
	const struct modules *modules = search->image->modules;
	struct target target = {.addr = thread->start_addr, .kind = CREATION_ROUTINE};
	if (start->vtable_addr != 0) {
		target.addr = start->vtable_addr;
		target.kind = CREATION_STATE;
	}
	target.module = target.addr != 0 ? modules_find(modules, target.addr) : -1;
	return target;
}

/* One target for all threads that started alike. */
static void collect_targets(struct search *search, const struct nptl *nptl,
			    const struct start *starts)
{
	struct creators *creators = search->creators;
	const struct modules *modules = search->image->modules;
	enum { RUST = 1, NO_RUST };
	struct intern ids, seen; /* of targets, of start routines */
	intern_init(&ids, search->arena);
	intern_init(&seen, search->arena);
	uint8_t *rust = arena_alloc_array(search->arena, nptl->threads.num, sizeof(*rust));
	for (uint32_t i = 0; i < nptl->threads.num; i++) {
		struct target target = target_of(search, &nptl->threads.items[i], &starts[i]);
		bool is_new;
		creators->by_thread[i] = UINT32_MAX;
		if (target.module < 0 || modules->list.items[target.module].file == NULL)
			continue;
		uint64_t vtable = 0;
		uint32_t at = intern_add(&seen, &target.addr, sizeof(target.addr), &is_new);
		if (target.kind == CREATION_ROUTINE && rust[at] < NO_RUST)
			vtable = closure_vtable(search, target.module,
						nptl->threads.items[i].arg_addr);
		if (vtable != 0 && rust[at] == 0)
			rust[at] = is_rust_start(search, &modules->list.items[target.module],
						 target.addr)
					   ? RUST
					   : NO_RUST;
		if (vtable != 0 && rust[at] == RUST) {
			target.addr = vtable;
			target.kind = CREATION_CLOSURE;
		}
		uint32_t id = intern_add(&ids, &target.addr, sizeof(target.addr), &is_new);
		if (id >= MAX_TARGETS)
			continue;
		creators->by_thread[i] = id;
		if (is_new) {
			target.index = id;
			*array_add(search->arena, &search->targets) = target;
			array_add(search->arena, &creators->targets);
		}
	}
}

/* ---- Where it is formed -------------------------------------------------------------------- */

static uint64_t function_low(const struct code *code, uint64_t next_addr)
{
	const struct range *function = functions_find(&code->functions, next_addr - 1);
	return function != NULL ? function->low : 0;
}

static void found_add(struct search *search, struct found_list *list, const struct found *found)
{
	if (list->num >= MAX_PLACES)
		search->creators->targets.items[found->target->index].lost = true;
	else
		*array_add(search->arena, list) = *found;
}

static void follow_refs(struct search *search, const struct code *code,
			const struct code_refs *refs, struct target *const *targets,
			struct found_list *list)
{
	for (uint32_t i = 0; refs->num == CODE_MAX_REFS && i < search->targets.num; i++)
		search->creators->targets.items[i].lost = true;
	for (uint32_t i = 0; i < refs->num; i++) {
		struct creation_call calls[MAX_CREATION_CALLS];
		const struct code_ref *ref = &refs->items[i];
		const struct target *target = targets[ref->target];
		uint64_t low = function_low(code, ref->next_addr);
		uint32_t num =
			creation_calls_after(code, &search->functions, target->kind, ref, calls);
		for (uint32_t k = 0; k < num; k++)
			found_add(search, list,
				  &(struct found){calls[k].next_addr, low, target,
						  calls[k].inferred, false});
		if (num == 0 && target->kind == CREATION_STATE)
			found_add(search, list,
				  &(struct found){ref->next_addr, low, target, false, true});
		else if (num == 0)
			search->creators->targets.items[target->index].num_unclear++;
	}
}

/* ---- From library code to what calls it ---------------------------------------------------- */

static int address_compare(const void *a, const void *b)
{
	uint64_t x, y;
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Names of the functions around the places; NULL where there is none. */
static const char **name_functions(struct search *search, const struct code *code,
				   const struct found_list *list)
{
	uint64_t *lows = arena_alloc_array(search->arena, list->num, sizeof(*lows));
	const char **names = arena_alloc_array(search->arena, list->num, sizeof(*names));
	uint32_t num = 0;
	for (uint32_t i = 0; i < list->num; i++)
		lows[i] = list->items[i].function_low;
	if (list->num > 0)
		qsort(lows, list->num, sizeof(*lows), address_compare);
	for (uint32_t i = 0; i < list->num; i++)
		if (i == 0 || lows[i] != lows[i - 1])
			lows[num++] = lows[i];
	struct symtab_name *found = arena_alloc_array(search->arena, num, sizeof(*found));
	symtab_find(search->arena, search->gaps, search->files, code->module->file, lows, num,
		    found);
	for (uint32_t i = 0; i < list->num; i++) {
		const uint64_t *low = bsearch(&list->items[i].function_low, lows, num,
					      sizeof(*lows), address_compare);
		const struct symtab_name *name = low != NULL ? &found[low - lows] : NULL;
		if (name != NULL && name->name.data != NULL && *low != 0)
			names[i] = arena_copy_text(search->arena,
						   demangle(&search->demangler,
							    (const char *)name->name.data,
							    name->name.size));
	}
	return names;
}

static void keep(struct search *search, const struct code *code, const struct found *found)
{
	uint64_t bias = code->module->bias;
	*array_add(search->arena, &search->creators->places) = (struct creator_place){
		.pc = found->next_addr + bias,
		.function_low = found->function_low != 0 ? found->function_low + bias : 0,
		.target = found->target->index,
		.inferred = found->inferred,
	};
}

/* Replaces the places by those that call their functions; keeps those that nobody calls. */
static struct found_list step_up(struct search *search, const struct code *code,
				 const struct found_list *list)
{
	struct found_list callers = {0};
	struct code_refs refs = {0};
	struct intern ids;
	intern_init(&ids, search->arena);
	for (uint32_t i = 0; i < list->num; i++)
		intern_add(&ids, &list->items[i].function_low, sizeof(uint64_t), NULL);
	uint64_t *lows = arena_alloc_array(search->arena, ids.keys.num, sizeof(*lows));
	bool *called = arena_alloc_array(search->arena, ids.keys.num, sizeof(*called));
	for (uint32_t i = 0; i < ids.keys.num; i++)
		memcpy(&lows[i], ids.keys.items[i].bytes, sizeof(*lows));
	if (ids.keys.num > 0)
		code_find_calls(code, lows, ids.keys.num, &refs);
	for (uint32_t i = 0; refs.num == CODE_MAX_REFS && i < list->num; i++)
		search->creators->targets.items[list->items[i].target->index].lost = true;
	for (uint32_t i = 0; i < refs.num; i++) {
		uint64_t low = function_low(code, refs.items[i].next_addr);
		called[refs.items[i].target] = true;
		for (uint32_t k = 0; k < list->num; k++)
			if (list->items[k].function_low == lows[refs.items[i].target])
				found_add(search, &callers,
					  &(struct found){refs.items[i].next_addr, low,
							  list->items[k].target,
							  list->items[k].inferred, false});
	}
	for (uint32_t i = 0; i < list->num; i++) {
		const struct found *found = &list->items[i];
		uint32_t id = intern_find(&ids, &found->function_low, sizeof(uint64_t));
		if (!called[id] && !found->forms_only)
			keep(search, code, found);
	}
	return callers;
}

static void leave_library(struct search *search, const struct code *code, struct found_list list)
{
	struct intern seen;
	uint64_t size = 0, read_size = 0;
	intern_init(&seen, search->arena);
	for (uint32_t i = 0; i < code->parts.num; i++)
		size = size_sum(size, code->parts.items[i].bytes.size);
	for (uint32_t step = 0; list.num > 0; step++) {
		struct found_list inside = {0};
		const char **names = name_functions(search, code, &list);
		for (uint32_t i = 0; i < list.num; i++) {
			const struct found *found = &list.items[i];
			uint64_t key[2] = {found->target->index, found->function_low};
			bool is_new = true, library = creations_is_library(names[i]);
			/* A destructor forms the table's address too. */
			bool wrong = found->forms_only && (!library || strchr(names[i], '~'));
			if (library && !wrong)
				intern_add(&seen, key, sizeof(key), &is_new);
			if (!library && !wrong)
				keep(search, code, found);
			else if (!wrong && is_new)
				*array_add(search->arena, &inside) = *found;
		}
		read_size = size_sum(read_size, size);
		if (inside.num > 0 && (step == MAX_STEPS || read_size > max_step_size)) {
			for (uint32_t i = 0; i < inside.num; i++)
				search->creators->targets.items[inside.items[i].target->index]
					.lost = true;
			return;
		}
		list = inside.num > 0 ? step_up(search, code, &inside) : inside;
	}
}

/* ---- Modules ------------------------------------------------------------------------------- */

/* A virtual table is also known by where it begins, 16 bytes before its first function (Itanium
 * C++ ABI 2.5.2). */
static uint64_t vtable_begin(const struct target *target)
{
	return target->kind == CREATION_STATE ? target->addr - 16 : target->addr;
}

static void search_module(struct search *search, int32_t module)
{
	struct code code;
	struct code_refs refs = {0};
	struct found_list list = {0};
	uint32_t num = 0, num_own = 0, max = 2 * search->targets.num;
	uint64_t *addrs = arena_alloc_array(search->arena, max, sizeof(*addrs));
	struct target **targets = arena_alloc_array(search->arena, max, sizeof(*targets));
	uint32_t *tables = arena_alloc_array(search->arena, max, sizeof(*tables));
	const struct module *info = &search->image->modules->list.items[module];
	/* Its own first, then those that it may take from others. */
	for (int own = 1; own >= 0; own--) {
		for (uint32_t i = 0; i < search->targets.num; i++) {
			struct target *target = &search->targets.items[i];
			if ((target->module == module) != own)
				continue;
			for (uint64_t addr = vtable_begin(target); addr <= target->addr;
			     addr += 16) {
				targets[num] = target;
				addrs[num++] = own ? addr - info->bias : addr;
			}
		}
		if (own)
			num_own = num;
	}
	if (num_own == 0 && !info->main_program)
		return;
	if (!code_open(&code, search->arena, search->image, info))
		return;
	if (num_own > 0)
		code_find_addresses(&code, addrs, num_own, &refs, tables);
	follow_refs(search, &code, &refs, targets, &list);
	for (uint32_t i = 0; i < num_own; i++)
		if (targets[i]->kind != CREATION_CLOSURE)
			search->creators->targets.items[targets[i]->index].num_unclear += tables[i];
	refs = (struct code_refs){0};
	if (num > num_own && info->main_program)
		code_find_imported(&code, addrs + num_own, num - num_own, &refs);
	follow_refs(search, &code, &refs, targets + num_own, &list);
	leave_library(search, &code, list);
}

static int place_compare(const void *a, const void *b)
{
	const struct creator_place *x = a, *y = b;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	if (x->pc != y->pc)
		return x->pc < y->pc ? -1 : 1;
	return x->inferred - y->inferred;
}

void creators_find(struct creators *ret, struct arena *arena, struct gaps *gaps,
		   struct elf_files *files, struct image *image, const struct nptl *nptl,
		   const struct start *starts)
{
	struct search search = {
		.creators = ret, .arena = arena, .gaps = gaps, .files = files, .image = image};
	*ret = (struct creators){0};
	ret->by_thread = arena_alloc_array(arena, nptl->threads.num, sizeof(*ret->by_thread));
	demangler_init(&search.demangler, arena);
	collect_targets(&search, nptl, starts);
	if (search.targets.num == 0)
		return;
	creation_functions_find(&search.functions, arena, image->modules);
	for (uint32_t i = 0; i < image->modules->list.num; i++)
		search_module(&search, (int32_t)i);
	if (ret->places.num > 0)
		qsort(ret->places.items, ret->places.num, sizeof(*ret->places.items),
		      place_compare);
	for (uint32_t i = 0; i < ret->places.num; i++) {
		struct creator_target *target = &ret->targets.items[ret->places.items[i].target];
		if (target->num++ == 0)
			target->first = i;
	}
}
