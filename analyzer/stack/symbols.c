#include "stack/symbols.h"

#include "stack/dwarf_lines.h"
#include "stack/go_symbols.h"
#include "stack/symtab.h"

#include <stdlib.h>

struct request {
	uint64_t addr; /* in the ELF file */
	uint32_t index;
};

struct builder {
	struct symbols *symbols;
	struct arena *arena;
	struct gaps *gaps;
	struct progress *progress;
	struct elf_files *files;
	struct intern texts;
	struct demangler demangler;
};

/* What is known of the distinct addresses of one module. */
struct names {
	uint64_t *addrs; /* in the ELF file; ascending */
	uint32_t num;
	struct dwarf_hit *hits;	   /* parallel */
	struct symtab_name *table; /* parallel */
};

static int request_compare(const void *a, const void *b)
{
	const struct request *x = a, *y = b;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Whether a symbol table could name addr better than the debug information. */
static bool needs_table(const struct dwarf_hit *hit)
{
	return hit->num == 0 || hit->frames[hit->num - 1].function.kind == DWARF_NAME_NONE ||
	       hit->frames[hit->num - 1].function.kind == DWARF_NAME_SCOPED;
}

static void names_from_tables(struct builder *builder, struct elf_file *file, struct names *names)
{
	uint32_t num = 0;
	uint64_t *addrs = arena_alloc_array(builder->arena, names->num, sizeof(*addrs));
	for (uint32_t i = 0; i < names->num; i++)
		if (needs_table(&names->hits[i]))
			addrs[num++] = names->addrs[i];
	if (num == 0)
		return;
	struct symtab_name *found = arena_alloc_array(builder->arena, num, sizeof(*found));
	symtab_find(builder->arena, builder->gaps, builder->files, file, addrs, num, found);
	for (uint32_t i = 0, next = 0; i < names->num; i++)
		if (needs_table(&names->hits[i]))
			names->table[i] = found[next++];
}

static const char *table_name(struct builder *builder, const struct symtab_name *found)
{
	const char *name =
		demangle(&builder->demangler, (const char *)found->name.data, found->name.size);
	if (found->plt)
		name = arena_format(builder->arena, "%s@plt", name);
	return intern_copy(&builder->texts, name);
}

/* The function around an address: DWARF's name, unless only the symbol table can say it well. */
static void set_function(struct builder *builder, const struct dwarf_frame *known,
			 const struct symtab_name *found, struct symbol_frame *ret)
{
	bool mangled = found->name.size > 2 && memcmp(found->name.data, "_Z", 2) == 0;
	enum dwarf_name_kind kind = known != NULL ? known->function.kind : DWARF_NAME_NONE;
	/* DWARF has no full name for code that depends on types without a name: lambdas. */
	if (found->name.data != NULL &&
	    (kind == DWARF_NAME_NONE ||
	     (kind == DWARF_NAME_SCOPED && mangled && found->low == known->low))) {
		ret->function = table_name(builder, found);
		ret->low = found->low;
	} else if (kind != DWARF_NAME_NONE) {
		ret->function = known->function.text;
		ret->low = known->low;
	}
}

static struct symbol add_frames(struct builder *builder, const struct names *names, uint32_t index,
				uint64_t bias)
{
	const struct dwarf_hit *hit = &names->hits[index];
	struct symbol symbol = {.first = builder->symbols->frames.num, .num = hit->num};
	if (symbol.num == 0)
		symbol.num = 1;
	for (uint32_t i = 0; i < symbol.num; i++) {
		const struct dwarf_frame *known = hit->num > 0 ? &hit->frames[i] : NULL;
		struct symbol_frame frame = {.inlined = i + 1 < symbol.num};
		if (known != NULL) {
			frame.file = known->file;
			frame.line = known->line;
		}
		if (frame.inlined)
			frame.function = known->function.text;
		else
			set_function(builder, known, &names->table[index], &frame);
		if (frame.function != NULL && !frame.inlined)
			frame.low += bias;
		*array_add(builder->arena, &builder->symbols->frames) = frame;
	}
	return symbol;
}

/* requests: those of one module, ascending; several may have the same address. */
static void resolve_module(struct builder *builder, const struct module *module,
			   const struct request *requests, uint32_t num)
{
	struct names names = {.addrs = arena_alloc_array(builder->arena, num, sizeof(uint64_t))};
	for (uint32_t i = 0; i < num; i++)
		if (i == 0 || requests[i].addr != requests[i - 1].addr)
			names.addrs[names.num++] = requests[i].addr;
	names.hits = arena_alloc_array(builder->arena, names.num, sizeof(*names.hits));
	names.table = arena_alloc_array(builder->arena, names.num, sizeof(*names.table));
	dwarf_lines_find(builder->arena, builder->gaps, builder->files, module->file,
			 builder->progress, &builder->texts, &builder->demangler, names.addrs,
			 names.num, names.hits);
	names_from_tables(builder, module->file, &names);
	struct symbol symbol = {0};
	for (uint32_t i = 0, index = 0; i < num; i++) {
		if (i == 0 || requests[i].addr != requests[i - 1].addr)
			symbol = add_frames(builder, &names, index++, module->bias);
		builder->symbols->by_address[requests[i].index] = symbol;
	}
}

/* Orders the addresses by module; those of module i stand at firsts[i] to firsts[i + 1]. */
static struct request *sort_by_module(struct arena *arena, const struct modules *modules,
				      const struct code_address *addresses, uint32_t num,
				      uint32_t *firsts)
{
	uint32_t num_modules = modules->list.num;
	struct request *requests = arena_alloc_array(arena, num, sizeof(*requests));
	uint32_t *nexts = arena_alloc_array(arena, num_modules, sizeof(*nexts));
	for (uint32_t i = 0; i < num; i++)
		if (addresses[i].module >= 0)
			firsts[addresses[i].module + 1]++;
	for (uint32_t i = 0; i < num_modules; i++) {
		nexts[i] = firsts[i];
		firsts[i + 1] += firsts[i];
	}
	for (uint32_t i = 0; i < num; i++) {
		int32_t module = addresses[i].module;
		if (module < 0)
			continue;
		uint64_t bias = modules->list.items[module].bias;
		requests[nexts[module]++] = (struct request){addresses[i].lookup - bias, i};
	}
	for (uint32_t i = 0; i < num_modules; i++)
		qsort(requests + firsts[i], firsts[i + 1] - firsts[i], sizeof(*requests),
		      request_compare);
	return requests;
}

void symbols_build(struct symbols *ret, struct arena *arena, struct gaps *gaps,
		   struct progress *progress, const struct modules *modules,
		   struct elf_files *files, const struct go_tables *go, struct image *image,
		   const struct code_address *addresses, uint32_t num_addresses)
{
	struct symbols symbols = {0};
	struct builder builder = {
		.symbols = &symbols,
		.arena = arena,
		.gaps = gaps,
		.progress = progress,
		.files = files,
	};
	intern_init(&builder.texts, arena);
	demangler_init(&builder.demangler, arena);
	/* Frame 0 stands for all addresses of which nothing is known. */
	*array_add(arena, &symbols.frames) = (struct symbol_frame){0};
	symbols.by_address = arena_alloc_array(arena, num_addresses, sizeof(*symbols.by_address));
	struct code_address *others = arena_alloc_array(arena, num_addresses, sizeof(*others));
	for (uint32_t i = 0; i < num_addresses; i++) {
		symbols.by_address[i] = (struct symbol){0, 1};
		others[i] = addresses[i];
		if (go_symbols_add(&symbols, arena, image, go, addresses[i].lookup,
				   &symbols.by_address[i]))
			others[i].module = -1;
	}
	uint32_t *firsts = arena_alloc_array(arena, modules->list.num + 1, sizeof(*firsts));
	struct request *requests = sort_by_module(arena, modules, others, num_addresses, firsts);
	for (uint32_t i = 0; i < modules->list.num; i++) {
		uint32_t num = firsts[i + 1] - firsts[i];
		if (num == 0 || modules->list.items[i].file == NULL ||
		    !progress_tick(progress, "symbols", i, modules->list.num))
			continue;
		resolve_module(&builder, &modules->list.items[i], requests + firsts[i], num);
	}
	*ret = symbols;
}
