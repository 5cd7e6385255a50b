#include "task/go_runtime.h"

#include <stdlib.h>

enum {
	SCAN_STEP = 1 << 16,
	MAX_SCAN_SIZE = 1 << 28, /* of a program's variables */
	MAX_GS = 1 << 28,
	MAX_MS = 1 << 20,
	MAX_MODULES = 64,
	NUM_SAMPLES = 128,
	MAX_PROBES = 1 << 21, /* elements of lists that might be the runtime's */
};

struct finder {
	struct go_runtime *runtime;
	struct arena *arena;
	struct gaps *gaps;
	struct image *image;
	const struct notes *notes;
	uint32_t num_probes;
};

static uint64_t word_at(const struct finder *finder, uint64_t addr)
{
	uint64_t value;
	return image_read_u64(finder->image, addr, &value) ? value : 0;
}

/* In damaged memory each of millions of words can lead into a long list: false once there were too
 * many. A sound program comes nowhere near. */
static bool may_probe(struct finder *finder)
{
	finder->num_probes += finder->num_probes < MAX_PROBES;
	return finder->num_probes < MAX_PROBES;
}

/* ---- The program's image ------------------------------------------------------------------- */

/* Calls visit for each piece of the module's dumped memory until it returns true. */
typedef bool visit_piece(struct finder *finder, uint64_t addr, const unsigned char *bytes,
			 size_t size);

static bool visit_module(struct finder *finder, const struct module *module, visit_piece *visit)
{
	const struct dump *dump = finder->image->dump;
	/* Pieces overlap, so that nothing looked for is cut in two. */
	enum { OVERLAP = 256 };
	unsigned char *bytes = arena_alloc(finder->arena, SCAN_STEP + OVERLAP);
	uint64_t left = MAX_SCAN_SIZE;
	for (uint32_t i = 0; i < dump->segments.num; i++) {
		const struct segment *segment = &dump->segments.items[i];
		if (segment->range.high <= module->range.low ||
		    segment->range.low >= module->range.high || (segment->flags & PF_X) != 0)
			continue;
		uint64_t high = segment->range.low + segment->file_size;
		for (uint64_t addr = segment->range.low; addr < high && left > 0;
		     addr += SCAN_STEP) {
			size_t size = dump_read(dump, addr, bytes, SCAN_STEP + OVERLAP);
			if (visit(finder, addr, bytes, size))
				return true;
			left = left > SCAN_STEP ? left - SCAN_STEP : 0;
		}
	}
	return false;
}

/* ---- Version ------------------------------------------------------------------------------- */

/* The list of modules, behind the version: it may go on where the piece at hand ends. */
static void read_modules(struct finder *finder, struct go_build_info *info, uint64_t addr)
{
	enum { MAX_SIZE = 1 << 22 };
	unsigned char head[4];
	size_t text_size;
	size_t num = image_read(finder->image, addr, head, sizeof(head));
	size_t head_size = go_build_info_length(head, num, &text_size);
	if (head_size == 0 || text_size == 0 || text_size > MAX_SIZE)
		return;
	char *text = arena_alloc(finder->arena, text_size);
	if (image_read(finder->image, addr + head_size, text, text_size) == text_size)
		go_build_info_add_modules(info, finder->arena, text, text_size);
	arena_drop(finder->arena, text, text_size);
}

/* Bytes that begin with Go's magic; addr: 0 when they are a file's. */
static bool take_build_info(struct finder *finder, uint64_t addr, const unsigned char *bytes,
			    size_t size)
{
	struct go_build_info info;
	size_t off, text_size;
	if (!go_build_info_parse(&info, finder->arena, bytes, size, &off))
		return false;
	size_t head_size = go_build_info_length(bytes + off, size - off, &text_size);
	if (addr != 0)
		read_modules(finder, &info, addr + off);
	else if (head_size > 0 && text_size <= size - off - head_size)
		go_build_info_add_modules(&info, finder->arena,
					  (const char *)bytes + off + head_size, text_size);
	finder->runtime->version = info.version;
	finder->runtime->minor = info.minor;
	finder->runtime->tables.build_info = info;
	return true;
}

static bool find_version(struct finder *finder, uint64_t addr, const unsigned char *bytes,
			 size_t size)
{
	static const char magic[] = "\xff Go buildinf:";
	for (size_t off = 0; off + 64 <= size; off += 16)
		if (memcmp(bytes + off, magic, sizeof(magic) - 1) == 0 &&
		    take_build_info(finder, addr != 0 ? addr + off : 0, bytes + off, size - off))
			return true;
	return false;
}

/* In the file, for what was not dumped. */
static void find_version_in_file(struct finder *finder, const struct module *module)
{
	size_t size;
	if (module->file == NULL)
		return;
	const unsigned char *bytes = (const unsigned char *)elf_rawfile(module->file->elf, &size);
	if (bytes != NULL)
		find_version(finder, 0, bytes, size);
}

/* ---- Function tables ----------------------------------------------------------------------- */

static bool find_tables(struct finder *finder, uint64_t addr, const unsigned char *bytes,
			size_t size)
{
	const struct modules *modules = finder->image->modules;
	for (size_t off = 0; off + 8 <= size; off += 8) {
		uint64_t word;
		uint32_t magic;
		struct go_module module;
		memcpy(&word, bytes + off, sizeof(word));
		/* The tables lie in the module itself. */
		if (word < 4096 || (word & 7) != 0 || modules_find(modules, word) < 0 ||
		    image_read(finder->image, word, &magic, sizeof(magic)) != sizeof(magic) ||
		    magic < 0xfffffff0 || magic > 0xfffffff1)
			continue;
		if (go_module_read(&module, finder->arena, finder->image, addr + off)) {
			*array_add(finder->arena, &finder->runtime->tables.modules) = module;
			return true;
		}
	}
	return false;
}

/* A library that Go built says so by this section; programs are searched in any case. */
static bool may_hold_go(const struct module *module)
{
	if (module->vdso)
		return false;
	return module->main_program ||
	       (module->file != NULL &&
		(elf_file_has_section(module->file, ".gopclntab") ||
		 elf_file_has_section(module->file, ".data.rel.ro.gopclntab")));
}

/* Plugins hang behind the program's moduledata. */
static void follow_modules(struct finder *finder)
{
	struct go_tables *tables = &finder->runtime->tables;
	const struct go_layout *layout = &finder->runtime->layout;
	for (uint32_t i = 0; i < tables->modules.num && tables->modules.num < MAX_MODULES; i++) {
		struct go_module next;
		uint64_t addr = tables->modules.items[i].words[layout->module_next / 8];
		if (addr == 0)
			return;
		for (uint32_t k = 0; k < tables->modules.num; k++)
			if (tables->modules.items[k].addr == addr)
				return;
		if (!go_module_read(&next, finder->arena, finder->image, addr))
			return;
		*array_add(finder->arena, &tables->modules) = next;
	}
}

/* ---- Variables ----------------------------------------------------------------------------- */

/* Words of moduledata: begin and end of noptrdata, data, bss, noptrbss. With the system's linker
 * .data may come before .noptrdata: the range is that of all of them. */
static struct range find_globals(const struct go_module *module)
{
	enum { FIRST = 24, LAST = 31 };
	struct range globals = {UINT64_MAX, 0};
	for (uint32_t i = FIRST; i <= LAST; i++) {
		uint64_t addr = module->words[i];
		if (addr != 0 && addr < globals.low)
			globals.low = addr;
		if (addr > globals.high)
			globals.high = addr;
	}
	globals.low &= ~UINT64_C(7);
	/* Pages are counted up to the end, which must not wrap. */
	if (globals.high > UINT64_MAX - 8192 || globals.high <= globals.low ||
	    globals.high - globals.low > MAX_SCAN_SIZE)
		return (struct range){0, 0};
	return globals;
}

/* A copy of the variables; what was not dumped is zero. */
static uint64_t *read_globals(struct finder *finder)
{
	const struct range *globals = &finder->runtime->globals;
	uint64_t *words = arena_alloc(finder->arena, globals->high - globals->low + 64);
	for (uint64_t addr = globals->low; addr < globals->high;) {
		size_t size = (size_t)(globals->high - addr);
		size_t done = image_read(finder->image, addr, (char *)words + (addr - globals->low),
					 size);
		addr += done;
		if (addr < globals->high) {
			uint64_t next = (addr | 4095) + 1;
			memset((char *)words + (addr - globals->low), 0,
			       next < globals->high ? next - addr : globals->high - addr);
			addr = next;
		}
	}
	return words;
}

/* The saved context of every g, dead ones too, points back to the g. */
static bool is_g(const struct finder *finder, uint64_t addr)
{
	uint64_t low = word_at(finder, addr + GO_G_STACK_LOW);
	uint64_t high = word_at(finder, addr + GO_G_STACK_HIGH);
	return addr != 0 && (addr & 7) == 0 && low <= high && high - low <= UINT64_C(1) << 32 &&
	       word_at(finder, addr + GO_G_SCHED_G) == addr;
}

/* Was there memory at this address of which the core has none, as when it was cut? */
static bool is_missing(const struct finder *finder, uint64_t addr)
{
	uint64_t word;
	return (addr & 7) == 0 && image_segment_high(finder->image, addr) != 0 &&
	       !image_read_u64(finder->image, addr, &word);
}

static bool is_slice(const uint64_t *words, uint64_t max_num)
{
	return words[0] >= 4096 && (words[0] & 7) == 0 && words[1] >= 1 && words[2] >= words[1] &&
	       words[1] <= max_num && words[2] <= 2 * max_num;
}

/* Array elements to look at: all of few, some of many. */
static uint64_t sample_step(uint64_t num, uint64_t samples)
{
	return num / samples + 1;
}

/* All goroutines that ever were: the first is goroutine 1. What a cut core lacks tells nothing. */
static bool is_allgs(const struct finder *finder, const uint64_t *words)
{
	enum { GOID_LOW = 136, GOID_HIGH = 192 };
	bool first = false;
	if (!is_slice(words, MAX_GS))
		return false;
	uint64_t g = word_at(finder, words[0]);
	if (!is_g(finder, g))
		return false;
	for (uint64_t off = GOID_LOW; off <= GOID_HIGH; off += 8)
		first |= word_at(finder, g + off) == 1;
	for (uint64_t i = 0; first && i < words[1]; i += sample_step(words[1], 64)) {
		uint64_t place = words[0] + 8 * i;
		g = word_at(finder, place);
		first = is_g(finder, g) || is_missing(finder, place) || is_missing(finder, g);
	}
	return first;
}

/* All spans of the heap: pages of 8 KiB; one in use has elements up to its limit. */
static bool is_allspans(struct finder *finder, const uint64_t *words)
{
	enum { START = 24, PAGES = 32, DEAD = 0, IN_USE = 1, MANUAL = 2, PAGE = 8192 };
	const struct go_layout *layout = &finder->runtime->layout;
	uint32_t live = 0;
	if (!is_slice(words, MAX_GS) || words[1] < 8)
		return false;
	for (uint64_t i = 0; i < words[1]; i += sample_step(words[1], 128)) {
		unsigned char span[160];
		uint64_t start, pages, element, limit;
		uint64_t addr = word_at(finder, words[0] + 8 * i);
		if (addr == 0 || (addr & 7) != 0 || !may_probe(finder) ||
		    image_read(finder->image, addr, span, sizeof(span)) != sizeof(span))
			return false;
		memcpy(&start, span + START, sizeof(start));
		memcpy(&pages, span + PAGES, sizeof(pages));
		memcpy(&element, span + layout->span_elemsize, sizeof(element));
		memcpy(&limit, span + layout->span_limit, sizeof(limit));
		unsigned char state = span[layout->span_state];
		if (state > MANUAL || start % PAGE != 0 || pages > UINT64_C(1) << 35)
			return false;
		if (state != IN_USE)
			continue;
		if (element == 0 || limit <= start || limit - start > pages * PAGE)
			return false;
		live++;
	}
	return live > 0;
}

/* A processor: its number, a status, the M that runs it and points back, ids in a batch of 16 to
 * give to new goroutines. */
static bool is_p(const struct finder *finder, uint64_t p, uint64_t number)
{
	enum { MAX_STATUS = 4, BATCH = 16 };
	const struct go_layout *layout = &finder->runtime->layout;
	uint64_t head = word_at(finder, p);
	if (p == 0 || (p & 7) != 0 || (uint32_t)head != number || head >> 32 > MAX_STATUS)
		return false;
	uint64_t m = word_at(finder, p + (uint64_t)layout->p_m);
	uint64_t first = word_at(finder, p + (uint64_t)layout->p_goidcache);
	uint64_t end = word_at(finder, p + (uint64_t)layout->p_goidcache + 8);
	return (m == 0 || word_at(finder, m + (uint64_t)layout->m_p) == p) && first <= end &&
	       end - first <= BATCH;
}

static bool is_allp(struct finder *finder, const uint64_t *words)
{
	uint64_t used = 0;
	if (!is_slice(words, 1 << 16))
		return false;
	for (uint64_t i = 0; i < words[1]; i++) {
		uint64_t p = word_at(finder, words[0] + 8 * i);
		if (!may_probe(finder) || !is_p(finder, p, i))
			return false;
		used += word_at(finder, p + (uint64_t)finder->runtime->layout.p_goidcache + 8) != 0;
	}
	/* Goroutine 1 took its id from one of them. */
	return used > 0;
}

/* How many Ms hang on this one; 0: it is none. */
static uint32_t count_ms(struct finder *finder, uint64_t m)
{
	const struct go_layout *layout = &finder->runtime->layout;
	uint64_t g0 = (m & 7) == 0 && m >= 4096 ? word_at(finder, m + GO_M_G0) : 0;
	uint32_t num = 0, odd = 0;
	if (g0 == 0 || (g0 & 7) != 0 || word_at(finder, g0 + GO_G_M) != m ||
	    word_at(finder, g0 + (uint64_t)layout->g_goid) != 0)
		return 0;
	for (uint64_t seen = 0; m != 0 && num < MAX_MS; num++) {
		g0 = word_at(finder, m + GO_M_G0);
		if (g0 == 0 || m == seen || !may_probe(finder))
			return 0;
		/* A ring comes back to one of these. */
		if ((num & (num - 1)) == 0)
			seen = m;
		odd += word_at(finder, g0 + GO_G_M) != m;
		m = word_at(finder, m + (uint64_t)layout->m_alllink);
	}
	return m == 0 && odd * 4 <= num ? num : 0;
}

/* Is there an M? Its own goroutine points back to it. */
static bool is_m(const struct finder *finder, uint64_t m)
{
	uint64_t g0 = (m & 7) == 0 && m >= 4096 ? word_at(finder, m + GO_M_G0) : 0;
	return g0 != 0 && (g0 & 7) == 0 && word_at(finder, g0 + GO_G_M) == m;
}

/* schedt.maxmcount is 10000 unless the program changes it. Before it stand the count of Ms, the
 * count of idle ones, and the first of these; then few goroutines are the runtime's own. */
static bool is_sched(const struct finder *finder, const uint64_t *words, uint64_t num,
		     uint64_t index, uint32_t num_ms)
{
	const struct go_layout *layout = &finder->runtime->layout;
	enum { MAX_M_COUNT = 10000 };
	uint64_t back = (uint64_t)layout->sched_maxmcount / 8;
	uint64_t system = index - back + (uint64_t)layout->sched_ngsys / 8;
	if ((uint32_t)words[index] != MAX_M_COUNT || index < back || system >= num)
		return false;
	uint64_t next = words[index - 1], idle = (uint32_t)words[index - 2];
	uint64_t first_idle = words[index - back + (uint64_t)layout->sched_midle / 8];
	uint64_t num_system = words[system] >> (layout->sched_ngsys % 8 * 8);
	return next >= num_ms && next < MAX_MS && idle <= next &&
	       (first_idle == 0) == (idle == 0) && (idle == 0 || is_m(finder, first_idle)) &&
	       (uint32_t)num_system <= finder->runtime->allgs.num;
}

/* memstats: when the last GC ended, by the wall clock; its number 4112 bytes on, how many of these
 * were forced, and the same moment by the monotonic clock (runtime/mstats.go, 1.19 to 1.27). */
static bool is_gc_stats(const uint64_t *words, uint64_t index, uint64_t num, uint64_t sweepgen)
{
	enum { COUNTS = GO_GC_COUNT_OFF / 8, NANOTIME = GO_GC_NANOTIME_OFF / 8 };
	const uint64_t second = 1000000000;
	if (words[index] < 1400000000 * second || words[index] > 4000000000 * second ||
	    index + NANOTIME >= num)
		return false;
	uint32_t count = (uint32_t)words[index + COUNTS];
	uint32_t forced = (uint32_t)(words[index + COUNTS] >> 32);
	uint64_t last = GO_GC_ENDS_OFF / 8 + (uint64_t)(count - 1) % GO_NUM_GC_ENDS;
	/* A cycle that runs is counted by sweepgen at its end of marking, by memstats a bit later.
	 */
	return count > 0 && forced <= count && words[index + last] == words[index] &&
	       words[index + NANOTIME] > 0 && words[index + NANOTIME] < words[index] &&
	       sweepgen / 2 >= count && sweepgen / 2 - count <= 1;
}

static struct go_slice make_slice(const struct finder *finder, const uint64_t *words,
				  uint64_t index)
{
	return (struct go_slice){
		.addr = finder->runtime->globals.low + index * 8,
		.data_addr = words[index],
		.num = words[index + 1],
	};
}

static void find_allgs(struct finder *finder, const uint64_t *words, uint64_t num)
{
	struct go_slice *allgs = &finder->runtime->allgs;
	for (uint64_t i = 0; i + 3 <= num; i++)
		if (words[i + 1] > allgs->num && is_allgs(finder, words + i))
			*allgs = make_slice(finder, words, i);
}

uint64_t go_runtime_sweepgen_addr(const struct go_runtime *runtime)
{
	if (runtime->allspans.addr == 0)
		return 0;
	return runtime->allspans.addr - (uint64_t)runtime->layout.heap_allspans +
	       (uint64_t)runtime->layout.heap_sweepgen;
}

/* All else needs the layout. */
static void find_others(struct finder *finder, const uint64_t *words, uint64_t num)
{
	struct go_runtime *runtime = finder->runtime;
	uint32_t num_ms = 0;
	uint64_t last = 0;
	for (uint64_t i = 0; i + 3 <= num; i++) {
		if (words[i] == 0)
			continue;
		if (words[i + 1] > runtime->allspans.num && is_allspans(finder, words + i))
			runtime->allspans = make_slice(finder, words, i);
		if (words[i + 1] > runtime->allp.num && is_allp(finder, words + i))
			runtime->allp = make_slice(finder, words, i);
		if (words[i] == last)
			continue;
		last = words[i];
		uint32_t count = count_ms(finder, words[i]);
		if (count > num_ms) {
			num_ms = count;
			runtime->allm = words[i];
		}
	}
	uint64_t sweepgen = (uint32_t)word_at(finder, go_runtime_sweepgen_addr(runtime));
	for (uint64_t i = 0; i < num && runtime->gc_addr == 0; i++)
		if (is_gc_stats(words, i, num, sweepgen))
			runtime->gc_addr = runtime->globals.low + i * 8;
	for (uint64_t i = 3; i < num && runtime->sched_addr == 0; i++)
		if (is_sched(finder, words, num, i, num_ms))
			runtime->sched_addr = runtime->globals.low + i * 8 -
					      (uint64_t)runtime->layout.sched_maxmcount;
}

/* ---- Wait reasons -------------------------------------------------------------------------- */

static const char *read_string(struct finder *finder, uint64_t addr, uint64_t size)
{
	enum { MAX_REASON = 64 };
	char buffer[MAX_REASON];
	if (size == 0 || size > MAX_REASON ||
	    image_read(finder->image, addr, buffer, (size_t)size) != size)
		return NULL;
	for (uint64_t i = 0; i < size; i++)
		if (buffer[i] < ' ' || buffer[i] > '~')
			return NULL;
	return arena_copy_bytes(finder->arena, buffer, (size_t)size);
}

/* The runtime's table of strings: an empty one first, then "GC assist marking". */
static void find_wait_reasons(struct finder *finder, const uint64_t *words, uint64_t num)
{
	static const char second[] = "GC assist marking";
	enum { MAX_REASONS = 128 };
	struct go_runtime *runtime = finder->runtime;
	for (uint64_t i = 0; i + 4 <= num; i++) {
		if (words[i + 1] != 0 || words[i + 3] != sizeof(second) - 1)
			continue;
		const char *text = read_string(finder, words[i + 2], words[i + 3]);
		if (text == NULL || strcmp(text, second) != 0)
			continue;
		runtime->wait_reasons =
			arena_alloc_array(finder->arena, MAX_REASONS, sizeof(char *));
		runtime->wait_reasons[0] = "";
		runtime->num_wait_reasons = 1;
		for (uint64_t k = i + 2; k + 2 <= num && runtime->num_wait_reasons < MAX_REASONS;
		     k += 2) {
			text = read_string(finder, words[k], words[k + 1]);
			if (text == NULL)
				return;
			runtime->wait_reasons[runtime->num_wait_reasons++] = text;
		}
		return;
	}
}

/* ---- Layout -------------------------------------------------------------------------------- */

/* Variables that point to an M; more than there are of these is damage. */
static uint32_t find_ms(const struct finder *finder, const uint64_t *words, uint64_t num,
			uint64_t *ms)
{
	uint32_t num_ms = 0;
	for (uint64_t i = 0; i < num && num_ms < NUM_SAMPLES; i++) {
		bool known = false;
		for (uint32_t k = 0; k < num_ms && !known; k++)
			known = ms[k] == words[i];
		if (!known && is_m(finder, words[i]))
			ms[num_ms++] = words[i];
	}
	return num_ms;
}

static void choose_layout(struct finder *finder, const uint64_t *words, uint64_t num)
{
	struct go_runtime *runtime = finder->runtime;
	const char *version = runtime->version != NULL ? runtime->version : "Go of unknown version";
	const char *field = NULL;
	uint64_t gs[NUM_SAMPLES], ms[NUM_SAMPLES];
	struct go_evidence evidence = {
		.image = finder->image,
		.notes = finder->notes,
		.tables = &runtime->tables,
		.gs = gs,
		.ms = ms,
		.num_ms = find_ms(finder, words, num, ms),
	};
	for (uint64_t i = 0; i < runtime->allgs.num && evidence.num_gs < NUM_SAMPLES;
	     i += sample_step(runtime->allgs.num, NUM_SAMPLES)) {
		gs[evidence.num_gs] = word_at(finder, runtime->allgs.data_addr + 8 * i);
		evidence.num_gs += is_g(finder, gs[evidence.num_gs]);
	}
	bool known = go_layout_for(runtime->minor, &runtime->layout);
	if (known && go_layout_check(&runtime->layout, &evidence, &field)) {
		runtime->recognised = true;
	} else if (go_layout_calibrate(&runtime->layout, runtime->minor, &evidence)) {
		runtime->recognised = true;
		if (known)
			gaps_add(finder->gaps, "go-layout", false,
				 "%s: its memory is not laid out as in that version (%s); "
				 "found by content instead",
				 version, field);
		else
			gaps_add(finder->gaps, "go-layout", false,
				 "%s is not in the table of versions: its layout was found by "
				 "content",
				 version);
	} else {
		gaps_add(finder->gaps, "go-layout", true,
			 "%s: layout not recognised: native threads only", version);
	}
}

static void read_runtime(struct finder *finder)
{
	struct go_runtime *runtime = finder->runtime;
	runtime->globals = find_globals(&runtime->tables.modules.items[0]);
	uint64_t num = (runtime->globals.high - runtime->globals.low) / 8;
	const uint64_t *words = read_globals(finder);
	find_allgs(finder, words, num);
	if (runtime->allgs.num == 0) {
		gaps_add(finder->gaps, "go-layout", true,
			 "%s: its list of goroutines was not found: native threads only",
			 runtime->version != NULL ? runtime->version : "Go of unknown version");
		return;
	}
	choose_layout(finder, words, num);
	if (!runtime->recognised)
		return;
	follow_modules(finder);
	for (uint32_t i = 0; i < runtime->tables.modules.num; i++) {
		struct go_module *module = &runtime->tables.modules.items[i];
		module->gofunc_addr = module->words[runtime->layout.module_gofunc / 8];
	}
	find_others(finder, words, num);
	if (runtime->allm == 0)
		gaps_add(finder->gaps, "go-layout", true,
			 "the Go runtime's list of its threads was not found: which of them runs "
			 "which goroutine is not known");
	if (finder->num_probes >= MAX_PROBES)
		gaps_add(finder->gaps, "go-layout", true,
			 "the Go runtime's variables are damaged: the search for its lists was "
			 "given up");
	find_wait_reasons(finder, words, num);
}

/* The tables of a program that is not position-independent are in its file alone. */
static void tell_missing_tables(struct finder *finder)
{
	int32_t index = finder->image->modules->main_index;
	if (index < 0)
		return;
	const struct module *module = &finder->image->modules->list.items[index];
	if (module->file != NULL || !visit_module(finder, module, find_version))
		return;
	gaps_add(finder->gaps, "go-layout", true,
		 "%s: the tables of its functions are in %s, which is missing: native threads "
		 "only",
		 finder->runtime->version, module->info.path);
}

void go_runtime_build(struct go_runtime *ret, struct arena *arena, struct gaps *gaps,
		      struct image *image, const struct notes *notes)
{
	struct finder finder = {
		.runtime = ret,
		.arena = arena,
		.gaps = gaps,
		.image = image,
		.notes = notes,
	};
	*ret = (struct go_runtime){.minor = -1};
	for (uint32_t i = 0; i < image->modules->list.num && !ret->present; i++) {
		const struct module *module = &image->modules->list.items[i];
		if (!may_hold_go(module) || !visit_module(&finder, module, find_tables))
			continue;
		ret->present = true;
		if (!visit_module(&finder, module, find_version))
			find_version_in_file(&finder, module);
	}
	if (!ret->present) {
		tell_missing_tables(&finder);
		return;
	}
	go_tables_read_ids(&ret->tables);
	read_runtime(&finder);
}
