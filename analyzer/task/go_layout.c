#include "task/go_layout.h"

#include <stddef.h>

/* ---- What is known ------------------------------------------------------------------------- */

enum { NUM_VERSIONS = 8 };

static const int16_t minors[NUM_VERSIONS] = {19, 21, 22, 23, 24, 25, 26, 27};

/* Read from the DWARF of binaries that each toolchain built (linux/amd64; arm64 is the same but
 * for mheap's padding). */
struct layout_row {
	uint16_t field; /* offset in struct go_layout */
	int16_t offs[NUM_VERSIONS];
};

#define FIELD(name) offsetof(struct go_layout, name)
#define ALL(off)                                                                                   \
	{                                                                                          \
		off, off, off, off, off, off, off, off                                             \
	}

static const struct layout_row rows[] = {
	{FIELD(g_sched_bp), {104, 104, 104, 104, 104, 96, 96, 96}},
	{FIELD(g_syscallsp), {112, 112, 112, 112, 112, 104, 104, 104}},
	{FIELD(g_syscallpc), {120, 120, 120, 120, 120, 112, 112, 112}},
	{FIELD(g_status), {144, 144, 144, 152, 152, 144, 144, 144}},
	{FIELD(g_goid), {152, 152, 152, 160, 160, 152, 152, 152}},
	{FIELD(g_waitsince), {168, 168, 168, 176, 176, 168, 168, 168}},
	{FIELD(g_waitreason), {176, 176, 176, 184, 184, 176, 176, 176}},
	{FIELD(g_lockedm), {232, 208, 208, 216, 216, 208, 208, 208}},
	{FIELD(g_parent), {GO_NONE, 272, 272, 280, 280, 272, 280, 280}},
	{FIELD(g_gopc), {296, 280, 280, 288, 288, 280, 288, 288}},
	{FIELD(g_ancestors), {304, 288, 288, 296, 296, 288, 296, 296}},
	{FIELD(g_startpc), {312, 296, 296, 304, 304, 296, 304, 304}},
	{FIELD(g_waiting), {328, 312, 312, 320, 320, 312, 320, 320}},
	{FIELD(g_labels), {360, 344, 344, 352, 352, 344, 352, 352}},
	{FIELD(g_timer), {368, 352, 352, 360, 360, 352, 360, 360}},
	{FIELD(g_size), {392, 408, 424, 432, 440, 440, 456, 456}},
	{FIELD(m_procid), {72, 72, 72, 72, 72, 64, 64, 64}},
	{FIELD(m_gsignal), {80, 80, 80, 80, 80, 72, 72, 72}},
	{FIELD(m_curg), {192, 192, 192, 192, 192, 184, 184, 184}},
	{FIELD(m_p), {208, 208, 208, 208, 208, 200, 208, 208}},
	{FIELD(m_id), {232, 232, 232, 232, 232, 224, 232, 232}},
	{FIELD(m_incgo), {280, 280, 280, 280, 280, 272, 280, 280}},
	{FIELD(m_alllink), {336, 336, 328, 328, 328, 344, 352, 352}},
	/* Pairs of pointers since 1.26 (maybeTraceablePtr): the second, which GC does not see, is
	 * always set. */
	{FIELD(sudog_elem), {24, 24, 24, 24, 24, 24, 32, 32}},
	{FIELD(sudog_c), {80, 80, 80, 80, 80, 80, 96, 96}},
	{FIELD(sudog_ticket), {48, 48, 48, 48, 48, 48, 56, 56}},
	{FIELD(sudog_select), {52, 52, 52, 52, 52, 52, 60, 60}},
	{FIELD(sudog_size), {88, 88, 88, 88, 88, 88, 104, 104}},
	{FIELD(sudog_waitlink), {64, 64, 64, 64, 64, 64, 72, 72}},
	{FIELD(sudog_parent), {56, 56, 56, 56, 56, 56, 64, 64}},
	{FIELD(hchan_recvq), {56, 56, 56, 64, 64, 64, 64, 64}},
	{FIELD(hchan_sendq), {72, 72, 72, 80, 80, 80, 80, 80}},
	{FIELD(hchan_elemtype), {32, 32, 32, 40, 40, 40, 40, 40}},
	{FIELD(hchan_timer), {GO_NONE, GO_NONE, GO_NONE, 32, 32, 32, 32, 32}},
	{FIELD(timer_when), {8, 8, 8, 16, 16, 24, 24, 24}},
	{FIELD(timer_arg), {32, 32, 32, 40, 40, 48, 48, 48}},
	{FIELD(poll_rg), {24, 32, 32, 32, 32, 32, 32, 32}},
	{FIELD(poll_rd), {136, 144, 144, 160, 160, 168, 168, 168}},
	{FIELD(poll_wd), {224, 232, 232, 264, 264, 280, 280, 280}},
	{FIELD(span_state), {99, 107, 99, 99, 99, 99, 99, 99}},
	{FIELD(span_class), {98, 106, 98, 98, 98, 98, 98, 98}},
	{FIELD(span_elemsize), {104, 112, 104, 104, 104, 104, 104, 104}},
	{FIELD(span_limit), {112, 120, 112, 112, 112, 112, 112, 112}},
	{FIELD(sched_lastpoll), ALL(8)},
	{FIELD(sched_midle), {32, 32, 32, 32, 32, 40, 40, 40}},
	{FIELD(sched_maxmcount), {56, 56, 56, 56, 56, 64, 80, 80}},
	{FIELD(sched_ngsys), {72, 72, 72, 72, 72, 80, 96, 96}},
	{FIELD(sched_resized), {288, 296, 296, 296, 296, 312, 328, 328}},
	{FIELD(sched_created), {GO_NONE, GO_NONE, GO_NONE, GO_NONE, GO_NONE, GO_NONE, 6864, 6864}},
	{FIELD(p_schedwhen), ALL(32)},
	{FIELD(p_syscallwhen), {48, 48, 48, 40, 40, 40, 40, 40}},
	{FIELD(p_goidcache), {384, 384, 384, 376, 376, 376, 384, 384}},
	{FIELD(p_created), {GO_NONE, GO_NONE, GO_NONE, GO_NONE, GO_NONE, GO_NONE, 13792, 13792}},
	{FIELD(p_m), {56, 56, 56, 48, 48, 48, 48, 48}},
	{FIELD(p_timers), {8840, 8840, 8872, 8840, 8840, 9392, 13672, 13672}},
	{FIELD(module_types), {280, 296, 296, 296, 296, 296, 296, 296}},
	{FIELD(module_etypes), {288, 304, 304, 304, 304, 304, 304, 312}},
	{FIELD(module_end), {256, 272, 272, 272, 272, 272, 272, 272}},
	{FIELD(module_gofunc), {304, 320, 320, 320, 320, 320, 320, 344}},
	{FIELD(module_next), {544, 584, 584, 576, 576, 576, 584, 560}},
};

/* In mheap, whose start is found by its slice allspans. */
static const int32_t heap_allspans[NUM_VERSIONS] = {65856, 65864, 65864, 65864,
						    65864, 65864, 65864, 65864};
static const int32_t heap_sweepgen[NUM_VERSIONS] = {65848, 65856, 65856, 65856,
						    65856, 65856, 65856, 65856};

static struct go_layout make_layout(uint32_t version)
{
	struct go_layout layout = {
		.minor = minors[version],
		.heap_allspans = heap_allspans[version],
		.heap_sweepgen = heap_sweepgen[version],
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		memcpy((char *)&layout + rows[i].field, &rows[i].offs[version], sizeof(int16_t));
	return layout;
}

bool go_layout_for(int32_t minor, struct go_layout *ret)
{
	for (uint32_t i = 0; i < NUM_VERSIONS; i++)
		if (minors[i] == minor) {
			*ret = make_layout(i);
			return true;
		}
	return false;
}

static struct go_layout nearest_layout(int32_t minor)
{
	uint32_t nearest = 0;
	for (uint32_t i = 0; i < NUM_VERSIONS; i++)
		if (minor < 0 || minors[i] <= minor)
			nearest = i;
	/* Between two known ones the newer struct layouts came first (1.20 has 1.21's). */
	if (minor > minors[nearest] && nearest + 1 < NUM_VERSIONS)
		nearest++;
	return make_layout(nearest);
}

/* ---- What the core shows ------------------------------------------------------------------- */

enum { FITS = 90, NO_EVIDENCE = -1 }; /* percent; extra Ms of cgo have goroutines without much */

static uint64_t word_at(const struct go_evidence *evidence, uint64_t addr)
{
	uint64_t value;
	return image_read_u64(evidence->image, addr, &value) ? value : 0;
}

static uint32_t status_of(const struct go_evidence *evidence, const struct go_layout *layout,
			  uint32_t index)
{
	uint64_t addr = evidence->gs[index] + (uint64_t)layout->g_status;
	return (uint32_t)word_at(evidence, addr) & ~(uint32_t)GO_STATUS_SCAN;
}

static bool is_live(uint32_t status)
{
	return status != GO_STATUS_IDLE && status != GO_STATUS_DEAD &&
	       status != GO_STATUS_DEAD_EXTRA;
}

static int percent(uint32_t part, uint32_t whole)
{
	return whole == 0 ? NO_EVIDENCE : (int)((uint64_t)part * 100 / whole);
}

/* Goroutine 1 is first, ids do not repeat, and the status is the word before. */
static int score_goid(const struct go_evidence *evidence, const struct go_layout *layout, int off)
{
	(void)layout;
	if (word_at(evidence, evidence->gs[0] + (uint64_t)off) != 1)
		return 0;
	for (uint32_t i = 0; i < evidence->num_gs; i++) {
		uint64_t id = word_at(evidence, evidence->gs[i] + (uint64_t)off);
		uint64_t status = word_at(evidence, evidence->gs[i] + (uint64_t)off - 8);
		if (((uint32_t)status & ~(uint32_t)GO_STATUS_SCAN) > 12 || id > UINT64_C(1) << 48)
			return 0;
		for (uint32_t k = 0; k < i && id != 0; k++)
			if (word_at(evidence, evidence->gs[k] + (uint64_t)off) == id)
				return 0;
	}
	return 100;
}

/* It begins a function, and two words before lies the place of the go statement. */
static int score_startpc(const struct go_evidence *evidence, const struct go_layout *layout,
			 int off)
{
	uint32_t num = 0, hits = 0;
	struct go_function creator;
	for (uint32_t i = 0; i < evidence->num_gs; i++) {
		if (!is_live(status_of(evidence, layout, i)))
			continue;
		uint64_t at = evidence->gs[i] + (uint64_t)off;
		/* Nobody's go statement made the goroutine of a callback from C. */
		if (word_at(evidence, at) == 0 && word_at(evidence, at - 16) == 0)
			continue;
		num++;
		if (go_tables_is_entry(evidence->tables, word_at(evidence, at)) &&
		    go_tables_find(evidence->tables, word_at(evidence, at - 16), &creator))
			hits++;
	}
	int score = percent(hits, num);
	/* Of places that fit, the one that more goroutines fill. */
	return score >= FITS ? score + (int)hits : score;
}

/* In a system call it points into the goroutine's stack, and the pc behind it into Go's code. */
static int score_syscallsp(const struct go_evidence *evidence, const struct go_layout *layout,
			   int off)
{
	uint32_t num = 0, hits = 0;
	struct go_function function;
	for (uint32_t i = 0; i < evidence->num_gs; i++) {
		uint64_t g = evidence->gs[i];
		if (status_of(evidence, layout, i) != GO_STATUS_SYSCALL)
			continue;
		const struct range stack = {word_at(evidence, g + GO_G_STACK_LOW),
					    word_at(evidence, g + GO_G_STACK_HIGH)};
		num++;
		if (range_contains(stack, word_at(evidence, g + (uint64_t)off)) &&
		    go_tables_find(evidence->tables, word_at(evidence, g + (uint64_t)off + 8),
				   &function))
			hits++;
	}
	return percent(hits, num);
}

static bool is_thread(const struct notes *notes, uint64_t tid)
{
	for (uint32_t i = 0; i < notes->threads.num; i++)
		if ((uint64_t)notes->threads.items[i].tid == tid)
			return true;
	return false;
}

/* An M's thread id is a thread of the core, but of the spare M that cgo keeps, which has none; in a
 * pid namespace no id may be. */
static int score_procid(const struct go_evidence *evidence, const struct go_layout *layout, int off)
{
	uint32_t num = 0, hits = 0;
	(void)layout;
	for (uint32_t i = 0; i < evidence->num_gs; i++) {
		uint64_t m = word_at(evidence, evidence->gs[i] + GO_G_M);
		uint64_t tid = m != 0 ? word_at(evidence, m + (uint64_t)off) : 0;
		if (tid == 0)
			continue;
		num++;
		hits += is_thread(evidence->notes, tid);
	}
	return hits == 0 ? NO_EVIDENCE : percent(hits, num);
}

/* The M of a running goroutine points back to it. */
static int score_curg(const struct go_evidence *evidence, const struct go_layout *layout, int off)
{
	uint32_t num = 0, hits = 0;
	for (uint32_t i = 0; i < evidence->num_gs; i++) {
		uint32_t status = status_of(evidence, layout, i);
		uint64_t m = word_at(evidence, evidence->gs[i] + GO_G_M);
		if (m == 0 || (status != GO_STATUS_RUNNING && status != GO_STATUS_SYSCALL))
			continue;
		num++;
		hits += word_at(evidence, m + (uint64_t)off) == evidence->gs[i];
	}
	return percent(hits, num);
}

/* How many Ms the chain from m links; 0 when it does not end well. */
static uint32_t chain_length(const struct go_evidence *evidence, uint64_t m, int off)
{
	uint32_t length = 0, odd = 0;
	uint64_t seen = 0;
	while (m != 0 && length < 100000) {
		uint64_t g0 = word_at(evidence, m + GO_M_G0);
		if (g0 == 0 || m == seen)
			return 0;
		/* A ring comes back to one of these. */
		if ((length & (length - 1)) == 0)
			seen = m;
		odd += word_at(evidence, g0 + GO_G_M) != m;
		length++;
		m = word_at(evidence, m + (uint64_t)off);
	}
	return m == 0 && odd * 4 <= length ? length : 0;
}

static int score_alllink(const struct go_evidence *evidence, const struct go_layout *layout,
			 int off)
{
	uint32_t longest = 0, num = 0;
	(void)layout;
	for (uint32_t i = 0; i < evidence->num_gs; i++) {
		uint64_t m = word_at(evidence, evidence->gs[i] + GO_G_M);
		if (m == 0)
			continue;
		uint32_t length = chain_length(evidence, m, off);
		num++;
		longest = length > longest ? length : longest;
	}
	for (uint32_t i = 0; i < evidence->num_ms; i++) {
		uint32_t length = chain_length(evidence, evidence->ms[i], off);
		longest = length > longest ? length : longest;
	}
	/* Every chain is a tail of one list: a longer one is the better guess. */
	return num == 0 ? NO_EVIDENCE : longest == 0 ? 0 : (int)(100 + longest);
}

/* Function data of Go's functions lies behind gofunc: their maps of locals are small. */
static int score_gofunc(const struct go_evidence *evidence, const struct go_layout *layout, int off)
{
	struct go_module module = evidence->tables->modules.items[0];
	const struct go_tables one = {.modules = {&module, 1, 1}};
	uint32_t num = 0, hits = 0;
	(void)layout;
	module.gofunc_addr = module.words[off / 8];
	for (uint32_t i = 0; i < module.num_functions && num < 64; i++) {
		struct go_function function;
		uint32_t entry;
		uint32_t map[2]; /* how many bitmaps, of how many bits */
		memcpy(&entry, module.functions.data + (size_t)i * 8, sizeof(entry));
		if (!go_tables_find(&one, module.text_addr + entry, &function))
			continue;
		uint64_t addr = go_function_funcdata(&function, GO_FUNCDATA_LOCALS_MAPS);
		if (addr == 0)
			continue;
		num++;
		hits += image_read(evidence->image, addr, map, sizeof(map)) == sizeof(map) &&
			map[0] > 0 && map[0] < 1 << 16 && map[1] < 1 << 20;
	}
	return percent(hits, num);
}

/* A field that can be found by its content, and the fields that stand at a fixed distance. */
struct calibrated {
	const char *name;
	uint16_t field;
	uint16_t low, high; /* where to look */
	int (*score)(const struct go_evidence *evidence, const struct go_layout *layout, int off);
	struct {
		uint16_t field;
		int16_t distance;
		int16_t since; /* minor version; 0 all */
	} neighbours[7];
	bool first; /* of equally good places the first is it */
};

static const struct calibrated calibrated[] = {
	{"g.goid",
	 FIELD(g_goid),
	 136,
	 192,
	 score_goid,
	 {{FIELD(g_status), -8, 0}, {FIELD(g_waitsince), 16, 0}, {FIELD(g_waitreason), 24, 0}},
	 false},
	{"g.startpc",
	 FIELD(g_startpc),
	 240,
	 400,
	 score_startpc,
	 {{FIELD(g_gopc), -16, 0},
	  {FIELD(g_ancestors), -8, 0},
	  {FIELD(g_parent), -24, 21},
	  {FIELD(g_waiting), 16, 0},
	  {FIELD(g_labels), 48, 0},
	  {FIELD(g_timer), 56, 0}},
	 false},
	{"g.syscallsp",
	 FIELD(g_syscallsp),
	 96,
	 120,
	 score_syscallsp,
	 {{FIELD(g_syscallpc), 8, 0}, {FIELD(g_sched_bp), -8, 0}},
	 false},
	{"m.procid", FIELD(m_procid), 56, 96, score_procid, {{FIELD(m_gsignal), 8, 0}}, false},
	/* The goroutine that a signal interrupted comes behind it (runtime2.go: caughtsig). */
	{"m.curg", FIELD(m_curg), 160, 224, score_curg, {{0, 0, 0}}, true},
	{"m.alllink", FIELD(m_alllink), 280, 420, score_alllink, {{0, 0, 0}}, false},
	{"moduledata.gofunc", FIELD(module_gofunc), 296, 368, score_gofunc, {{0, 0, 0}}, false},
};

static int16_t get_field(const struct go_layout *layout, uint16_t field)
{
	int16_t off;
	memcpy(&off, (const char *)layout + field, sizeof(off));
	return off;
}

static void set_field(struct go_layout *layout, uint16_t field, int off)
{
	int16_t value = (int16_t)off;
	memcpy((char *)layout + field, &value, sizeof(value));
}

bool go_layout_check(const struct go_layout *layout, const struct go_evidence *evidence,
		     const char **field_ret)
{
	for (size_t i = 0; i < sizeof(calibrated) / sizeof(calibrated[0]); i++) {
		const struct calibrated *field = &calibrated[i];
		int score = field->score(evidence, layout, get_field(layout, field->field));
		if (score != NO_EVIDENCE && score < FITS) {
			*field_ret = field->name;
			return false;
		}
	}
	return true;
}

bool go_layout_calibrate(struct go_layout *ret, int32_t minor, const struct go_evidence *evidence)
{
	struct go_layout layout = nearest_layout(minor);
	layout.minor = GO_NONE;
	for (size_t i = 0; i < sizeof(calibrated) / sizeof(calibrated[0]); i++) {
		const struct calibrated *field = &calibrated[i];
		int best = NO_EVIDENCE, best_off = GO_NONE;
		for (int off = field->low; off <= field->high; off += 8) {
			int score = field->score(evidence, &layout, off);
			if (score > best) {
				best = score;
				best_off = off;
			}
		}
		if (best == NO_EVIDENCE)
			continue; /* the nearest row's stands */
		if (best < FITS)
			return false;
		/* Of equally good places the one the nearest version has is the likelier. */
		if (!field->first &&
		    field->score(evidence, &layout, get_field(&layout, field->field)) == best)
			continue;
		set_field(&layout, field->field, best_off);
		for (size_t k = 0; k < sizeof(field->neighbours) / sizeof(field->neighbours[0]);
		     k++) {
			if (field->neighbours[k].distance == 0)
				break;
			bool there = minor < 0 || minor >= field->neighbours[k].since;
			set_field(&layout, field->neighbours[k].field,
				  there ? best_off + field->neighbours[k].distance : GO_NONE);
		}
	}
	*ret = layout;
	return true;
}
