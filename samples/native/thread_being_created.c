/* A thread that is just being created: on glibc's list, but without id and without code yet.
 *
 * A seccomp filter hands the creator's clone3(), or before glibc 2.34 its clone(), to a supervisor,
 * who never answers. With the argument `locked` the creator holds a mutex that two others wait for.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic int creator_tid;
static pthread_mutex_t roster = PTHREAD_MUTEX_INITIALIZER;

static void *unborn_main(void *arg)
{
	return arg;
}

static __attribute__((noinline)) int start_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, unborn_main, NULL);
}

/* Does not return: nobody reads the descriptor that seccomp() gives back. */
static void *creator_main(void *arg)
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
	pthread_mutex_lock(&roster);
	creator_tid = gettid();
	start_thread();
	return arg;
}

static void wait_until_in_clone(pid_t tid)
{
	char path[64], text[8] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	while (atoi(text) != SYS_clone3 && atoi(text) != SYS_clone) {
		FILE *file = fopen(path, "r");
		if (!file || !fgets(text, sizeof(text), file))
			text[0] = '\0';
		if (file)
			fclose(file);
	}
}

static void *reader_main(void *arg)
{
	pthread_mutex_lock(&roster);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t creator, reader;

	if (pthread_create(&creator, NULL, creator_main, NULL))
		return 1;
	while (!creator_tid)
		usleep(1000);
	wait_until_in_clone(creator_tid);
	for (int i = 0; i < 2 && argc > 1 && !strcmp(argv[1], "locked"); i++)
		if (pthread_create(&reader, NULL, reader_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
