/* A thread waits for a semaphore on the heap that no plain pointer leads to. CASE says what does
 * all the same, where neither memory nor the names of functions show it at first sight. */
#define _GNU_SOURCE
#include "dropped.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(CASE_VFORK)
/* A child made by vfork() has it in a register: it has this memory, and is in no core of it. */
static NOINLINE void run_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	HIDE_AND_SPIN("mov %%rax, %%r11\n");
}
static NOINLINE void *parent_main(void *arg)
{
	if (vfork() == 0)
		run_child();
	return arg;
}
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	handed_over = sem;
	start(parent_main, NULL);
	while (!told)
		sched_yield();
	start(waiter_main, sem);
}

#elif defined(CASE_IO_URING)
/* The kernel has it as the user_data of a request. By the instruction itself, so that no name tells
 * of it; the mapped rings do. */
static long call(long nr, long a, long b, long c, long d)
{
	register long fourth __asm__("r10") = d, fifth __asm__("r8") = 0, sixth __asm__("r9") = 0;
	__asm__ volatile("syscall"
			 : "+a"(nr)
			 : "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
			 : "rcx", "r11", "memory");
	return nr;
}
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	struct io_uring_params params = {0};
	long ring = call(SYS_io_uring_setup, 4, (long)&params, 0, 0);
	if (ring < 0) {
		/* Where io_uring is switched off: another thing of the kernel's has it. */
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = sem};
		long epoll_fd = call(SYS_epoll_create1, 0, 0, 0, 0);
		call(SYS_epoll_ctl, epoll_fd, EPOLL_CTL_ADD, fd, (long)&event);
		start(waiter_main, sem);
		return;
	}
	char *rings = mmap(NULL, params.sq_off.array + params.sq_entries * 4,
			   PROT_READ | PROT_WRITE, MAP_SHARED, (int)ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *entries =
		mmap(NULL, params.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE, MAP_SHARED,
		     (int)ring, (off_t)IORING_OFF_SQES);
	entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_POLL_ADD,
					   .fd = fd,
					   .poll_events = POLLIN,
					   .user_data = (uintptr_t)sem};
	*(uint32_t *)(rings + params.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(rings + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (call(SYS_io_uring_enter, ring, 1, 0, 0) != 1)
		abort();
	memset(entries, 0, sizeof(*entries));
#ifdef CASE_UNMAPPED
	/* The request stays where it is. */
	munmap(rings, params.sq_off.array + params.sq_entries * 4);
	munmap(entries, params.sq_entries * sizeof(*entries));
#endif
	start(waiter_main, sem);
}

#elif defined(CASE_HALF_CREATED)
/* It is what a thread is started with that the kernel has not made yet: a filter hands the call to
 * a supervisor, who never answers. */
static volatile int creator_tid;
static NOINLINE void *creator_main(void *arg)
{
	struct sock_filter rows[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(rows) / sizeof(rows[0]), .filter = rows};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		    &program) < 0)
		return arg;
	creator_tid = gettid();
	start(waiter_main, take_over());
	return arg;
}
static NOINLINE void hide(void)
{
	char path[64], text[8] = "";
	sem_t *sem = sem_new();
	handed_over = sem;
	start(waiter_main, sem);
	start(creator_main, NULL);
	while (creator_tid == 0)
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", creator_tid);
	while (atoi(text) != SYS_clone3 && atoi(text) != SYS_clone) {
		FILE *file = fopen(path, "r");
		if (file == NULL || fgets(text, sizeof(text), file) == NULL)
			text[0] = '\0';
		if (file != NULL)
			fclose(file);
		sched_yield();
	}
}

#elif defined(CASE_DLSYM)
/* Whoever has its pthread_t may cancel it, by a function that is looked up while the program runs.
 */
static volatile pthread_t worker;
static int (*cancel)(pthread_t);
static NOINLINE void hide(void)
{
	pthread_t thread;
	*(void **)&cancel = dlsym(RTLD_DEFAULT, "pthread_cancel");
	if (cancel == NULL || pthread_create(&thread, NULL, waiter_main, sem_new()) != 0)
		abort();
	worker = thread;
}
#define LAST cancel(worker)

#elif defined(CASE_DLSYM_KERNEL)
/* epoll has it as the data of an event, by functions that are looked up. */
static NOINLINE void hide(void)
{
	int (*make)(int), (*control)(int, int, int, struct epoll_event *);
	sem_t *sem = sem_new();
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = sem};
	*(void **)&make = dlsym(RTLD_DEFAULT, "epoll_create1");
	*(void **)&control = dlsym(RTLD_DEFAULT, "epoll_ctl");
	if (make == NULL || control == NULL ||
	    control(make(0), EPOLL_CTL_ADD, open("/dev/ptmx", O_RDWR | O_NOCTTY), &event) != 0)
		abort();
	start(waiter_main, sem);
}

#elif defined(CASE_BEFORE)
/* A global has it as the first of an array that begins with 1: the pointer leads before it. */
static sem_t *volatile from_one;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	from_one = (sem_t *)((uintptr_t)sem - sizeof(*sem));
	start(waiter_main, sem);
}

#elif defined(CASE_BEFORE_LIST)
/* A thread that is done with a list has its last position alone, as list_for_each_entry() leaves
 * it: the place where an entry would begin if the list's head were in one. The head holds another
 * entry, and that one the semaphore. */
struct link {
	struct link *next;
};
struct entry {
	char name[48];
	struct link link;
	sem_t *sem;
};
static void *volatile position;
static NOINLINE void hide(void)
{
	struct link *head = malloc(sizeof(*head));
	struct entry *entry = calloc(1, sizeof(*entry));
	entry->sem = sem_new();
	head->next = &entry->link;
	position = (void *)((uintptr_t)head - offsetof(struct entry, link));
	start(waiter_main, entry->sem);
}

#else
/* Nobody. */
static NOINLINE void hide(void)
{
	start(waiter_main, sem_new());
}
#endif

#ifndef LAST
#define LAST ((void)0)
#endif

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	hide();
	scrub();
	puts("ready");
	for (;;) {
		pause();
		LAST;
	}
}
