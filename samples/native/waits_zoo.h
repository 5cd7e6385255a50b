/* waits_zoo.h - what the files of the zoo share: a kind of wait, and the truth about it.
 *
 * Before a thread blocks it prints
 *     wait TID REASON OBJECTKIND 0xADDRESS HOLDERTID TIMED [KEY=VALUE...]
 * with "-" where nothing applies, "?" for an address that the program cannot know, and "TID?" for
 * a holder that may be named or left out. What does not work here prints `skip WHAT WHY`; the
 * lock faults that are planted print `finding RULE CERTAINTY TID...`. */
#ifndef WAITS_ZOO_H
#define WAITS_ZOO_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#define LEN(array)   (sizeof(array) / sizeof((array)[0]))
#define FAR_S	     36000
#define NO_OBJECT    "-"
#define UNKNOWN_ADDR ((const void *)-1)

/* One row of the zoo: a thread that blocks in one way. */
struct kind {
	void *(*main)(void *kind);
	const char *start; /* main's name */
	void *data;	   /* of its own */
	sem_t said;	   /* its last words */
};

#define KIND(function, own)                                                                        \
	{                                                                                          \
		.main = (function), .start = #function, .data = (own)                              \
	}

#define NUMBERED(function, number) KIND(function, (void *)(long)(number))

struct truth {
	const char *reason, *object;
	const void *addr;
	pid_t holder;
	bool holder_optional; /* nothing in memory names it */
	bool timed, detached;
	const void *mutex; /* condition: what it gave up */
	pid_t tid;	   /* 0: the caller's */
};

/* The last words of a thread before it blocks; before it ends instead; and why it does not. */
void will_wait(struct kind *kind, struct truth truth);
void will_end(struct kind *kind);
void will_skip(struct kind *kind, const char *why);
/* As will_wait, where another thread prints the line. */
void will_wait_silently(struct kind *kind);
void will_call(struct kind *kind, const char *reason, bool timed);
void will_wait_for_fd(struct kind *kind, const char *reason, int fd, bool timed);
int number_of(const struct kind *kind);
void will_find(const char *rule, const char *certainty, pid_t a, pid_t b);
void will_be_joined(pid_t tid, pid_t by);
/* A thread besides those of the tables; returns when it has said its last words. */
pthread_t start_kind(struct kind *kind);
/* Until that thread sleeps, without being switched in from one look to the next. */
void wait_until_asleep(pid_t tid);

_Noreturn void pause_for_ever(void);
/* FAR_S from now. */
const struct timespec *far_real(void);
const struct timespec *far_mono(void);

extern struct kind lock_kinds[], event_kinds[], call_kinds[], ipc_kinds[], raw_kinds[];
extern const size_t num_lock_kinds, num_event_kinds, num_call_kinds, num_ipc_kinds, num_raw_kinds;

/* The thread that holds what the others wait for. */
extern pthread_t keeper;
extern pid_t keeper_tid;

/* The only child: it holds a lock on locked_fd, and removes what would outlive the program. */
extern pid_t child;
extern int locked_fd;
void child_removes(int semaphores, int messages);

#endif
