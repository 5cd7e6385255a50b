/* Tries, in a confined process, what it must not be able to do. Prints a line a trial: its name,
 * and "refused", "done" or what signal ended it. Built by test_sandbox.py with cli/sandbox.c. */
#include "cli/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int other_fd, pipe_fd;

static long run_program(void)
{
	char *arguments[] = {(char *)"true", NULL};
	return execve("/bin/true", arguments, arguments + 1);
}

static long start_process(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long start_process_in_place(void)
{
	long pid = syscall(SYS_vfork);
	if (pid == 0)
		syscall(SYS_exit, 0);
	return pid;
}

static long start_process_sharing_memory(void)
{
	static char stack[16384];
	return syscall(SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD,
		       stack + sizeof(stack), 0, 0, 0);
}

/* libc takes the older call when the newer is not there. */
static long start_process_with_newer_call(void)
{
	uint64_t args[11] = {[4] = SIGCHLD};
	long pid = syscall(SYS_clone3, args, sizeof(args));
	if (pid < 0 && errno == ENOSYS)
		errno = EPERM;
	if (pid == 0)
		_exit(0);
	return pid;
}

static void *work(void *data)
{
	return data;
}

static long start_thread(void)
{
	pthread_t thread;
	void *result = NULL;
	errno = pthread_create(&thread, NULL, work, &thread);
	return errno != 0 || pthread_join(thread, &result) != 0 || result != &thread ? -1 : 0;
}

static long make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long make_local_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long create_file(void)
{
	return open("created", O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static long open_to_write(void)
{
	return open("there", O_WRONLY);
}

static long open_to_both(void)
{
	return open("there", O_RDWR);
}

static long cut_by_opening(void)
{
	return open("there", O_RDONLY | O_TRUNC);
}

static long open_with_the_newer_call(void)
{
	uint64_t how[3] = {O_RDWR, 0, 0};
	return syscall(SYS_openat2, AT_FDCWD, "there", how, sizeof(how));
}

static long write_elsewhere(void)
{
	return write(other_fd, "x", 1);
}

static long write_in_parts(void)
{
	const struct iovec part = {(void *)"x", 1};
	return writev(other_fd, &part, 1);
}

static long write_at(void)
{
	return pwrite(other_fd, "x", 1, 0);
}

static long cut_open_file(void)
{
	return ftruncate(other_fd, 0);
}

static long turn_the_pipe(void)
{
	return dup2(other_fd, pipe_fd);
}

static long remove_file(void)
{
	return unlink("there");
}

static long rename_file(void)
{
	return rename("there", "elsewhere");
}

static long make_folder(void)
{
	return mkdir("folder", 0700);
}

static long change_mode(void)
{
	return chmod("there", 0777);
}

static long send_signal(void)
{
	return kill(getppid(), 0);
}

static long be_traced(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long read_other_memory(void)
{
	char byte;
	const struct iovec here = {&byte, 1}, there = {&byte, 1};
	return process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static long run_new_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED ? -1 : 0;
}

static long make_code_of_data(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED ? 0 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long raise_limit(void)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	return setrlimit(RLIMIT_FSIZE, &none);
}

static long read_file(void)
{
	char byte;
	int fd = open("there", O_RDONLY | O_CLOEXEC);
	return fd < 0 || read(fd, &byte, 1) != 1 ? -1 : close(fd);
}

static long map_file(void)
{
	int fd = open("there", O_RDONLY | O_CLOEXEC);
	return mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0;
}

static long unpack(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	return fd < 0 ? -1 : pwrite(fd, "x", 1, 0);
}

static long unpack_and_name(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : 0;
}

static const struct {
	const char *name;
	long (*try_it)(void);
} trials[] = {
	{"execve", run_program},
	{"clone", start_process},
	{"vfork", start_process_in_place},
	{"clone that shares memory", start_process_sharing_memory},
	{"clone3", start_process_with_newer_call},
	{"thread", start_thread},
	{"socket", make_socket},
	{"local socket", make_local_socket},
	{"create", create_file},
	{"open to write", open_to_write},
	{"open to read and write", open_to_both},
	{"open and truncate", cut_by_opening},
	{"openat2", open_with_the_newer_call},
	{"write", write_elsewhere},
	{"writev", write_in_parts},
	{"pwrite", write_at},
	{"ftruncate", cut_open_file},
	{"dup2", turn_the_pipe},
	{"unlink", remove_file},
	{"rename", rename_file},
	{"mkdir", make_folder},
	{"chmod", change_mode},
	{"kill", send_signal},
	{"ptrace", be_traced},
	{"process_vm_readv", read_other_memory},
	{"executable memory", run_new_code},
	{"mprotect", make_code_of_data},
	{"setrlimit", raise_limit},
	{"read a file", read_file},
	{"map a file", map_file},
	{"unpack", unpack},
	{"unpack and name", unpack_and_name},
};

static void confined(size_t index, int stage)
{
	char text[128];
	const char *problem = NULL;
	if (stage >= 0)
		problem = sandbox_enter((enum sandbox_stage)stage, pipe_fd, 0);
	/* As the program does it: one after the other. */
	if (problem == NULL && stage == SANDBOX_READING)
		problem = sandbox_enter(SANDBOX_READING, pipe_fd, 0);
	if (problem != NULL)
		snprintf(text, sizeof(text), "no filter: %s", problem);
	else if (trials[index].try_it() >= 0)
		snprintf(text, sizeof(text), "done");
	else
		snprintf(text, sizeof(text), errno == EPERM ? "refused" : "failed: %s",
			 strerror(errno));
	_exit(write(pipe_fd, text, strlen(text)) < 0);
}

/* Arguments: the number of the stage (-1: unconfined). In a folder with a file "there". */
int main(int argc, char **argv)
{
	int stage = argc > 1 ? atoi(argv[1]) : SANDBOX_READING;
	other_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		char text[128] = "";
		int ends[2], status;
		if (pipe(ends) != 0)
			return 1;
		pipe_fd = ends[1];
		pid_t pid = fork();
		if (pid == 0)
			confined(i, stage);
		close(ends[1]);
		ssize_t size = read(ends[0], text, sizeof(text) - 1);
		close(ends[0]);
		waitpid(pid, &status, 0);
		if (size <= 0)
			snprintf(text, sizeof(text), WIFSIGNALED(status) ? "signal %d" : "done %d",
				 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		printf("%s: %s\n", trials[i].name, text);
		fflush(stdout);
	}
	return 0;
}
