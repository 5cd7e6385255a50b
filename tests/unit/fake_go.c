#include "fake_go.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* Read from the debug information of programs that Go 1.19 and 1.27 built. */
static const struct fake_go_layout layouts[] = {
	{
		.minor = 19,
		.g_syscallsp = 112,
		.g_syscallpc = 120,
		.g_status = 144,
		.g_goid = 152,
		.g_waitsince = 168,
		.g_waitreason = 176,
		.g_lockedm = 232,
		.g_parent = GO_NONE,
		.g_gopc = 296,
		.g_startpc = 312,
		.g_labels = 360,
		.m_procid = 72,
		.m_gsignal = 80,
		.m_curg = 192,
		.m_p = 208,
		.m_alllink = 336,
		.sched_midle = 32,
		.sched_maxmcount = 56,
		.sched_ngsys = 72,
		.sched_resized = 288,
		.sched_created = GO_NONE,
		.p_m = 56,
		.p_goidcache = 384,
		.p_created = GO_NONE,
		.module_gofunc = 304,
		.module_next = 544,
		.wrapper_id = 21,
	},
	{
		.minor = 27,
		.g_syscallsp = 104,
		.g_syscallpc = 112,
		.g_status = 144,
		.g_goid = 152,
		.g_waitsince = 168,
		.g_waitreason = 176,
		.g_lockedm = 208,
		.g_parent = 280,
		.g_gopc = 288,
		.g_startpc = 304,
		.g_labels = 352,
		.m_procid = 64,
		.m_gsignal = 72,
		.m_curg = 184,
		.m_p = 208,
		.m_alllink = 352,
		.sched_midle = 40,
		.sched_maxmcount = 80,
		.sched_ngsys = 96,
		.sched_resized = 328,
		.sched_created = 6864,
		.p_m = 48,
		.p_goidcache = 384,
		.p_created = 13792,
		.module_gofunc = 344,
		.module_next = 560,
		.wrapper_id = 23,
	},
};

struct function {
	const char *name;
	uint32_t frame; /* bytes below the return address, after the prologue */
	uint8_t flags;
	int8_t id_back; /* funcID: the wrappers' less this; -1: an ordinary function */
};

static const struct function functions[FAKE_NUM_FUNCTIONS] = {
	[FAKE_RT0_GO] = {"runtime.rt0_go", 56, 3, -1},
	[FAKE_GOEXIT] = {"runtime.goexit", 0, 1, -1},
	[FAKE_MSTART] = {"runtime.mstart", 0, 1, -1},
	[FAKE_MCALL] = {"runtime.mcall", 16, 2, -1},
	[FAKE_SYSTEMSTACK_SWITCH] = {"runtime.systemstack_switch", 0, 0, 1},
	[FAKE_CGOCALLBACK] = {"runtime.cgocallback", 24, 2, -1},
	[FAKE_ASYNC_PREEMPT] = {"runtime.asyncPreempt", 120, 0, -1},
	[FAKE_SIGPANIC] = {"runtime.sigpanic", 40, 0, -1},
	[FAKE_PARK_M] = {"runtime.park_m", 48, 0, -1},
	[FAKE_GOPARK] = {"runtime.gopark", 24, 0, -1},
	[FAKE_CHANRECV] = {"runtime.chanrecv1", 32, 0, -1},
	[FAKE_SYSCALL] = {"syscall.RawSyscall6", 64, 0, -1},
	[FAKE_BGSWEEP] = {"runtime.bgsweep", 72, 0, -1},
	[FAKE_RUNTIME_MAIN] = {"runtime.main", 80, 0, -1},
	[FAKE_MAIN] = {"main.main", 96, 0, -1},
	[FAKE_WORKER] = {"main.worker", 104, 0, -1},
	[FAKE_WRAPPER] = {"main.(*T).Run", 8, 0, 0},
};

/* ---- Memory -------------------------------------------------------------------------------- */

void *fake_go_at(struct fake_go *go, uint64_t addr)
{
	if (addr - FAKE_GO_DATA < FAKE_GO_DATA_SIZE)
		return go->data + (addr - FAKE_GO_DATA);
	if (addr - FAKE_GO_HEAP < FAKE_GO_HEAP_SIZE)
		return go->heap + (addr - FAKE_GO_HEAP);
	if (go->objects != NULL && addr - FAKE_GO_OBJECTS < FAKE_GO_OBJECTS_SIZE)
		return go->objects + (addr - FAKE_GO_OBJECTS);
	ck_assert_msg(addr - FAKE_GO_STACKS < FAKE_GO_NUM_STACKS * FAKE_GO_STACK_SIZE,
		      "0x%llx is nowhere", (unsigned long long)addr);
	return go->stacks + (addr - FAKE_GO_STACKS);
}

void fake_go_put(struct fake_go *go, uint64_t addr, uint64_t value)
{
	memcpy(fake_go_at(go, addr), &value, sizeof(value));
}

void fake_go_put32(struct fake_go *go, uint64_t addr, uint32_t value)
{
	memcpy(fake_go_at(go, addr), &value, sizeof(value));
}

uint64_t fake_go_get(struct fake_go *go, uint64_t addr)
{
	uint64_t value;
	memcpy(&value, fake_go_at(go, addr), sizeof(value));
	return value;
}

uint64_t fake_go_alloc(struct fake_go *go, uint64_t size)
{
	uint64_t addr = go->next_heap;
	go->next_heap += (size + 15) & ~UINT64_C(15);
	ck_assert_uint_le(go->next_heap, FAKE_GO_HEAP + FAKE_GO_HEAP_SIZE - 0x4000);
	return addr;
}

struct range fake_go_stack(struct fake_go *go)
{
	ck_assert_uint_lt(go->num_stacks, FAKE_GO_NUM_STACKS);
	return range_from_size(FAKE_GO_STACKS + (uint64_t)go->num_stacks++ * FAKE_GO_STACK_SIZE,
			       FAKE_GO_STACK_SIZE);
}

uint64_t fake_go_text(struct fake_go *go, const char *text)
{
	uint64_t addr = fake_go_alloc(go, strlen(text) + 1);
	memcpy(fake_go_at(go, addr), text, strlen(text));
	return addr;
}

/* ---- Function tables ----------------------------------------------------------------------- */

uint64_t fake_go_pc(enum fake_go_function function, uint32_t off)
{
	return FAKE_GO_TEXT + (uint64_t)function * FAKE_GO_FUNCTION_SIZE + off;
}

struct tables {
	struct fake_go *go;
	uint64_t next; /* where the table grows */
};

static uint32_t put_text(struct tables *tables, uint64_t start, const char *text)
{
	uint32_t off = (uint32_t)(tables->next - start);
	memcpy(fake_go_at(tables->go, tables->next), text, strlen(text) + 1);
	tables->next += strlen(text) + 1;
	return off;
}

static void put_varint(struct tables *tables, uint32_t value)
{
	do {
		unsigned char *byte = fake_go_at(tables->go, tables->next++);
		*byte = (unsigned char)((value & 127) | (value > 127 ? 128 : 0));
		value >>= 7;
	} while (value != 0);
}

/* Pairs of value and length; a length of 0 ends them. */
static uint32_t put_values(struct tables *tables, uint64_t start, const int32_t (*runs)[2])
{
	uint32_t off = (uint32_t)(tables->next - start);
	for (int32_t value = -1; (*runs)[1] != 0; value = (*runs++)[0]) {
		int32_t change = (*runs)[0] - value;
		put_varint(tables,
			   change < 0 ? ((uint32_t)~change << 1) | 1 : (uint32_t)change << 1);
		put_varint(tables, (uint32_t)(*runs)[1]);
	}
	put_varint(tables, 0);
	return off;
}

struct record {
	uint32_t name, sp, file, line, inlines;
};

static void put_record(struct tables *tables, uint32_t index, const struct record *record)
{
	struct fake_go *go = tables->go;
	bool old = go->layout.minor < 20;
	uint64_t addr = tables->next, end = addr + (old ? 40 : 44);
	const struct function *function = &functions[index];
	fake_go_put32(go, addr, index * FAKE_GO_FUNCTION_SIZE);
	fake_go_put32(go, addr + 4, record->name);
	fake_go_put32(go, addr + 16, record->sp);
	fake_go_put32(go, addr + 20, record->file);
	fake_go_put32(go, addr + 24, record->line);
	fake_go_put32(go, addr + 28, 3);
	fake_go_put32(go, addr + 32, 1); /* its unit's files begin at the second */
	unsigned char *tail = fake_go_at(go, end - 4);
	tail[0] =
		(unsigned char)(function->id_back < 0 ? 0
						      : go->layout.wrapper_id - function->id_back);
	tail[1] = function->flags;
	tail[3] = 4;
	fake_go_put32(go, end + 8, record->inlines);
	fake_go_put32(go, end + 12, UINT32_MAX);
	fake_go_put32(go, end + 16, 16); /* maps of locals */
	fake_go_put32(go, end + 20, UINT32_MAX);
	fake_go_put32(go, end + 24, record->inlines != 0 ? 64 : UINT32_MAX);
	tables->next = end + 28;
}

static void put_inlined(struct fake_go *go, uint32_t number, uint32_t name, uint32_t parent_pc)
{
	bool old = go->layout.minor < 20;
	uint64_t addr = FAKE_GO_GOFUNC + 64 + number * (old ? UINT64_C(20) : UINT64_C(16));
	fake_go_put32(go, addr + (old ? 12 : 4), name);
	fake_go_put32(go, addr + (old ? 16 : 8), parent_pc);
}

static void put_slice(struct fake_go *go, uint64_t addr, uint64_t data, uint64_t num)
{
	fake_go_put(go, addr, data);
	fake_go_put(go, addr + 8, num);
	fake_go_put(go, addr + 16, num);
}

/* One of the five tables: from start to where it has grown. */
static uint64_t finish_table(struct tables *tables, uint32_t number, uint64_t start,
			     uint32_t item_size)
{
	static const uint8_t words[] = {1, 4, 7, 10, 13};
	put_slice(tables->go, FAKE_GO_MODULE + words[number] * UINT64_C(8), start,
		  (tables->next - start) / item_size);
	fake_go_put(tables->go, FAKE_GO_HEADER + 32 + number * UINT64_C(8), start - FAKE_GO_HEADER);
	tables->next = (tables->next + 31) & ~UINT64_C(31);
	return tables->next;
}

static void put_value_tables(struct tables *tables, uint64_t start, struct record *records)
{
	static const int32_t inlines[][2] = {{-1, 0x40}, {1, 0x20}, {0, 0x20}, {-1, 0x80}, {0, 0}};
	tables->next++;
	for (int32_t i = 0; i < FAKE_NUM_FUNCTIONS; i++) {
		int32_t frame = (int32_t)functions[i].frame;
		const int32_t plain[][2] = {{0, 0x100}, {0, 0}};
		const int32_t sp[][2] = {{0, 4}, {frame, 0xfc}, {0, 0}};
		const int32_t line[][2] = {{100 * i + 1, 0x40},
					   {100 * i + 20, 0x20},
					   {100 * i + 30, 0x20},
					   {100 * i + 2, 0x80},
					   {0, 0}};
		records[i].sp = put_values(tables, start, frame != 0 ? sp : plain);
		records[i].file = put_values(tables, start, plain);
		records[i].line = put_values(tables, start, line);
	}
	records[FAKE_WORKER].inlines = put_values(tables, start, inlines);
}

static void put_tables(struct fake_go *go)
{
	struct record records[FAKE_NUM_FUNCTIONS] = {0};
	uint64_t start = FAKE_GO_HEADER + 96;
	struct tables tables = {go, start};
	put_text(&tables, start, "");
	for (uint32_t i = 0; i < FAKE_NUM_FUNCTIONS; i++)
		records[i].name = put_text(&tables, start, functions[i].name);
	put_inlined(go, 0, put_text(&tables, start, "main.inner"), 0x3c);
	put_inlined(go, 1, put_text(&tables, start, "main.innermost"), 0x65);
	start = finish_table(&tables, 0, start, 1);
	fake_go_put32(go, start, UINT32_MAX);
	fake_go_put32(go, start + 4, 1);
	tables.next += 8;
	start = finish_table(&tables, 1, start, 4);
	put_text(&tables, start, "");
	put_text(&tables, start, "/src/main.go");
	start = finish_table(&tables, 2, start, 1);
	put_value_tables(&tables, start, records);
	start = finish_table(&tables, 3, start, 1);
	tables.next += (FAKE_NUM_FUNCTIONS + 1) * 8;
	for (uint32_t i = 0; i < FAKE_NUM_FUNCTIONS; i++) {
		fake_go_put32(go, start + i * 8, i * FAKE_GO_FUNCTION_SIZE);
		fake_go_put32(go, start + i * 8 + 4, (uint32_t)(tables.next - start));
		put_record(&tables, i, &records[i]);
	}
	fake_go_put32(go, start + FAKE_NUM_FUNCTIONS * 8,
		      FAKE_NUM_FUNCTIONS * FAKE_GO_FUNCTION_SIZE);
	finish_table(&tables, 4, start, 1);
	put_slice(go, FAKE_GO_MODULE + 128, start, FAKE_NUM_FUNCTIONS + 1);
	fake_go_put32(go, FAKE_GO_GOFUNC + 16, 1);
	fake_go_put32(go, FAKE_GO_GOFUNC + 20, 8);
}

static void put_module(struct fake_go *go)
{
	fake_go_put32(go, FAKE_GO_HEADER, go->layout.minor < 20 ? 0xfffffff0 : 0xfffffff1);
	memcpy(fake_go_at(go, FAKE_GO_HEADER + 4), (const char[]){0, 0, 1, 8}, 4);
	fake_go_put(go, FAKE_GO_HEADER + 8, FAKE_NUM_FUNCTIONS);
	fake_go_put(go, FAKE_GO_MODULE, FAKE_GO_HEADER);
	put_tables(go);
	fake_go_put(go, FAKE_GO_MODULE + 160, FAKE_GO_TEXT);
	fake_go_put(go, FAKE_GO_MODULE + 168, fake_go_pc(FAKE_NUM_FUNCTIONS, 0));
	fake_go_put(go, FAKE_GO_MODULE + 176, FAKE_GO_TEXT);
	fake_go_put(go, FAKE_GO_MODULE + 184, fake_go_pc(FAKE_NUM_FUNCTIONS, 0));
	/* noptrdata, data, bss, noptrbss */
	for (uint64_t i = 0; i < 4; i++) {
		fake_go_put(go, FAKE_GO_MODULE + 192 + 16 * i, FAKE_GO_GLOBALS + 0x1800 * i);
		fake_go_put(go, FAKE_GO_MODULE + 200 + 16 * i, FAKE_GO_GLOBALS + 0x1800 * (i + 1));
	}
	fake_go_put(go, FAKE_GO_MODULE + (uint64_t)go->layout.module_gofunc, FAKE_GO_GOFUNC);
}

/* ---- The runtime --------------------------------------------------------------------------- */

static void put_reasons(struct fake_go *go)
{
	static const char *const reasons[FAKE_GO_NUM_REASONS] = {
		"",	     "GC assist marking", "chan receive",
		"select",    "sync.Mutex.Lock",	  "sync.Cond.Wait",
		"chan send", "semacquire",	  "IO wait",
		"sleep",
	};
	for (uint64_t i = 0; i < FAKE_GO_NUM_REASONS; i++) {
		fake_go_put(go, FAKE_GO_REASONS + 16 * i, i > 0 ? fake_go_text(go, reasons[i]) : 0);
		fake_go_put(go, FAKE_GO_REASONS + 16 * i + 8, strlen(reasons[i]));
	}
}

void fake_go_init(struct fake_go *go, int minor, const char *version)
{
	*go = (struct fake_go){.version = version, .next_heap = FAKE_GO_HEAP + 0x100};
	fake_world_init(&go->world);
	go->data = calloc(1, FAKE_GO_DATA_SIZE);
	go->heap = calloc(1, FAKE_GO_HEAP_SIZE);
	go->stacks = calloc(FAKE_GO_NUM_STACKS, FAKE_GO_STACK_SIZE);
	ck_assert(go->data != NULL && go->heap != NULL && go->stacks != NULL);
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].minor == minor)
			go->layout = layouts[i];
	ck_assert_int_eq(go->layout.minor, minor);
	unsigned char *info = fake_go_at(go, FAKE_GO_VERSION);
	memcpy(info, "\xff Go buildinf:\x08\x02", 16);
	info[32] = (unsigned char)strlen(version);
	memcpy(info + 33, version, strlen(version));
	put_module(go);
	put_reasons(go);
	put_slice(go, FAKE_GO_ALLGS, fake_go_alloc(go, FAKE_GO_NUM_STACKS * 8), 0);
}

void fake_go_deinit(struct fake_go *go)
{
	fake_world_deinit(&go->world);
	free(go->data);
	free(go->heap);
	free(go->stacks);
	free(go->objects);
}

static void put_stack(struct fake_go *go, uint64_t g)
{
	const struct range stack = fake_go_stack(go);
	fake_go_put(go, g + GO_G_STACK_LOW, stack.low);
	fake_go_put(go, g + GO_G_STACK_HIGH, stack.high);
	fake_go_put(go, g + 72, g);
}

uint64_t fake_go_m(struct fake_go *go, int64_t tid)
{
	const struct fake_go_layout *layout = &go->layout;
	uint64_t m = fake_go_alloc(go, 512);
	uint64_t g0 = fake_go_alloc(go, 464), signal = fake_go_alloc(go, 464);
	put_stack(go, g0);
	put_stack(go, signal);
	fake_go_put(go, m, g0);
	fake_go_put(go, g0 + 48, m);
	fake_go_put(go, signal + 48, m);
	fake_go_put(go, m + (uint64_t)layout->m_procid, (uint64_t)tid);
	fake_go_put(go, m + (uint64_t)layout->m_gsignal, signal);
	fake_go_put(go, m + (uint64_t)layout->m_alllink, go->last_m);
	fake_go_put(go, FAKE_GO_ALLM, m);
	go->last_m = m;
	go->num_ms++;
	return m;
}

void fake_go_thread(struct fake_go *go, int32_t tid, uint64_t pc, uint64_t sp)
{
	ck_assert_uint_lt(go->num_threads, FAKE_GO_MAX_THREADS);
	go->threads[go->num_threads].tid = tid;
	go->threads[go->num_threads].pc = pc;
	go->threads[go->num_threads++].sp = sp;
}

uint64_t fake_go_g(struct fake_go *go, int64_t id, uint32_t status)
{
	const struct fake_go_layout *layout = &go->layout;
	uint64_t g = go->next_g != 0 ? go->next_g : fake_go_alloc(go, 464);
	go->next_g += go->next_g != 0 ? FAKE_GO_G_SIZE : 0;
	put_stack(go, g);
	fake_go_put32(go, g + (uint64_t)layout->g_status, status);
	fake_go_put(go, g + (uint64_t)layout->g_goid, (uint64_t)id);
	*(unsigned char *)fake_go_at(go, g + (uint64_t)layout->g_waitreason) = 1;
	fake_go_put(go, g + (uint64_t)layout->g_gopc, fake_go_pc(FAKE_MAIN, 0x90));
	fake_go_put(go, g + (uint64_t)layout->g_startpc, fake_go_pc(FAKE_WORKER, 0));
	if (layout->g_parent != GO_NONE)
		fake_go_put(go, g + (uint64_t)layout->g_parent, 1);
	fake_go_put(go, fake_go_get(go, FAKE_GO_ALLGS) + 8 * go->num_gs, g);
	go->gs[go->num_gs++] = g;
	put_slice(go, FAKE_GO_ALLGS, fake_go_get(go, FAKE_GO_ALLGS), go->num_gs);
	return g;
}

void fake_go_bind(struct fake_go *go, uint64_t g, uint64_t m)
{
	fake_go_put(go, g + 48, m);
	fake_go_put(go, m + (uint64_t)go->layout.m_curg, g);
}

uint64_t fake_go_frames(struct fake_go *go, struct range stack, const uint64_t *pcs, uint32_t num)
{
	uint64_t first_sp = stack.high - 64, sp;
	for (uint32_t pass = 0; pass < 2; pass++) {
		sp = first_sp;
		for (uint32_t i = 0; i < num; i++) {
			uint64_t off = pcs[i] - FAKE_GO_TEXT;
			bool inside = off % FAKE_GO_FUNCTION_SIZE >= 4;
			sp += inside ? functions[off / FAKE_GO_FUNCTION_SIZE].frame : 0;
			if (pass == 1 && i + 1 < num)
				fake_go_put(go, sp, pcs[i + 1]);
			sp += 8;
		}
		if (pass == 0)
			first_sp -= sp - first_sp;
	}
	return first_sp;
}

void fake_go_calls(struct fake_go *go, uint64_t g, const uint64_t *pcs, uint32_t num)
{
	const struct range stack = {fake_go_get(go, g), fake_go_get(go, g + 8)};
	fake_go_put(go, g + 56, fake_go_frames(go, stack, pcs, num));
	fake_go_put(go, g + 64, pcs[0]);
}

/* ---- A program ----------------------------------------------------------------------------- */

enum { FORCED = 1, NUM_GCS = 3, SECOND = 1000000000, NUM_SPANS = 10 };

static void put_gcs(struct fake_go *go)
{
	const uint64_t unix_ns = UINT64_C(1700000000) * SECOND;
	fake_go_put(go, FAKE_GO_GC, unix_ns);
	fake_go_put32(go, FAKE_GO_GC + 4112, NUM_GCS);
	fake_go_put32(go, FAKE_GO_GC + 4116, FORCED);
	fake_go_put(go, FAKE_GO_GC + 4128, UINT64_C(90) * SECOND);
	for (uint64_t i = 0; i < NUM_GCS; i++)
		fake_go_put(go, FAKE_GO_GC + 2064 + 8 * i,
			    unix_ns - (NUM_GCS - 1 - i) * 10 * SECOND);
	fake_go_put32(go, FAKE_GO_ALLSPANS - 8, 2 * NUM_GCS);
}

static void put_spans(struct fake_go *go)
{
	uint64_t array = fake_go_alloc(go, NUM_SPANS * 8);
	put_slice(go, FAKE_GO_ALLSPANS, array, NUM_SPANS);
	for (uint64_t i = 0; i < NUM_SPANS; i++) {
		uint64_t span = fake_go_alloc(go, 160);
		/* The sixth and the seventh lie in the other order. */
		uint64_t start = FAKE_GO_HEAP + (i == 5 || i == 6 ? 11 - i : i) * 16384;
		fake_go_put(go, array + 8 * i, span);
		fake_go_put(go, span + 24, start);
		fake_go_put(go, span + 32, 2);
		/* Six in use, three of stacks, one dead. */
		*(unsigned char *)fake_go_at(go, span + 99) = i < 6 ? 1 : i < 9 ? 2 : 0;
		fake_go_put(go, span + 104, i == 5 ? 112 : 64);
		fake_go_put(go, span + 112, i == 5 ? start + 16352 : start + 16384);
	}
}

static void put_scheduler(struct fake_go *go, uint64_t running_m)
{
	const struct fake_go_layout *layout = &go->layout;
	uint64_t array = fake_go_alloc(go, 16);
	put_slice(go, FAKE_GO_ALLP, array, 2);
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t p = fake_go_alloc(go, 13808);
		fake_go_put(go, array + 8 * i, p);
		fake_go_put32(go, p, (uint32_t)i);
		fake_go_put(go, p + 32, UINT64_C(100) * SECOND + i);
		fake_go_put(go, p + (uint64_t)layout->p_goidcache, 21 + 16 * i);
		fake_go_put(go, p + (uint64_t)layout->p_goidcache + 8, 32 + 16 * i);
		if (layout->p_created != GO_NONE)
			fake_go_put(go, p + (uint64_t)layout->p_created, 8);
		if (i == 0) {
			fake_go_put(go, p + (uint64_t)layout->p_m, running_m);
			fake_go_put(go, running_m + (uint64_t)layout->m_p, p);
		}
	}
	fake_go_put(go, FAKE_GO_SCHED, 48);
	fake_go_put(go, FAKE_GO_SCHED + 8, UINT64_C(99) * SECOND);
	uint64_t max = FAKE_GO_SCHED + (uint64_t)layout->sched_maxmcount;
	fake_go_put32(go, max, 10000);
	fake_go_put(go, max - 8, go->num_ms);
	fake_go_put32(go, FAKE_GO_SCHED + (uint64_t)layout->sched_ngsys, 1);
	fake_go_put(go, FAKE_GO_SCHED + (uint64_t)layout->sched_resized, UINT64_C(10) * SECOND);
	if (layout->sched_created != GO_NONE)
		fake_go_put(go, FAKE_GO_SCHED + (uint64_t)layout->sched_created, 6);
}

static void put_goroutines(struct fake_go *go, uint64_t running_m, uint64_t syscall_m)
{
	const struct fake_go_layout *layout = &go->layout;
	uint64_t park = fake_go_pc(FAKE_GOPARK, 0x80), exit = fake_go_pc(FAKE_GOEXIT, 1);
	uint64_t first = fake_go_g(go, FAKE_GO_FIRST_ID, GO_STATUS_WAITING);
	fake_go_put(go, first + (uint64_t)layout->g_startpc, fake_go_pc(FAKE_RUNTIME_MAIN, 0));
	fake_go_put(go, first + (uint64_t)layout->g_gopc, fake_go_pc(FAKE_RT0_GO, 0x50));
	FAKE_GO_CALLS(go, first, park, fake_go_pc(FAKE_CHANRECV, 0x20), fake_go_pc(FAKE_MAIN, 0x30),
		      fake_go_pc(FAKE_RUNTIME_MAIN, 0x30), exit);
	for (int64_t id = 17; id <= 18; id++) {
		uint64_t g = fake_go_g(go, id, GO_STATUS_WAITING);
		*(unsigned char *)fake_go_at(go, g + (uint64_t)layout->g_waitreason) = 2;
		fake_go_put(go, g + (uint64_t)layout->g_waitsince, UINT64_C(75) * SECOND);
		FAKE_GO_CALLS(go, g, park, fake_go_pc(FAKE_CHANRECV, 0x20),
			      fake_go_pc(FAKE_WORKER, 0x51), exit);
	}
	uint64_t runnable = fake_go_g(go, 19, GO_STATUS_RUNNABLE);
	FAKE_GO_CALLS(go, runnable, fake_go_pc(FAKE_WORKER, 0), exit);
	uint64_t system = fake_go_g(go, 2, GO_STATUS_WAITING);
	fake_go_put(go, system + (uint64_t)layout->g_startpc, fake_go_pc(FAKE_BGSWEEP, 0));
	FAKE_GO_CALLS(go, system, park, fake_go_pc(FAKE_BGSWEEP, 0x30), exit);
	uint64_t blocked = fake_go_g(go, 20, GO_STATUS_SYSCALL);
	FAKE_GO_CALLS(go, blocked, fake_go_pc(FAKE_SYSCALL, 0x20), fake_go_pc(FAKE_WORKER, 0x90),
		      exit);
	fake_go_put(go, blocked + (uint64_t)layout->g_syscallsp, fake_go_get(go, blocked + 56));
	fake_go_put(go, blocked + (uint64_t)layout->g_syscallpc, fake_go_get(go, blocked + 64));
	fake_go_bind(go, blocked, syscall_m);
	fake_go_thread(go, 102, fake_go_pc(FAKE_SYSCALL, 0x20), fake_go_get(go, blocked + 56));
	uint64_t running = fake_go_g(go, 33, GO_STATUS_RUNNING);
	FAKE_GO_CALLS(go, running, fake_go_pc(FAKE_MAIN, 0x10), fake_go_pc(FAKE_WORKER, 0x90),
		      exit);
	fake_go_bind(go, running, running_m);
	fake_go_thread(go, 101, fake_go_pc(FAKE_MAIN, 0x10), fake_go_get(go, running + 56));
	/* Its saved context is stale. */
	fake_go_put(go, running + 56, 0);
	fake_go_put(go, running + 64, 0);
	fake_go_put(go, fake_go_g(go, 34, GO_STATUS_DEAD) + (uint64_t)layout->g_startpc, 0);
}

void fake_go_program(struct fake_go *go)
{
	uint64_t running_m = fake_go_m(go, 101), syscall_m = fake_go_m(go, 102);
	uint64_t idle_m = fake_go_m(go, 103), g0 = fake_go_get(go, idle_m);
	const uint64_t idle[] = {fake_go_pc(FAKE_PARK_M, 0x10), fake_go_pc(FAKE_MCALL, 0x20)};
	const struct range stack = {fake_go_get(go, g0), fake_go_get(go, g0 + 8)};
	put_goroutines(go, running_m, syscall_m);
	fake_go_thread(go, 103, idle[0], fake_go_frames(go, stack, idle, 2));
	put_scheduler(go, running_m);
	put_spans(go);
	put_gcs(go);
}

/* ---- The core ------------------------------------------------------------------------------ */

static void put_thread(struct fake_go *go, uint32_t i)
{
	struct user_regs_struct regs = {
		.rip = go->threads[i].pc,
		.rsp = go->threads[i].sp,
		.rbp = go->threads[i].bp,
		.orig_rax = UINT64_MAX,
	};
	if (go->threads[i].asleep) {
		regs.orig_rax = SYS_futex;
		regs.rax = (uint64_t)-512; /* ERESTARTSYS */
	}
	fake_thread(&go->world.core, go->threads[i].tid, 0, &regs);
	if (go->threads[i].vector != 0) {
		uint64_t words[64] = {[20] = go->threads[i].vector};
		fake_note(&go->world.core, "CORE", NT_FPREGSET, words, sizeof(words));
	}
}

void fake_go_build(struct fake_go *go)
{
	static const char path[] = "/no/such/folder/go-program";
	struct fake_core *core = &go->world.core;
	const Elf64_auxv_t auxv[] = {{AT_ENTRY, {FAKE_GO_TEXT}}};
	const uint64_t text_size = 2 * FAKE_PAGE;
	for (uint32_t i = 0; i < go->num_threads; i++) {
		put_thread(go, i);
		if (i == 0) {
			fake_prpsinfo(core, 101, "go-program");
			fake_siginfo(core, 6);
			fake_auxv(core, auxv, 1);
		}
	}
	fake_segment(core, FAKE_GO_TEXT, NULL, 0, text_size, PF_R | PF_X);
	fake_mapping(core, FAKE_GO_TEXT, FAKE_GO_TEXT + text_size, 0, path);
	fake_segment(core, FAKE_GO_DATA, go->data, FAKE_GO_DATA_SIZE, FAKE_GO_DATA_SIZE,
		     PF_R | PF_W);
	fake_mapping(core, FAKE_GO_DATA, FAKE_GO_DATA + FAKE_GO_DATA_SIZE, 2, path);
	fake_segment(core, FAKE_GO_HEAP, go->heap, FAKE_GO_HEAP_SIZE, FAKE_GO_HEAP_SIZE,
		     PF_R | PF_W);
	fake_segment(core, FAKE_GO_STACKS, go->stacks, FAKE_GO_NUM_STACKS * FAKE_GO_STACK_SIZE,
		     FAKE_GO_NUM_STACKS * FAKE_GO_STACK_SIZE, PF_R | PF_W);
	if (go->objects != NULL)
		fake_segment(core, FAKE_GO_OBJECTS, go->objects, FAKE_GO_OBJECTS_SIZE,
			     FAKE_GO_OBJECTS_SIZE, PF_R | PF_W);
}

void fake_go_open(struct fake_go *go)
{
	struct fake_world *world = &go->world;
	fake_go_build(go);
	fake_world_open_image(world);
	tasks_build(&go->tasks, &world->arena, &world->gaps, &world->notes, world->image);
	go_runtime_build(&go->runtime, &world->arena, &world->gaps, world->image, &world->notes);
	goroutines_add(&go->goroutines, &go->tasks, &world->arena, &world->gaps, &go->runtime,
		       &world->notes, world->image);
	go_spans_build(&go->spans, &world->arena, &world->gaps, &go->runtime, world->image);
}

const struct task *fake_go_task(const struct fake_go *go, int64_t id)
{
	for (uint32_t i = go->goroutines.first_task; i < go->tasks.list.num; i++)
		if (go->tasks.list.items[i].id == id)
			return &go->tasks.list.items[i];
	return NULL;
}

const struct goroutine *fake_go_goroutine(const struct fake_go *go, int64_t id)
{
	const struct task *task = fake_go_task(go, id);
	ck_assert_msg(task != NULL, "no goroutine %lld", (long long)id);
	return goroutines_of_task(&go->goroutines, (uint32_t)(task - go->tasks.list.items));
}

const char *fake_go_gap(const struct fake_go *go, const char *kind)
{
	for (uint32_t i = 0; i < go->world.gaps.list.num; i++)
		if (strcmp(go->world.gaps.list.items[i].kind, kind) == 0)
			return go->world.gaps.list.items[i].detail;
	return NULL;
}
