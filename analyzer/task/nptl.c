#include "task/nptl.h"

#include "core/elf_values.h"

#include <stdlib.h>

enum { MAX_THREADS = 10000000, MAX_TID = 4194304, PAGE = 4096, EXITING_BIT = 0x10 };

/* Offsets of glibc 2.31 to 2.41 on x86-64 (nptl/descr.h), when the program has no table of its
 * own (_thread_db_*): a stripped static program. Checked against the threads before use. */
static const struct nptl_layout usual_layout = {
	.tid_off = 720, .list_off = 704, .start_off = 1592, .cancel_off = 776, .size = 2368};

/* _thread_db_NAME: {bits, elements, offset} (nptl_db/db_info.c); the sizeof one is a plain word. */
static bool read_layout_table(struct image *image, uint64_t bias, const uint64_t *values,
			      struct nptl_layout *ret)
{
	uint32_t table[3];
	uint32_t *const fields[] = {&ret->tid_off, &ret->list_off, &ret->start_off,
				    &ret->cancel_off};
	for (int i = 0; i < 4; i++) {
		if (values[i] == 0 ||
		    image_read(image, values[i] + bias, table, sizeof(table)) != sizeof(table) ||
		    table[2] == 0 || table[2] > 16 * PAGE)
			return false;
		*fields[i] = table[2];
	}
	return values[4] != 0 &&
	       image_read(image, values[4] + bias, &ret->size, sizeof(ret->size)) ==
		       sizeof(ret->size) &&
	       ret->size >= ret->start_off && ret->size <= 16 * PAGE;
}

static bool may_be_libc(const struct module *module)
{
	return module->main_program || strncmp(module->name, "libc", 4) == 0 ||
	       strncmp(module->name, "libpthread", 10) == 0;
}

static bool find_layout(struct image *image, struct nptl_layout *ret)
{
	static const char *const names[] = {
		"_thread_db_pthread_tid",	    "_thread_db_pthread_list",
		"_thread_db_pthread_start_routine", "_thread_db_pthread_cancelhandling",
		"_thread_db_sizeof_pthread",
	};
	const struct modules *modules = image->modules;
	for (uint32_t i = 0; i < modules->list.num; i++) {
		const struct module *module = &modules->list.items[i];
		uint64_t values[5];
		if (!may_be_libc(module) || module->file == NULL)
			continue;
		elf_values_find(module->file, names, 5, values);
		if (read_layout_table(image, module->bias, values, ret))
			return true;
	}
	return false;
}

static bool read_u32(struct image *image, uint64_t addr, uint32_t *ret)
{
	return image_read(image, addr, ret, sizeof(*ret)) == sizeof(*ret);
}

/* Does a descriptor stand at a thread's fs_base? tcbhead_t.tcb and .self both name it
 * (sysdeps/x86_64/nptl/tls.h). */
static bool is_descriptor(struct image *image, uint64_t addr)
{
	uint64_t tcb, self;
	return addr != 0 && (addr & 15) == 0 && image_read_u64(image, addr, &tcb) &&
	       image_read_u64(image, addr + 16, &self) && tcb == addr && self == addr;
}

/* Its id is plausible, and the list leads back to it. The id need not be the core's: in a pid
 * namespace the process sees other ones. */
static bool layout_fits_at(struct image *image, const struct nptl_layout *layout, uint64_t addr)
{
	uint32_t tid;
	uint64_t next, back;
	return read_u32(image, addr + layout->tid_off, &tid) && tid >= 1 && tid <= MAX_TID &&
	       image_read_u64(image, addr + layout->list_off, &next) &&
	       image_read_u64(image, next + 8, &back) && back == addr + layout->list_off;
}

/* Most of the first threads decide: one may be half-created or damaged. */
static bool layout_fits(struct image *image, const struct notes *notes,
			const struct nptl_layout *layout)
{
	enum { NUM_VOTES = 16 };
	uint32_t num_fit = 0, num_asked = 0;
	for (uint32_t i = 0; i < notes->threads.num && num_asked < NUM_VOTES; i++) {
		uint64_t addr = notes->threads.items[i].regs.fs_base;
		if (!is_descriptor(image, addr))
			continue;
		num_asked++;
		num_fit += layout_fits_at(image, layout, addr);
	}
	return num_fit > num_asked / 2;
}

/* The list of stacks to use again stands behind that of the user's stacks (struct rtld_global since
 * 2.34, sysdeps/generic/ldsodefs.h), or has a name of its own. Where it ends early the rest is not
 * known: no harm. */
static void follow_cache(struct nptl *nptl, struct arena *arena, struct image *image, uint64_t head)
{
	uint64_t addr = head, next, back;
	for (uint32_t i = 0; i < MAX_THREADS; i++) {
		if (!image_read_u64(image, addr, &next) ||
		    !image_read_u64(image, next + 8, &back) || back != addr || next == head)
			return;
		*array_add(arena, &nptl->cached) =
			(struct nptl_cached){.pd_addr = next - nptl->layout.list_off};
		addr = next;
	}
}

/* Such a descriptor has a tid of 0 or less (nptl/allocatestack.c, FREE_P). */
static void read_cached(struct nptl *nptl, struct image *image)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < nptl->cached.num && nptl->layout.stack_off != 0; i++) {
		struct nptl_cached cached = nptl->cached.items[i];
		uint64_t words[3];
		uint32_t tid;
		if (!read_u32(image, cached.pd_addr + nptl->layout.tid_off, &tid) ||
		    (int32_t)tid > 0 ||
		    image_read(image, cached.pd_addr + nptl->layout.stack_off, words,
			       sizeof(words)) != sizeof(words))
			continue;
		cached.stack_addr = words[0];
		cached.stack_size = words[1];
		cached.guard_size = words[2];
		nptl->cached.items[num++] = cached;
	}
	nptl->cached.num = num;
}

static void read_thread(struct nptl *nptl, struct image *image, uint64_t pd_addr,
			struct nptl_thread *ret)
{
	const struct nptl_layout *layout = &nptl->layout;
	uint32_t tid = 0, cancelhandling = 0;
	uint64_t joinid = 0;
	bool whole = read_u32(image, pd_addr + layout->tid_off, &tid) &&
		     read_u32(image, pd_addr + layout->cancel_off, &cancelhandling) &&
		     image_read_u64(image, pd_addr + layout->start_off, &ret->start_addr) &&
		     image_read_u64(image, pd_addr + layout->start_off + 8, &ret->arg_addr) &&
		     image_read_u64(image, pd_addr + layout->start_off - 24, &joinid) &&
		     image_read_u64(image, pd_addr + layout->cancel_off - 16, &ret->cleanup_addr);
	ret->pd_addr = pd_addr;
	ret->tid = (int32_t)tid;
	ret->task = -1;
	ret->detached = joinid == pd_addr;
	/* A thread that is listed before clone() has run has no id yet either: only the exiting bit
	 * tells that it has lived. */
	ret->life = whole && tid == 0 && joinid == 0 && (cancelhandling & EXITING_BIT) != 0
			    ? NPTL_FINISHED
			    : NPTL_IN_FLIGHT;
	if (!whole)
		nptl->lists_whole = false;
}

struct rings {
	struct nptl *nptl;
	struct arena *arena;
	struct image *image;
	struct intern seen;  /* descriptor addresses */
	struct intern heads; /* addresses of the lists' heads */
};

static bool rings_add(struct rings *rings, uint64_t pd_addr)
{
	bool is_new;
	intern_add(&rings->seen, &pd_addr, sizeof(pd_addr), &is_new);
	if (is_new)
		read_thread(rings->nptl, rings->image, pd_addr,
			    array_add(rings->arena, &rings->nptl->threads));
	return is_new;
}

/* Follows one ring of list_t {next, prev}. What lies in a library's data is a list's head,
 * everything else on it is a descriptor. */
static void rings_follow(struct rings *rings, uint64_t start)
{
	uint64_t list_off = rings->nptl->layout.list_off, addr = start;
	bool has_head = false;
	for (uint32_t i = 0; i < MAX_THREADS; i++) {
		uint64_t next, back;
		if (!image_read_u64(rings->image, addr, &next) ||
		    !image_read_u64(rings->image, next + 8, &back) || back != addr)
			break;
		bool is_head = modules_find(rings->image->modules, next) >= 0;
		has_head |= is_head;
		if (is_head)
			intern_add(&rings->heads, &next, sizeof(next), NULL);
		if (next == start) {
			rings->nptl->lists_whole &= has_head;
			return;
		}
		if (!is_head && !rings_add(rings, next - list_off))
			break;
		addr = next;
	}
	rings->nptl->lists_whole = false;
}

/* glibc has one list for stacks of its own and one for the others' (the main thread's): since 2.34
 * in the dynamic linker's _rtld_global (in a static program by themselves), before that in
 * libpthread. A list is known by its head
 * even when no thread on it is alive. */
static void rings_follow_heads(struct rings *rings)
{
	static const char *const names[] = {"_rtld_global",
					    "_thread_db_rtld_global__dl_stack_used",
					    "_thread_db_rtld_global__dl_stack_user",
					    "stack_used",
					    "__stack_user",
					    "_dl_stack_used",
					    "_dl_stack_user",
					    "stack_cache",
					    "_dl_stack_cache"};
	const struct modules *modules = rings->image->modules;
	uint64_t heads[2] = {0, 0}, global = 0, cache = 0;
	uint32_t tables[2][3] = {{0}};
	for (uint32_t i = 0; i < modules->list.num; i++) {
		const struct module *module = &modules->list.items[i];
		uint64_t values[9];
		if (!may_be_libc(module) && strncmp(module->name, "ld-", 3) != 0)
			continue;
		if (module->file == NULL)
			continue;
		elf_values_find(module->file, names, 9, values);
		if (values[0] != 0)
			global = values[0] + module->bias;
		for (int v = 7; v < 9; v++)
			if (values[v] != 0)
				cache = values[v] + module->bias;
		for (int k = 0; k < 2; k++) {
			if (values[1 + k] != 0)
				image_read(rings->image, values[1 + k] + module->bias, tables[k],
					   sizeof(tables[k]));
			for (int v = 3 + k; v < 7; v += 2)
				if (values[v] != 0)
					heads[k] = values[v] + module->bias;
		}
	}
	for (int k = 0; k < 2; k++) {
		if (global != 0 && tables[k][2] != 0)
			heads[k] = global + tables[k][2];
		if (heads[k] != 0)
			rings_follow(rings, heads[k]);
	}
	if (cache == 0 && global != 0 && tables[1][2] != 0)
		cache = heads[1] + 16;
	if (cache != 0)
		follow_cache(rings->nptl, rings->arena, rings->image, cache);
}

static int thread_compare(const void *a, const void *b)
{
	const struct nptl_thread *x = a, *y = b;
	return (x->pd_addr > y->pd_addr) - (x->pd_addr < y->pd_addr);
}

int32_t nptl_find(const struct nptl *nptl, uint64_t pd_addr)
{
	uint32_t low = 0, high = nptl->threads.num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint64_t addr = nptl->threads.items[middle].pd_addr;
		if (addr == pd_addr)
			return (int32_t)middle;
		if (addr < pd_addr)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

int32_t nptl_find_tid(const struct nptl *nptl, int32_t tid)
{
	uint32_t low = 0, high = nptl->num_alive;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int32_t found = nptl->threads.items[nptl->by_tid[middle]].tid;
		if (found == tid)
			return (int32_t)nptl->by_tid[middle];
		if (found < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

struct tid_key {
	int32_t tid;
	uint32_t index;
};

static int tid_compare(const void *a, const void *b)
{
	const struct tid_key *x = a, *y = b;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static void index_tids(struct nptl *nptl, struct arena *arena)
{
	struct tid_key *keys = arena_alloc_array(arena, nptl->threads.num, sizeof(*keys));
	for (uint32_t i = 0; i < nptl->threads.num; i++)
		if (nptl->threads.items[i].life == NPTL_ALIVE)
			keys[nptl->num_alive++] = (struct tid_key){nptl->threads.items[i].tid, i};
	if (nptl->num_alive > 0)
		qsort(keys, nptl->num_alive, sizeof(*keys), tid_compare);
	nptl->by_tid = arena_alloc_array(arena, nptl->num_alive, sizeof(*nptl->by_tid));
	for (uint32_t i = 0; i < nptl->num_alive; i++)
		nptl->by_tid[i] = keys[i].index;
}

/* stackblock, its size and the guard's size are three words whose place differs from version to
 * version: the first place where they make sense for nearly all threads. The main thread's are 0.
 */
static void find_stacks(struct nptl *nptl, struct image *image)
{
	uint32_t num = nptl->threads.num;
	for (uint32_t off = nptl->layout.start_off; off + 24 <= nptl->layout.size; off += 8) {
		uint32_t num_fit = 0, num_other = 0;
		for (uint32_t i = 0; i < num && num_other < 2; i++) {
			uint64_t pd_addr = nptl->threads.items[i].pd_addr, words[3], high;
			bool fits = image_read(image, pd_addr + off, words, sizeof(words)) ==
					    sizeof(words) &&
				    words[0] != 0 && words[0] % PAGE == 0 && words[2] % PAGE == 0 &&
				    words[1] > words[2] &&
				    !__builtin_add_overflow(words[0], words[1], &high) &&
				    pd_addr > words[0] && pd_addr + nptl->layout.size <= high &&
				    high - pd_addr < nptl->layout.size + 2 * PAGE;
			num_fit += fits;
			num_other += !fits;
		}
		if (num_fit == 0 || num_other >= 2)
			continue;
		nptl->layout.stack_off = off;
		for (uint32_t i = 0; i < num; i++) {
			struct nptl_thread *thread = &nptl->threads.items[i];
			image_read_u64(image, thread->pd_addr + off, &thread->stack_addr);
			image_read_u64(image, thread->pd_addr + off + 8, &thread->stack_size);
			image_read_u64(image, thread->pd_addr + off + 16, &thread->guard_size);
		}
		return;
	}
}

static void match_tasks(struct nptl *nptl, const struct notes *notes, const struct tasks *tasks)
{
	for (uint32_t i = 0; i < tasks->list.num; i++) {
		nptl->by_task[i] = -1;
		if (tasks->list.items[i].kind != CORELEAKS_KIND_THREAD || i >= notes->threads.num)
			continue;
		int32_t index = nptl_find(nptl, notes->threads.items[i].regs.fs_base);
		nptl->by_task[i] = index;
		if (index < 0)
			continue;
		struct nptl_thread *thread = &nptl->threads.items[index];
		thread->shared |= thread->task >= 0;
		/* A thread cloned by hand may share another's descriptor: that one keeps it. */
		if (thread->task >= 0 && thread->tid != (int32_t)notes->threads.items[i].tid)
			continue;
		nptl->threads.items[index].task = (int32_t)i;
		nptl->threads.items[index].life = NPTL_ALIVE;
		if (nptl->threads.items[index].tid == 0)
			nptl->threads.items[index].tid = (int32_t)notes->threads.items[i].tid;
	}
	for (uint32_t i = 0; i < nptl->threads.num; i++)
		nptl->num_finished += nptl->threads.items[i].life == NPTL_FINISHED;
}

void nptl_build(struct nptl *ret, struct arena *arena, struct gaps *gaps, struct image *image,
		const struct notes *notes, const struct tasks *tasks)
{
	struct rings rings = {.nptl = ret, .arena = arena, .image = image};
	*ret = (struct nptl){.lists_whole = true};
	ret->by_task = arena_alloc_array(arena, tasks->list.num, sizeof(*ret->by_task));
	for (uint32_t i = 0; i < tasks->list.num; i++)
		ret->by_task[i] = -1;
	if (!find_layout(image, &ret->layout))
		ret->layout = usual_layout;
	if (!layout_fits(image, notes, &ret->layout))
		return;
	ret->present = true;
	intern_init(&rings.seen, arena);
	intern_init(&rings.heads, arena);
	rings_follow_heads(&rings);
	for (uint32_t i = 0; i < notes->threads.num; i++) {
		uint64_t pd_addr = notes->threads.items[i].regs.fs_base;
		/* Nearly all are on the first one's ring. */
		if (intern_find(&rings.seen, &pd_addr, sizeof(pd_addr)) == UINT32_MAX &&
		    is_descriptor(image, pd_addr) && rings_add(&rings, pd_addr))
			rings_follow(&rings, pd_addr + ret->layout.list_off);
	}
	/* Both lists must have been seen, from a head or from a thread on it. */
	ret->lists_whole &= rings.heads.keys.num >= 2;
	if (ret->threads.num > 0)
		qsort(ret->threads.items, ret->threads.num, sizeof(*ret->threads.items),
		      thread_compare);
	match_tasks(ret, notes, tasks);
	index_tids(ret, arena);
	find_stacks(ret, image);
	read_cached(ret, image);
	if (!ret->lists_whole)
		gaps_add(gaps, "thread-list-cut", false,
			 "glibc's list of threads could not be followed to its end");
}
