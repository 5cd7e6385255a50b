/* fake_go.h - a small Go program in a fake core: function tables, goroutines, Ms, scheduler, spans.
 *
 * The memory is laid out by what a Go version's own debug information says, which this file states
 * anew: nothing here comes from the analyzer's tables. Everything may be changed until it is
 * opened. */
#ifndef CORELEAKS_TESTS_FAKE_GO_H
#define CORELEAKS_TESTS_FAKE_GO_H

#include "fake_world.h"
#include "task/go_spans.h"
#include "task/goroutines.h"

#define FAKE_GO_TEXT	UINT64_C(0x401000)
#define FAKE_GO_DATA	UINT64_C(0x500000)
#define FAKE_GO_HEAP	UINT64_C(0xc000000000)
#define FAKE_GO_STACKS	UINT64_C(0xc000800000)
#define FAKE_GO_OBJECTS UINT64_C(0xc001000000)

enum {
	FAKE_GO_FUNCTION_SIZE = 0x100, /* of code; its prologue takes the first 4 bytes */
	FAKE_GO_DATA_SIZE = 0x10000,
	FAKE_GO_HEAP_SIZE = 0x1c000, /* its last 0x4000 bytes are for objects of 112 bytes */
	FAKE_GO_STACK_SIZE = 0x1000, /* of each */
	FAKE_GO_OBJECTS_SIZE = 0x20000,
	FAKE_GO_G_SIZE = 480, /* where each object has its own place */
	FAKE_GO_CHANNEL_SIZE = 112,
	FAKE_GO_NUM_STACKS = 32,
	FAKE_GO_MAX_THREADS = 16,
	FAKE_GO_NUM_REASONS = 10,
	FAKE_GO_FIRST_ID = 1,
};

/* The program's functions, by address. */
enum fake_go_function {
	FAKE_RT0_GO,
	FAKE_GOEXIT,
	FAKE_MSTART,
	FAKE_MCALL,
	FAKE_SYSTEMSTACK_SWITCH,
	FAKE_CGOCALLBACK,
	FAKE_ASYNC_PREEMPT,
	FAKE_SIGPANIC,
	FAKE_PARK_M,
	FAKE_GOPARK,
	FAKE_CHANRECV,
	FAKE_SYSCALL,
	FAKE_BGSWEEP,
	FAKE_RUNTIME_MAIN,
	FAKE_MAIN,
	FAKE_WORKER, /* [0x40, 0x60) main.innermost in main.inner, [0x60, 0x80) main.inner */
	FAKE_WRAPPER,
	FAKE_NUM_FUNCTIONS,
};

/* Offsets in the runtime's structs; GO_NONE: that version has none. */
struct fake_go_layout {
	int minor;
	int g_syscallsp, g_syscallpc, g_status, g_goid, g_waitsince, g_waitreason, g_lockedm;
	int g_parent, g_gopc, g_startpc, g_labels;
	int m_procid, m_gsignal, m_curg, m_p, m_alllink;
	int sched_midle, sched_maxmcount, sched_ngsys, sched_resized, sched_created;
	int p_m, p_goidcache, p_created;
	int module_gofunc, module_next;
	int wrapper_id;
};

/* Where things stand in the data; addresses. */
enum fake_go_place {
	FAKE_GO_VERSION = 0x500000,
	FAKE_GO_HEADER = 0x500100, /* pcHeader; its tables follow */
	FAKE_GO_GOFUNC = 0x507000,
	FAKE_GO_MODULE = 0x508000,
	FAKE_GO_GLOBALS = 0x509000,
	FAKE_GO_ALLSPANS = 0x509100, /* mheap.sweepgen is the word before */
	FAKE_GO_ALLGS = 0x509200,
	FAKE_GO_ALLM = 0x509300,
	FAKE_GO_ALLP = 0x509400,
	FAKE_GO_SCHED = 0x50a000,
	FAKE_GO_REASONS = 0x50c000,
	FAKE_GO_GC = 0x50d000, /* memstats.last_gc_unix */
	FAKE_GO_GLOBALS_END = 0x50f000,
};

struct fake_go {
	struct fake_world world;
	struct fake_go_layout layout;
	const char *version;
	unsigned char *data, *heap, *stacks;
	unsigned char *objects; /* more memory; NULL: none */
	uint64_t next_heap, last_m;
	uint64_t next_g, next_channel; /* in objects; 0: they lie as all else does */
	uint32_t num_stacks, num_gs, num_ms, num_threads;
	struct {
		int32_t tid;
		bool asleep; /* in the kernel */
		uint64_t pc, sp;
		uint64_t bp, vector; /* registers */
	} threads[FAKE_GO_MAX_THREADS];
	uint64_t gs[FAKE_GO_NUM_STACKS];
	/* Once opened: */
	struct go_runtime runtime;
	struct tasks tasks;
	struct goroutines goroutines;
	struct go_spans spans;
};

/* minor: 19 or 27. A program without goroutines, whose version text is version. */
void fake_go_init(struct fake_go *go, int minor, const char *version);
void fake_go_deinit(struct fake_go *go);

/* The place of off bytes in a function. */
uint64_t fake_go_pc(enum fake_go_function function, uint32_t off);
/* Host bytes of that address. */
void *fake_go_at(struct fake_go *go, uint64_t addr);
void fake_go_put(struct fake_go *go, uint64_t addr, uint64_t value);
void fake_go_put32(struct fake_go *go, uint64_t addr, uint32_t value);
uint64_t fake_go_get(struct fake_go *go, uint64_t addr);
/* size zeroed bytes of the heap, or an empty stack. */
uint64_t fake_go_alloc(struct fake_go *go, uint64_t size);
struct range fake_go_stack(struct fake_go *go);
/* Address of a Go string's bytes. */
uint64_t fake_go_text(struct fake_go *go, const char *text);

/* An M (its thread is added apart); the address. The newest is first in the runtime's list. */
uint64_t fake_go_m(struct fake_go *go, int64_t tid);
void fake_go_thread(struct fake_go *go, int32_t tid, uint64_t pc, uint64_t sp);
/* A goroutine that waits with reason 1, made in main.main for main.worker; the address. */
uint64_t fake_go_g(struct fake_go *go, int64_t id, uint32_t status);
/* Binds them to each other. */
void fake_go_bind(struct fake_go *go, uint64_t g, uint64_t m);
/* Lays return addresses on a stack: pcs innermost first, each in the frame of its function. Returns
 * the stack pointer of the first. */
uint64_t fake_go_frames(struct fake_go *go, struct range stack, const uint64_t *pcs, uint32_t num);
/* The same, and the goroutine's saved context. */
void fake_go_calls(struct fake_go *go, uint64_t g, const uint64_t *pcs, uint32_t num);
#define FAKE_GO_CALLS(go, g, ...)                                                                  \
	fake_go_calls(go, g, (const uint64_t[]){__VA_ARGS__},                                      \
		      sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Goroutine 1 and two workers that wait, a runnable one, one in a system call, a running one with
 * its thread, a system one, a dead one; an idle thread; two processors; spans; GCs. */
void fake_go_program(struct fake_go *go);

/* Core segments and notes, then: */
void fake_go_build(struct fake_go *go);
/* the image, the runtime, threads, goroutines, spans. */
void fake_go_open(struct fake_go *go);
/* The opened task with that id; NULL none. */
const struct task *fake_go_task(const struct fake_go *go, int64_t id);
const struct goroutine *fake_go_goroutine(const struct fake_go *go, int64_t id);
const char *fake_go_gap(const struct fake_go *go, const char *kind);

#endif
