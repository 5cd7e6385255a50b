/* go_layout.h - where the Go runtime keeps what in its structs: a table by version, and what the
 * core itself shows (calibration). Neither is believed alone where both can speak.
 *
 * Offsets are bytes; GO_NONE: that version has no such field, or it is unknown. */
#ifndef CORELEAKS_TASK_GO_LAYOUT_H
#define CORELEAKS_TASK_GO_LAYOUT_H

#include "core/notes.h"
#include "task/go_tables.h"

enum { GO_NONE = -1 };

/* The same in all versions since 1.19 (runtime/runtime2.go). */
enum {
	GO_G_STACK_LOW = 0,
	GO_G_STACK_HIGH = 8,
	GO_G_PANIC = 32,
	GO_G_M = 48,
	GO_G_SCHED_SP = 56,
	GO_G_SCHED_PC = 64,
	GO_G_SCHED_G = 72, /* points back to the g itself */
	GO_G_SCHED_CONTEXT = 80,
	GO_M_G0 = 0,
	GO_MAX_G_SIZE = 512, /* at least sizeof(g) of every version */
};

/* Go's status of a goroutine (runtime/runtime2.go); GO_STATUS_SCAN is added while GC scans it. */
enum {
	GO_STATUS_IDLE = 0,
	GO_STATUS_RUNNABLE = 1,
	GO_STATUS_RUNNING = 2,
	GO_STATUS_SYSCALL = 3,
	GO_STATUS_WAITING = 4,
	GO_STATUS_DEAD = 6,
	GO_STATUS_COPYSTACK = 8,
	GO_STATUS_PREEMPTED = 9,
	GO_STATUS_LEAKED = 10,	   /* since 1.26: waiting, and found leaked by Go itself */
	GO_STATUS_DEAD_EXTRA = 11, /* since 1.26 */
	GO_STATUS_SCAN = 0x1000,
};

struct go_layout {
	int16_t minor; /* of the version the table's row is for; GO_NONE: calibrated alone */
	/* g */
	int16_t g_sched_bp, g_syscallsp, g_syscallpc, g_status, g_goid, g_waitsince, g_waitreason;
	int16_t g_lockedm, g_parent, g_gopc, g_ancestors, g_startpc, g_waiting, g_labels, g_timer;
	int16_t g_size;
	/* m */
	int16_t m_procid, m_gsignal, m_curg, m_p, m_id, m_incgo, m_alllink;
	/* sudog, hchan */
	int16_t sudog_elem, sudog_c, sudog_ticket, sudog_select, sudog_waitlink, sudog_parent;
	int16_t sudog_size, hchan_recvq, hchan_sendq, hchan_elemtype, hchan_timer;
	/* timer (its period stands behind when), pollDesc (wg stands behind rg) */
	int16_t timer_when, timer_arg, poll_rg, poll_rd, poll_wd;
	/* mspan */
	int16_t span_state, span_class, span_elemsize, span_limit;
	/* schedt, p */
	int16_t sched_lastpoll, sched_midle, sched_maxmcount, sched_ngsys, sched_resized,
		sched_created;
	int16_t p_m, p_schedwhen, p_syscallwhen, p_goidcache, p_created, p_timers;
	/* moduledata */
	int16_t module_end, module_gofunc, module_next, module_types, module_etypes;
	/* mheap: from the slice allspans back to its start, and its sweepgen */
	int32_t heap_allspans, heap_sweepgen;
};

/* The table's layout of Go 1.minor; false: a version it does not know. */
bool go_layout_for(int32_t minor, struct go_layout *ret);

/* What calibration looks at. */
struct go_evidence {
	struct image *image;
	const struct notes *notes; /* the threads that are there */
	const struct go_tables *tables;
	const uint64_t *gs; /* some goroutines' g, the first of them goroutine 1 */
	uint32_t num_gs;
	const uint64_t *ms; /* what may be Ms: the newest one is among them */
	uint32_t num_ms;
};

/* Does the core agree with that layout? *field_ret: the first field that does not. */
bool go_layout_check(const struct go_layout *layout, const struct go_evidence *evidence,
		     const char **field_ret);
/* Finds the fields by their content, starting from the nearest version's; false: not recognised. */
bool go_layout_calibrate(struct go_layout *ret, int32_t minor, const struct go_evidence *evidence);

#endif
