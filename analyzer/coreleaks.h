/* coreleaks.h - the public interface of libcoreleaks.
 *
 * Opens one ELF core dump, lists its tasks (threads and goroutines), groups them by identical
 * stacks, and says what is suspicious about them. One of your threads per analysis; analyses are
 * independent of each other. No globals, no output, no exit: all answers are returned.
 *
 * While coreleaks_run() works at much it has threads of its own, up to eight or as many as there
 * are processors, none with max_memory; they take no signals, and make no answer another.
 */
#ifndef CORELEAKS_H
#define CORELEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

#define CORELEAKS_VERSION "0.1.0"

/* ---- Errors ------------------------------------------------------------------------------ */

enum coreleaks_error_code {
	CORELEAKS_ERROR_MEMORY = 1,	 /* out of memory, or max_memory reached */
	CORELEAKS_ERROR_USAGE = 2,	 /* an option's value makes no sense */
	CORELEAKS_ERROR_OPEN = 3,	 /* a file cannot be opened */
	CORELEAKS_ERROR_NOT_A_CORE = 4,	 /* the file is no ELF core dump */
	CORELEAKS_ERROR_UNSUPPORTED = 5, /* a core, but of a machine that is not supported */
	CORELEAKS_ERROR_READ = 6,	 /* reading, unpacking or writing failed */
	CORELEAKS_ERROR_CANCELLED = 7,	 /* cancelled or timed out before there was any result */
	CORELEAKS_ERROR_NOT_FOUND = 8,	 /* no group, task or object of that name */
};

/* An error: this call could not give its answer. Yours; release with coreleaks_error_free(). */
struct coreleaks_error {
	enum coreleaks_error_code code;
	int32_t errno_value; /* 0 when no system call failed */
	const char *message; /* one line, complete: names file and reason */
	const char *path;    /* the file it is about, or NULL */
};

void coreleaks_error_free(struct coreleaks_error *error);

/* ---- Words ------------------------------------------------------------------------------- */

enum coreleaks_kind { CORELEAKS_KIND_THREAD = 0, CORELEAKS_KIND_GOROUTINE = 1 };

enum coreleaks_state {
	CORELEAKS_STATE_RUNNING = 0,
	CORELEAKS_STATE_RUNNABLE = 1,
	CORELEAKS_STATE_SYSCALL = 2,
	CORELEAKS_STATE_WAITING = 3,
	CORELEAKS_STATE_EXITED = 4,
};

/* How a frame was found, best first. */
enum coreleaks_trust {
	CORELEAKS_TRUST_CONTEXT = 0,	   /* the saved registers themselves: innermost frame */
	CORELEAKS_TRUST_CFI = 1,	   /* call frame information of the caller's callee */
	CORELEAKS_TRUST_PCLNTAB = 2,	   /* Go's own tables */
	CORELEAKS_TRUST_FRAME_POINTER = 3, /* followed the frame pointer: usually right */
	CORELEAKS_TRUST_SCAN = 4,	   /* a plausible return address on the stack */
};

/* How a stack ended. */
enum coreleaks_stack_end {
	CORELEAKS_STACK_COMPLETE = 0,	/* reached the outermost frame */
	CORELEAKS_STACK_LIMIT = 1,	/* max_frames reached */
	CORELEAKS_STACK_BROKEN = 2,	/* no rule to go on: module missing, or stack damaged */
	CORELEAKS_STACK_UNREADABLE = 3, /* the stack's memory is not in the core */
};

/* Order matters: later is weaker. */
enum coreleaks_verdict {
	CORELEAKS_VERDICT_PROVED = 0,
	CORELEAKS_VERDICT_LIKELY = 1,
	CORELEAKS_VERDICT_SUSPECT = 2,
	CORELEAKS_VERDICT_UNKNOWN = 3,
	CORELEAKS_VERDICT_BENIGN = 4,
};

enum coreleaks_group_by {
	CORELEAKS_GROUP_BY_LINE = 0, /* function and file:line, or function+offset without lines */
	CORELEAKS_GROUP_BY_FUNCTION = 1, /* function names alone */
	CORELEAKS_GROUP_BY_PC = 2,	 /* exact instruction: module and offset in it */
	CORELEAKS_GROUP_BY_KEY = 3,	 /* whatever group_key() of the options returns */
	CORELEAKS_GROUP_BY_REASON = 4,	 /* what they wait for, whatever their stacks */
	CORELEAKS_GROUP_BY_OBJECT = 5, /* the same object, by its address; without one the reason */
	CORELEAKS_GROUP_BY_CREATOR = 6, /* the place in the code that creates them */
	CORELEAKS_GROUP_BY_LABEL = 7,	/* the value of the label that group_label names */
};

const char *coreleaks_kind_name(enum coreleaks_kind kind);
const char *coreleaks_state_name(enum coreleaks_state state);
const char *coreleaks_trust_name(enum coreleaks_trust trust);
const char *coreleaks_stack_end_name(enum coreleaks_stack_end end);
const char *coreleaks_verdict_name(enum coreleaks_verdict verdict);

/* ---- Results ----------------------------------------------------------------------------- */

/* All structs below are owned by the analysis and live until coreleaks_close(). Fields are only
 * ever added at the end. Text is UTF-8 as far as the dump's is: treat it as untrusted. */

/* A label that the program itself gave to a goroutine (runtime/pprof). */
struct coreleaks_label {
	const char *key, *value;
};

struct coreleaks_creation;

/* A goroutine that another descends from; it may have ended. */
struct coreleaks_ancestor {
	int64_t id;
	const struct coreleaks_creation *creation; /* NULL unknown, or none */
};

struct coreleaks_task {
	enum coreleaks_kind kind;
	enum coreleaks_state state;
	int64_t id; /* thread: kernel thread id as the core has it; may repeat in a damaged core */
	uint64_t pc, sp, bp; /* registers at the dump */
	uint64_t stack_size; /* bytes of stack in use; 0 when nothing tells */
	int32_t syscall_nr;  /* system call the thread is, or last was, in; -1 none */
	int32_t signal;	     /* signal that this thread took when the core was written; 0 none */
	uint32_t stack_id;   /* index for coreleaks_stack() */
	const char *reason;  /* what it waits for, see formats of the JSON report; NULL unknown */
	const char *object;  /* kind of the object it waits for: mutex, thread, fd …; NULL none */
	bool timed;	     /* its wait ends by itself */
	const struct coreleaks_creation *creation; /* where it was created; NULL unknown */
	int64_t creator_id;    /* goroutine: the one that started it; 0 unknown */
	int64_t wait_ns;       /* it waits at least this long; -1 unknown */
	bool marked_leaked;    /* goroutine: the Go runtime itself found it leaked */
	bool locked_to_thread; /* goroutine: by runtime.LockOSThread, or as cgo's callback */
	const struct coreleaks_label *labels; /* by key */
	uint32_t num_labels;
	const char *system; /* whose own it is, not the program's: "Go runtime"; NULL none */
	int64_t thread_id; /* goroutine: the thread that runs it, or that it is locked to; 0 none */
	uint64_t stack_reserved_size; /* bytes of address space that its stack keeps; 0 unknown */
	uint64_t stack_resident_size; /* of these, bytes that were ever used; 0 unknown */
	/* Goroutine: where its thread, whose stack begins with frames of C, comes back to Go's
	 * code: not one of the stack's frames. pc, sp and bp above are the goroutine's own. 0: no
	 * C. */
	uint64_t c_call_pc, c_call_sp;
	uint64_t g_addr; /* goroutine: of the Go runtime's record of it; 0 none */
	/* A goroutine that could still be woken: what keeps what it waits for reachable, the
	 * strongest of "goroutine" (one that may go on), "timer", "variable", "waiting goroutine"
	 * (that itself only one of the two before keeps). NULL: not searched, or stuck. */
	const char *keeper;
	/* Goroutine: the one that made it, the one that made that, and so on; kept by the runtime
	 * only under GODEBUG=tracebackancestors=N. */
	const struct coreleaks_ancestor *ancestors;
	uint32_t num_ancestors;
	uint32_t num_more_ancestors; /* that were kept, but are not listed */
	const char *start;	     /* goroutine: the function it began with; NULL unknown */
};

struct coreleaks_frame;
struct coreleaks_evidence;

/* A thread that may hold a lock which does not record its holder: an address of the lock's stands
 * where it still uses it, in a register or a live frame. It may as well have let go of the lock, or
 * never have had it: this proves nothing. */
struct coreleaks_candidate {
	uint32_t task; /* index */
	/* The program's function in whose frame, or in whose callee's, the address is; NULL
	 * unknown. Its sp and cfa may be another task's. */
	const struct coreleaks_frame *frame;
};

/* What a read-write lock counts. */
struct coreleaks_rwlock {
	bool known;
	bool write_locked;	      /* a writer holds it */
	uint32_t num_readers;	      /* read locks held; nothing records whose */
	uint32_t num_writers_waiting; /* tasks that wait for it in order to write */
};

/* One step from a context to the one it was derived from (package context). */
struct coreleaks_context {
	uint64_t addr;	  /* of the context; 0: it is none in memory (Background) */
	const char *type; /* "context.cancelCtx", "context.backgroundCtx" …; NULL unknown */
	bool timed;	  /* it ends by itself: when_ns, left_ns */
	int64_t when_ns, left_ns; /* as in coreleaks_go_object */
};

/* Something of Go's that goroutines wait on, decoded once however many wait. Channels of timers and
 * of contexts are channels still: what stands here of channels holds for them. */
struct coreleaks_go_object {
	const char *kind;     /* channel, timer, context, go-mutex, go-rwmutex, waitgroup, go-cond,
				 semaphore */
	uint64_t addr;	      /* of the channel or lock; semaphore: of its word */
	bool known;	      /* its memory could be read: what is below is valid */
	uint32_t num_waiters; /* goroutines that wait for it, in a select too */

	bool is_channel;
	const char *element;   /* channel: type of its elements; NULL unknown */
	uint64_t element_size; /* bytes */
	uint64_t capacity, length;
	bool closed;
	bool queues_known; /* its queues were read to the end: the two numbers are all */
	uint32_t num_senders, num_receivers; /* that wait in its queues */

	uint64_t owner_addr; /* of the timer or context that has the channel; 0 none */
	bool timed;	     /* the clock ends waiting for it */
	int64_t when_ns;     /* when, by the program's monotonic clock */
	int64_t left_ns;     /* from the dump, at most; negative: overdue; INT64_MIN unknown */
	int64_t period_ns;   /* of a ticker; 0: it is none */
	const struct coreleaks_context *contexts; /* the owner first, then what it comes from */
	uint32_t num_contexts;

	bool locked;	       /* go-mutex; go-rwmutex: by a writer */
	bool starving;	       /* go-mutex: handed on in turn */
	bool writer_waits;     /* go-rwmutex: has closed it to new readers */
	uint32_t num_readers;  /* go-rwmutex: that hold it */
	uint32_t num_counted;  /* waiters by its own count: go-mutex, waitgroup */
	int64_t counter;       /* waitgroup: calls of Done() that are missing */
	uint64_t locker_addr;  /* go-cond: of the lock its waiters take again; 0 unknown */
	const char *type;      /* of channels: "chan int"; NULL unknown */
	bool candidates_known; /* goroutines that use its address were searched for */
	const struct coreleaks_candidate *candidates; /* as in coreleaks_wait; not its waiters */
	uint32_t num_candidates, num_all_candidates;
	const char *use; /* what the lock is part of: "sync.Once"; NULL: nothing known */
};

/* One way for a goroutine's wait to end: a channel operation's only one, or a select's case. */
struct coreleaks_case {
	const struct coreleaks_go_object *channel; /* NULL: a nil channel, never ready */
	bool send;				   /* else it receives */
	bool queued;				   /* the channel's queue still holds it */
};

/* What one task waits for, in full. */
struct coreleaks_wait {
	const char *object;  /* as in the task */
	uint64_t addr;	     /* of the object; for "fd" its number, for "thread" its pthread_t */
	const char *symbol;  /* NAME+OFFSET of the object; NULL unknown */
	const char *type;    /* the object's type in its library's words; NULL unknown */
	bool certain;	     /* its library says that it is one; else it only looks like one */
	bool waking;	     /* the futex word has changed already: its wake-up is under way */
	uint64_t mutex_addr; /* condition: the mutex given up meanwhile; 0 none */
	const char *timeout_kind; /* remaining, realtime, monotonic, bubble (that of
				   testing/synctest); NULL: waits for ever */
	int64_t timeout_ns;	  /* what remains, or the deadline on that clock */
	int64_t holder_id;	  /* thread id that the object records as its holder; 0 none */
	int32_t holder_task;	  /* its index; -1: no such task */
	bool holder_exited;	  /* the holder was a thread, and has ended */
	const char *start;	  /* the thread's start routine; NULL unknown */
	bool detached;
	int64_t joiner_id;  /* thread that joins this one; 0 none */
	const char *reason; /* as in the task */
	/* In a signal handler: what the thread did when the signal came, "running" too. It may go
	 * back to it, or not. Of handlers that interrupt each other the outermost wait. Has no
	 * start, detached, joiner_id, interrupted; waking: the futex word has changed since. */
	const struct coreleaks_wait *interrupted; /* NULL: in no signal handler */
	struct coreleaks_rwlock rwlock;
	bool candidates_known; /* the object records no holder, and was searched for */
	const struct coreleaks_candidate *candidates; /* the likeliest first; at most 16 */
	uint32_t num_candidates;		      /* elements of candidates */
	uint32_t num_all_candidates;		      /* with those that are not listed */
	/* Goroutines. Of a select with several channels the object is the first that is neither a
	 * timer's nor a context's, if there is one. */
	const struct coreleaks_go_object *go; /* the object, decoded; NULL: none of Go's */
	const struct coreleaks_case *cases;
	uint32_t num_cases;
	bool is_select;
	bool cases_ordered; /* a select's cases stand as in the source, sends first; nil ones too */
	bool writes;	    /* fd: it waits to write, else to read */
	/* With options.explain: what keeps the object within reach of what still runs, from the
	 * pointer to it up to a global, a register or a stack. One way of maybe many. */
	const struct coreleaks_evidence *kept_by;
	uint32_t num_kept_by;
	int64_t when_ns; /* when its wait ends by itself, by the monotonic clock; 0: it does not */
};

struct coreleaks_frame {
	uint64_t pc;		  /* address of the instruction: the return address for callers */
	uint64_t sp;		  /* stack pointer in this frame; 0 when unknown */
	uint64_t cfa;		  /* canonical frame address; 0 when unknown */
	uint64_t module_offset;	  /* pc as an address of the module's ELF file; 0 without module */
	uint64_t function_offset; /* pc minus the function's start; 0 when inlined or unknown */
	const char *function;	  /* demangled, without parameters; NULL unknown */
	const char *file;	  /* source file as the debug information has it; NULL unknown */
	uint32_t line;		  /* 0 unknown */
	enum coreleaks_trust trust;
	const char *module;	 /* file name without directories; NULL: no module maps this pc */
	const char *module_path; /* path as the core has it */
	const char *build_id;	 /* lower-case hex; NULL unknown */
	bool inlined;		 /* shares its pc with the next frame, into which it was inlined */
	bool signal;  /* a signal handler's trampoline: the caller was interrupted here */
	bool wrapper; /* code that Go's compiler made; Go's own tracebacks leave it out */
	/* Go: where the code comes from: "main" (package main), "module" (the main module's other
	 * packages), "third-party" (other modules), "std" (the standard library); NULL unknown. */
	const char *origin;
};

/* Where the program's code creates tasks that start alike. Of threads nothing in the process
 * records it: it is read from the code. */
struct coreleaks_creation {
	const struct coreleaks_frame *frame; /* the call, or the call's function when its line is 0;
					      * NULL: it is one of several places */
	uint32_t num_places;		     /* 1 with a frame */
	bool inferred; /* the code hands the start routine to a function that may create the task */
	bool recorded; /* by the tasks' own runtime (Go): not read from the code */
	/* recorded: others that were made there and have ended, at least: the runtime uses their
	 * records again. */
	uint32_t num_ended;
};

/* One distinct stack, innermost frame first. Addresses (sp, cfa) are its first task's. */
struct coreleaks_stack {
	const struct coreleaks_frame *frames;
	uint32_t num_frames;
	enum coreleaks_stack_end end;
	const char *missing; /* why it ended early: one phrase, or NULL */
};

/* One object that members of a group wait for. */
struct coreleaks_object {
	const char *kind;
	uint64_t addr;
	const char *symbol; /* NULL unknown */
	const char *type;   /* NULL unknown */
	bool certain;
	uint32_t num_waiters; /* of all tasks */
	int64_t holder_id;    /* 0 none */
	int32_t holder_task;  /* -1 none */
	bool holder_exited;
	struct coreleaks_rwlock rwlock;
	bool candidates_known; /* the object records no holder, and was searched for */
	const struct coreleaks_candidate *candidates; /* the likeliest first; at most 16 */
	uint32_t num_candidates;		      /* elements of candidates */
	uint32_t num_all_candidates;		      /* with those that are not listed */
	const struct coreleaks_go_object *go;	      /* decoded; NULL: none of Go's */
};

struct coreleaks_group {
	const char *id;		     /* unique in this analysis */
	const char *signature;	     /* stable across runs: t- or g- and 12 hex digits */
	const char *loose_signature; /* the same across builds: without lines and offsets */
	enum coreleaks_kind kind;
	enum coreleaks_state state;
	enum coreleaks_verdict verdict;
	const char *reason;    /* as in the task; NULL unknown */
	const uint32_t *tasks; /* indexes of the members, by ascending id */
	uint32_t num_tasks;
	uint32_t stack_id;	  /* a representative stack */
	uint64_t stack_size;	  /* bytes of stack in use by all members */
	double share;		  /* of the tasks of its kind, 0 to 1 */
	const char *const *rules; /* findings that name this group */
	uint32_t num_rules;
	const char *hidden_by;			/* NULL: shown; else the option that hides it */
	const char *key;			/* what group_key() returned, else NULL */
	bool timed;				/* its members' waits end by themselves */
	const struct coreleaks_object *objects; /* by waiters among the members, then address */
	uint32_t num_objects;
	/* Finished threads that nobody has joined are no tasks: a group of state exited has no
	 * members but these, and its stack is their start routine. */
	const uint64_t *pthreads; /* their pthread_t, ascending */
	uint32_t num_pthreads;
	/* The runtime or library that keeps its members, idle threads, for itself: "Java VM" …;
	 * NULL none. Such a group is benign, and hidden unless options.all is set, when no
	 * finding names it. */
	const char *system;
	uint64_t stack_reserved_size; /* of the members (or pthreads) whose stacks are known … */
	uint64_t stack_resident_size; /* … as in the task; 0: of none */
	const struct coreleaks_creation
		*creation;		      /* of all members; NULL: unknown, or they differ */
	const struct coreleaks_label *labels; /* that all members have, by key */
	uint32_t num_labels;
	uint32_t num_waits;		  /* members of which it is known how long they wait */
	int64_t min_wait_ns, max_wait_ns; /* of these */
	int64_t first_gc; /* goroutines: number of the GC that first saw one of them blocked; 0
			     unknown */
	const struct coreleaks_rule *ignored_by; /* the rule that makes it benign; NULL none */
	const struct coreleaks_rule *allowed_by; /* the baseline's that accepts it; NULL none */
	uint32_t num_all_objects; /* with those that are not listed: objects has at most 1000 */
	/* What the members keep. Of descriptors and locks only those show that some task waits for.
	 */
	uint32_t num_fds;	  /* distinct descriptors that they wait for */
	uint32_t num_timers;	  /* goroutines: distinct timers that will end their waits */
	uint32_t num_threads;	  /* goroutines: that run in a thread or are locked to one */
	uint32_t num_locked;	  /* of these: locked to it, by runtime.LockOSThread or cgo */
	uint32_t num_locks;	  /* that record a member, or its thread, as their holder */
	uint32_t num_maybe_locks; /* that are held and record no holder: a member is a candidate */
};

struct coreleaks_evidence {
	const char *what;
	uint64_t addr; /* 0 none */
};

struct coreleaks_finding {
	const char *rule; /* runaway-duplicates, population … */
	enum coreleaks_verdict certainty;
	const char *title;	/* one line */
	const uint32_t *groups; /* indexes */
	uint32_t num_groups;
	const uint32_t *tasks; /* indexes of the tasks it is about */
	uint32_t num_tasks;
	const struct coreleaks_evidence *evidence;
	uint32_t num_evidence;
	const char *const *caveats; /* likely: what keeps it from being proved */
	uint32_t num_caveats;
	const uint64_t *pthreads; /* finished threads it is about; see coreleaks_group */
	uint32_t num_pthreads;
	bool allowed;	  /* the baseline accepts every group it names, and there is one */
	const char *hint; /* how the like is usually avoided: advice, no proof; NULL none */
};

/* A rule of the user's file or of a built-in set: what it matched, and what became of that. */
struct coreleaks_rule {
	const char *text;   /* without max, until and reason */
	const char *set;    /* its section, or the built-in set; NULL none */
	const char *reason; /* NULL none */
	const char *until;  /* YYYY-MM-DD, the last day it holds; NULL for ever */
	int64_t max;	    /* tasks at most; -1 any number */
	uint32_t line;	    /* of the user's file; 0: built-in */
	bool is_builtin;
	bool allows;	     /* accepts a signature; else it makes what it matches benign */
	bool expired;	     /* it hides and allows nothing any more */
	bool over;	     /* it matches more than max, and so hides and allows nothing */
	bool broad;	     /* it matches more than half of all tasks */
	bool names_parking;  /* it names a function in which all waiting tasks park */
	uint32_t num_groups; /* that it matches, hidden ones too */
	uint64_t num_tasks;
	uint64_t num_hidden; /* tasks that it makes benign */
	uint64_t num_kept;   /* tasks that it matches and cannot hide: proved or likely */
};

/* A task that keeps others waiting, for what it holds or for its end, and that no finding calls
 * stuck: where their chains of waiting end, time limits or not. No finding: it may go on, and they
 * with it. In a circle that only a time limit will break it is the task that has the limit. */
struct coreleaks_blocker {
	uint32_t task;				/* index */
	const struct coreleaks_object *objects; /* that others wait for: by waiters, then address */
	uint32_t num_objects;
	uint32_t num_direct;	 /* tasks that wait for it alone */
	const uint32_t *blocked; /* indexes of all that wait, through others too, by ascending id */
	uint32_t num_blocked;
};

/* A fact that could not be read. */
struct coreleaks_gap {
	const char *kind;   /* core-truncated, stack-unreadable, file-missing … */
	const char *detail; /* one line */
	uint64_t count;	    /* how often */
	bool incomplete;    /* the analysis cannot be called complete */
};

/* A stack that libdwfl unwinds otherwise than this library does. */
struct coreleaks_disagreement {
	enum coreleaks_kind kind;
	int64_t id;
	uint32_t task;	/* index for coreleaks_task() */
	uint32_t frame; /* the first that differs: 0 is the innermost, inlined ones not counted */
	uint64_t pc, other_pc; /* ours and libdwfl's; 0: that stack ends before */
};

/* A sample of the threads' stacks, unwound a second time by libdwfl from the same memory and files.
 * Each disagreement is a gap, too. */
struct coreleaks_self_check {
	uint32_t num_threads; /* whose stacks might be taken */
	uint32_t num_stacks;  /* that were; 0: stopped before, or there is none */
	uint32_t num_unsure;  /* of them: compared only to where libdwfl has no rule to go on */
	uint64_t num_frames;  /* that are the same */
	const struct coreleaks_disagreement *disagreements;
	uint32_t num_disagreements;
};

/* What the core says of itself. */
struct coreleaks_core {
	const char *path;	/* as given; "-" for standard input */
	uint64_t size;		/* bytes of the (unpacked) core */
	const char *machine;	/* x86_64 or aarch64 */
	int64_t pid;		/* 0 unknown */
	const char *command;	/* the process's name; NULL unknown */
	int32_t signal;		/* that killed it; 0 none */
	const char *dumper;	/* kernel, gcore; NULL unknown */
	int64_t captured_at;	/* seconds since 1970: the file's mtime; INT64_MIN unknown */
	const char *executable; /* path as the core has it; NULL unknown */
	const char *executable_build_id; /* NULL unknown */
	bool complete;			 /* no gap that makes the analysis incomplete */
	bool executable_verified;	 /* its file was found and its build-id is the core's */
	const char *executable_file;	 /* the file that was used; NULL: none */
	const struct coreleaks_self_check *self_check; /* NULL: was not asked for */
};

struct coreleaks_module {
	const char *path;     /* as the core has it */
	const char *file;     /* the file that was used for it; NULL: none was found */
	const char *build_id; /* NULL unknown */
	uint64_t low, high;   /* addresses [low, high) */
	bool verified;	      /* build-ids of core and file are equal */
	const char *problem;  /* why there is no file, or why it is unverified; NULL fine */
};

/* What the Go runtime says of its program. -1: unknown. Times are lower bounds: the latest moment
 * that the runtime noted stands for the moment of the dump. */
struct coreleaks_go {
	const char *version;	  /* as the program has it: "go1.22.12"; NULL unknown */
	bool recognised;	  /* its goroutines could be read */
	int64_t num_threads;	  /* of the runtime's, in the core */
	int64_t num_idle_threads; /* of these: that run no goroutine */
	int64_t num_goroutines;	  /* all that live, the runtime's own too */
	int64_t num_system;	  /* the runtime's own */
	int64_t num_dead;	  /* kept for reuse */
	int64_t num_goroutine;	  /* what runtime.NumGoroutine() would have returned */
	int64_t num_created;	  /* goroutines ever made */
	int64_t gomaxprocs;
	int64_t num_gcs;	   /* completed */
	int64_t heap_size;	   /* bytes of spans in use */
	int64_t stack_size;	   /* bytes of goroutines' stacks */
	int64_t uptime_ns;	   /* at least */
	int64_t last_gc_age_ns;	   /* at least; -1: there was none, too */
	int64_t num_marked_leaked; /* by Go's own leak profile */
	int64_t g_size;		   /* bytes of the runtime's record of a goroutine */
};

enum coreleaks_floor {
	CORELEAKS_FLOOR_ALL = 0,
	CORELEAKS_FLOOR_TASKS = 1,   /* threads and goroutines, of their stacks the innermost
					address */
	CORELEAKS_FLOOR_STACKS = 2,  /* their stacks */
	CORELEAKS_FLOOR_REASONS = 3, /* what they wait for */
};

/* ---- Options ----------------------------------------------------------------------------- */

struct coreleaks_analysis;

/* Zero-initialise with coreleaks_options_init(), then set what differs. Strings are copied. */
struct coreleaks_options {
	size_t size;		/* set by coreleaks_options_init() */
	const char *executable; /* file to use for the main program; NULL: find it */
	const char *sysroot;	/* prefix for all paths of the core; NULL none */
	const char
		*debug_dirs;   /* DIR[:DIR]: where separate debug files lie; NULL: /usr/lib/debug */
	const char *spool_dir; /* where compressed cores are unpacked; NULL: /tmp */
	uint32_t max_frames;   /* physical frames a stack; default 512 */
	uint64_t max_memory;   /* bytes the analysis may allocate, by one thread; 0 unlimited */
	uint64_t max_core_size; /* bytes a compressed core may unpack to; default 1 TiB */
	uint64_t timeout_ns;	/* wall clock; partial results after it; 0 none */

	enum coreleaks_group_by group_by;
	uint32_t threshold; /* tasks that make a group runaway duplicates; default 100 */
	uint32_t max_total; /* more tasks than this make a population finding; default 10000 */

	/* Filters hide groups; hidden groups are still counted, with their reason. */
	const char *focus;  /* POSIX extended regex some frame must match; NULL all */
	const char *ignore; /* regex no frame may match; NULL none */
	uint32_t min_count; /* smallest group shown; default 1 */
	int32_t kind;	    /* enum coreleaks_kind, -1 all */
	int32_t state;	    /* enum coreleaks_state, -1 all */
	int32_t verdict;    /* enum coreleaks_verdict, -1 all */
	const char *reason; /* NULL all */

	/* Called now and then while running. done of total units of the named phase. Return false
	 * to cancel: the analysis stops, what is known so far is kept, and a gap says so. */
	bool (*progress)(void *data, const char *phase, uint64_t done, uint64_t total);
	void *progress_data;

	/* Called once a task, after stacks are known. Return false to leave the task out: it is
	 * counted as hidden. */
	bool (*select_task)(void *data, const struct coreleaks_analysis *analysis, uint32_t task);
	void *select_task_data;

	/* With CORELEAKS_GROUP_BY_KEY: the key that tasks of a group share. Copied. NULL: "". */
	const char *(*group_key)(void *data, const struct coreleaks_analysis *analysis,
				 uint32_t task);
	void *group_key_data;

	bool all;	     /* shows system and benign groups too */
	uint64_t max_age_ns; /* goroutines that wait longer are a long-wait; default 10 min */

	const char *rules;	/* text of a file of rules; NULL none */
	const char *rules_name; /* of that file, for messages; NULL "rules" */
	int64_t now;		/* seconds since 1970, by which rules expire; 0: they don't */
	uint32_t slack;		/* that many tasks more than a rule's max are accepted */
	bool no_proof;		/* do not search for what nothing can reach any more */
	bool explain; /* keep what it takes to say what keeps a waiting task reachable: eight bytes
			 for each object of the heap */
	/* With explain: what coreleaks_write_one() will be asked for. Of goroutines only those that
	 * it names, and the first of each group, are explained. NULL: just the latter. */
	const char *explained;

	/* These two hide tasks: those of a group that differ in them become two groups. */
	uint64_t min_age_ns; /* tasks not known to wait that long are hidden; 0 none */
	const char *label;   /* KEY or KEY=VALUE: tasks without this label are hidden; NULL none */
	const char *group_label; /* key of the label of CORELEAKS_GROUP_BY_LABEL */
	/* These two hide tasks as label does: all that do not descend from goroutine root_goid (0:
	 * any), or that were not made in a function that the regex ancestor matches (NULL: any),
	 * nor descend from such a one or from a goroutine that began with one. A root_goid that the
	 * program never gave to a goroutine: coreleaks_run() fails, CORELEAKS_ERROR_NOT_FOUND. */
	int64_t root_goid;
	const char *ancestor;
	/* The last of the steps that are made: what those after it would say is missing, and a gap
	 * says so. For who saw the analysis die in one of them. */
	int32_t last_floor;   /* enum coreleaks_floor; default all */
	const char *left_out; /* why, in that gap; NULL: nothing is said of it */
	bool self_check;      /* unwind a sample of the threads' stacks by libdwfl, and compare */
};

void coreleaks_options_init(struct coreleaks_options *options);

/* ---- Analysis ---------------------------------------------------------------------------- */

/* Opens a core ("-": standard input; compressed ones are unpacked) and reads its notes and its
 * list of modules. On success *ret is yours: release it with coreleaks_close(). */
struct coreleaks_error *coreleaks_open(const char *core_path,
				       const struct coreleaks_options *options,
				       struct coreleaks_analysis **ret);

/* Unwinds, names, groups and judges. Call once. When cancelled or timed out the results so far
 * stand and a gap says what is missing. */
struct coreleaks_error *coreleaks_run(struct coreleaks_analysis *analysis);

void coreleaks_close(struct coreleaks_analysis *analysis);

/* Borrowed until coreleaks_close(). An index out of range gives NULL. */
const struct coreleaks_core *coreleaks_core_info(const struct coreleaks_analysis *analysis);
uint32_t coreleaks_num_tasks(const struct coreleaks_analysis *analysis);
/* Made when it is first asked for: NULL too when memory runs out. */
const struct coreleaks_task *coreleaks_task(const struct coreleaks_analysis *analysis,
					    uint32_t index);
/* What the task shares with goroutines that are alike, at no cost for memory: for passes over all
 * tasks. As coreleaks_task(), but of a goroutine its own id, sp, bp, creator_id and g_addr are 0.
 */
const struct coreleaks_task *coreleaks_task_alike(const struct coreleaks_analysis *analysis,
						  uint32_t index);
/* What the task of that index waits for; never NULL for a task there is. */
const struct coreleaks_wait *coreleaks_wait(const struct coreleaks_analysis *analysis,
					    uint32_t index);
/* NULL: no Go program. */
const struct coreleaks_go *coreleaks_go(const struct coreleaks_analysis *analysis);
/* Threads that have finished and that nobody has joined. */
uint32_t coreleaks_num_finished_threads(const struct coreleaks_analysis *analysis);
uint32_t coreleaks_num_stacks(const struct coreleaks_analysis *analysis);
const struct coreleaks_stack *coreleaks_stack(const struct coreleaks_analysis *analysis,
					      uint32_t index);
/* Groups stand worst and largest first; hidden ones last. */
uint32_t coreleaks_num_groups(const struct coreleaks_analysis *analysis);
const struct coreleaks_group *coreleaks_group(const struct coreleaks_analysis *analysis,
					      uint32_t index);
uint32_t coreleaks_num_findings(const struct coreleaks_analysis *analysis);
const struct coreleaks_finding *coreleaks_finding(const struct coreleaks_analysis *analysis,
						  uint32_t index);
/* Most blocked first. */
uint32_t coreleaks_num_blockers(const struct coreleaks_analysis *analysis);
const struct coreleaks_blocker *coreleaks_blocker(const struct coreleaks_analysis *analysis,
						  uint32_t index);
uint32_t coreleaks_num_gaps(const struct coreleaks_analysis *analysis);
const struct coreleaks_gap *coreleaks_gap(const struct coreleaks_analysis *analysis,
					  uint32_t index);
uint32_t coreleaks_num_modules(const struct coreleaks_analysis *analysis);
const struct coreleaks_module *coreleaks_module(const struct coreleaks_analysis *analysis,
						uint32_t index);
/* The user's rules in the order of their file, then the built-in ones. */
uint32_t coreleaks_num_rules(const struct coreleaks_analysis *analysis);
const struct coreleaks_rule *coreleaks_rule(const struct coreleaks_analysis *analysis,
					    uint32_t index);
/* The built-in rules as the text of a file of rules. */
const char *coreleaks_builtin_rules(void);
/* Tasks that select_task() left out. */
uint32_t coreleaks_num_deselected(const struct coreleaks_analysis *analysis);

/* ---- Writing ----------------------------------------------------------------------------- */

enum coreleaks_format {
	CORELEAKS_FORMAT_TEXT = 0,
	CORELEAKS_FORMAT_JSON = 1,
	CORELEAKS_FORMAT_DEBUG2 = 2,	 /* Go's goroutine dump, as a panic prints it */
	CORELEAKS_FORMAT_DEBUG1 = 3,	 /* Go's goroutine profile as text */
	CORELEAKS_FORMAT_GOLEAK = 4,	 /* the message of Go's goleak */
	CORELEAKS_FORMAT_PPROF = 5,	 /* profile.proto, gzip: binary */
	CORELEAKS_FORMAT_FOLDED = 6,	 /* a stack and its count a line, for flame graphs */
	CORELEAKS_FORMAT_PROMETHEUS = 7, /* metrics in Prometheus' text format */
	CORELEAKS_FORMAT_LOGFMT = 8,	 /* the sums in one line of key=value */
	CORELEAKS_FORMAT_NDJSON = 9,	 /* the JSON report's parts, one a line */
	CORELEAKS_FORMAT_GITLAB = 10,	 /* GitLab's code quality report */
	CORELEAKS_FORMAT_GITHUB = 11,	 /* annotations of GitHub's workflow commands */
	CORELEAKS_FORMAT_JUNIT = 12,	 /* JUnit's XML: a suite a core, a case a rule */
	CORELEAKS_FORMAT_SARIF = 13,	 /* SARIF 2.1.0 */
	CORELEAKS_FORMAT_MARKDOWN = 14,	 /* a job's summary */
	CORELEAKS_FORMAT_SPEEDSCOPE = 15,
	CORELEAKS_FORMAT_DOT = 16,  /* the wait-for graph, for Graphviz */
	CORELEAKS_FORMAT_HTML = 17, /* one page that loads nothing from elsewhere */
};

/* "text", "json" … Formats are numbered without a hole: NULL past the last one. */
const char *coreleaks_format_name(enum coreleaks_format format);
/* What names of its files end in: ".txt", ".pb.gz" …; NULL past the last one. */
const char *coreleaks_format_suffix(enum coreleaks_format format);
/* The format of that name, or that path's suffix stands for; -1: there is none. */
int32_t coreleaks_format_by_name(const char *name);
int32_t coreleaks_format_by_path(const char *path);

/* Receives the next size bytes. Return false to stop: the writer then returns an error. */
typedef bool (*coreleaks_sink)(void *data, const char *bytes, size_t size);

struct coreleaks_write_options {
	size_t size; /* set by coreleaks_write_options_init() */
	enum coreleaks_format format;
	uint32_t limit;	  /* text: groups shown; default 20; UINT32_MAX all */
	uint32_t members; /* ids a group; default UINT32_MAX: text 8, JSON all */
	uint32_t width;	  /* text: columns; default 100; 0 unlimited */
	uint32_t verbose; /* text: 1 shows every frame and file, default 0 */
	bool color;	  /* text: ANSI colours; default false */
	const char *hint; /* text: command to quote in "show more" hints; NULL: "coreleaks" */
	bool ascii;	  /* text: ASCII alone, for terminals without UTF-8; default false */
	/* Formats that hold tasks of one kind (debug2, debug1, goleak, pprof, folded): enum
	 * coreleaks_kind; default -1: goroutines when there are any, else threads, which debug2
	 * writes only when asked for. */
	int32_t kind;
	/* No bytes of the process's memory: names, offsets, addresses and counts alone. Labels, the
	 * process's name, group_key()'s text and the frame pointer register are left out. */
	bool privacy;
	const char *strip_prefix; /* folder to cut off the front of paths; NULL none */
	/* Link to a source line, for html, markdown and sarif: {file} and {line} are replaced. It
	 * begins with a scheme, as "https:". Not of paths that are absolute in spite of
	 * strip_prefix, nor of the runtime's. NULL: no links. */
	const char *source_url;
	bool explain; /* text: what every filter and rule took; default false */
	/* Findings of this certainty, or a higher one, are failures in formats that tell passed
	 * from failed: enum coreleaks_verdict; default CORELEAKS_VERDICT_LIKELY; -1 none. */
	int32_t fail_on;
	bool brief; /* JSON: no tasks, no modules: enough for coreleaks_summary_read() */
	bool part;  /* formats that coreleaks_join() takes: what this core adds to a document */
	const char *sandbox; /* JSON: how the caller confined the analysis; NULL: nothing is said */
};

void coreleaks_write_options_init(struct coreleaks_write_options *options);
/* What reports have for the path when strip_prefix is that: the path behind the prefix, a whole
 * folder, or the path itself when it does not begin with it, or prefix is NULL. */
const char *coreleaks_strip_prefix(const char *path, const char *prefix);

/* The whole report. */
struct coreleaks_error *coreleaks_write(const struct coreleaks_analysis *analysis,
					const struct coreleaks_write_options *options,
					coreleaks_sink sink, void *sink_data);

/* One thing: a group (its id, a unique prefix of it, or its rank in the report from 1), a task
 * ("thread:1234"), an object that tasks wait for (its address, "0x55d0c0df0010"), or the creation
 * tree of all tasks of a kind ("tree").
 * As text or JSON. CORELEAKS_ERROR_NOT_FOUND when there is none, or when a prefix is ambiguous. */
struct coreleaks_error *coreleaks_write_one(const struct coreleaks_analysis *analysis,
					    const char *name,
					    const struct coreleaks_write_options *options,
					    coreleaks_sink sink, void *sink_data);

/* ---- Many dumps -------------------------------------------------------------------------- */

/* What is known of one dump. Yours; release with coreleaks_summary_free(). */
struct coreleaks_summary;

/* Reads a JSON report of coreleaks, or a goroutine profile or dump of Go's own (pprof, debug=1,
 * debug=2). name: the file's, for messages; time: seconds since 1970, INT64_MIN unknown. */
struct coreleaks_error *coreleaks_summary_read(const char *name, int64_t time, const char *bytes,
					       size_t size, struct coreleaks_summary **ret);
/* Stands for a dump that could not be analysed; why is one line. */
struct coreleaks_error *coreleaks_summary_failed(const char *name, const char *why,
						 struct coreleaks_summary **ret);
/* Why it could not be analysed; NULL: it could. */
const char *coreleaks_summary_failure(const struct coreleaks_summary *summary);
void coreleaks_summary_free(struct coreleaks_summary *summary);

/* What dumps come to; several at once: the strongest counts, in the order findings, failed,
 * incomplete. */
enum coreleaks_outcome {
	CORELEAKS_OUTCOME_CLEAN = 0,
	CORELEAKS_OUTCOME_FINDINGS = 1,
	CORELEAKS_OUTCOME_FAILED = 2, /* some dump could not be analysed */
	CORELEAKS_OUTCOME_INCOMPLETE = 3,
};

struct coreleaks_check_options {
	size_t size;	     /* set by coreleaks_check_options_init() */
	int32_t fail_on;     /* enum coreleaks_verdict; -1 nothing; default likely */
	bool fail_on_growth; /* more than the baseline allows, too */
	bool fail_on_new;    /* waiting groups that are not in the baseline, too */
	uint32_t slack;	     /* so many tasks in red groups of a dump are let pass */
};

struct coreleaks_check_info {
	enum coreleaks_outcome outcome;
	uint32_t num_dumps;
	uint32_t num_by_outcome[4]; /* dumps */
	uint32_t num_incomplete;    /* dumps, those with findings too */
	uint32_t num_signatures;
	uint32_t num_red;	    /* signatures */
	uint32_t num_by_verdict[5]; /* signatures */
};

void coreleaks_check_options_init(struct coreleaks_check_options *options);
/* Judges dumps and merges their groups by signature, which profiles and dumps of Go's own do not
 * have: CORELEAKS_ERROR_USAGE. The summaries are borrowed until coreleaks_check_free(). */
struct coreleaks_check;
struct coreleaks_error *coreleaks_check_new(const struct coreleaks_summary *const *summaries,
					    uint32_t num,
					    const struct coreleaks_check_options *options,
					    struct coreleaks_check **ret);
const struct coreleaks_check_info *coreleaks_check_info(const struct coreleaks_check *check);
/* Formats: text, goleak, json, html, dot. CORELEAKS_ERROR_USAGE for others. */
struct coreleaks_error *coreleaks_check_write(const struct coreleaks_check *check,
					      const struct coreleaks_write_options *options,
					      coreleaks_sink sink, void *sink_data);
/* What one dump adds to a document of many: written with the option part, or why there is none. */
struct coreleaks_part {
	const char *name; /* of the dump */
	const char *bytes;
	size_t size;
	const char *failure; /* one line; NULL: it could be analysed */
};

/* Formats that hold many dumps in one document: ndjson, junit, github, gitlab, sarif, markdown. */
bool coreleaks_format_joins(enum coreleaks_format format);
struct coreleaks_error *coreleaks_join(enum coreleaks_format format,
				       const struct coreleaks_part *parts, uint32_t num,
				       coreleaks_sink sink, void *sink_data);
/* Allow rules for all groups with a finding, or with all set for every group. */
struct coreleaks_error *coreleaks_check_write_baseline(const struct coreleaks_check *check,
						       bool all, coreleaks_sink sink,
						       void *sink_data);
void coreleaks_check_free(struct coreleaks_check *check);

struct coreleaks_compare_options {
	size_t size;	     /* set by coreleaks_compare_options_init() */
	int32_t fail_on;     /* of groups that are new or have grown; default likely */
	bool fail_on_growth; /* default true */
	bool fail_on_new;
	bool idle;	     /* the last dump is of the program at rest: fewer tasks are expected */
	uint32_t max_delta;  /* that many tasks more than in the first dump; default 100 */
	uint32_t slack;	     /* a rise by so many is none */
	uint64_t iterations; /* of what the program did between first and last; 0 unknown */
};

struct coreleaks_comparison_info {
	enum coreleaks_outcome outcome;
	uint32_t num_by_change[5];		 /* new, grown, same, shrunk, resolved */
	uint32_t num_growth;			 /* findings: growth and over-baseline */
	uint32_t num_new;			 /* findings: new-group */
	enum coreleaks_verdict verdict_of_risen; /* the strongest; benign: nothing rose */
};

void coreleaks_compare_options_init(struct coreleaks_compare_options *options);
/* Compares dumps in the order of time: two at least that could be analysed, else
 * CORELEAKS_ERROR_NOT_FOUND. The summaries are borrowed. */
struct coreleaks_comparison;
struct coreleaks_error *coreleaks_comparison_new(const struct coreleaks_summary *const *summaries,
						 uint32_t num,
						 const struct coreleaks_compare_options *options,
						 struct coreleaks_comparison **ret);
const struct coreleaks_comparison_info *
coreleaks_comparison_info(const struct coreleaks_comparison *comparison);
/* Formats: text, json and html. CORELEAKS_ERROR_USAGE for others. */
struct coreleaks_error *coreleaks_comparison_write(const struct coreleaks_comparison *comparison,
						   const struct coreleaks_write_options *options,
						   coreleaks_sink sink, void *sink_data);
void coreleaks_comparison_free(struct coreleaks_comparison *comparison);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
