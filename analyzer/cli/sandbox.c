#include "cli/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_OBSTACLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_OBSTACLE 1
#endif
#endif

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#define OWN_ARCH 0
#endif

#ifdef CORELEAKS_COUNTS_LINES
enum { COUNTS_LINES = true };
#else
enum { COUNTS_LINES = false };
#endif

enum { MAX_PROGRAM = 1024 };

/* Bits of open()'s flags with which a file is changed, or made. */
#define UNNAMED	    (O_TMPFILE & ~O_DIRECTORY)
#define WRITE_FLAGS (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | UNNAMED)

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define NEW_FLAGS                                                                                  \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_VFORK | CLONE_PTRACE)

/* A system call that is allowed: always (arg -1), or when this argument's low 32 bits, masked, are
 * value. Several rows of one call are alternatives. */
struct call {
	int32_t nr;
	int32_t arg;
	uint32_t mask, value;
};

#define ALWAYS(name)                                                                               \
	{                                                                                          \
		SYS_##name, -1, 0, 0                                                               \
	}

/* What libc, libelf, libdw and libarchive do to read files, and memory. */
static const struct call calls[] = {
	ALWAYS(read),
	ALWAYS(pread64),
	ALWAYS(readv),
	ALWAYS(preadv),
	ALWAYS(lseek),
	ALWAYS(close),
	ALWAYS(fstat),
	ALWAYS(newfstatat),
	ALWAYS(statx),
	ALWAYS(fadvise64),
	ALWAYS(readlinkat),
	ALWAYS(faccessat),
	ALWAYS(faccessat2),
	ALWAYS(getdents64),
	ALWAYS(getcwd),
	ALWAYS(brk),
	ALWAYS(munmap),
	ALWAYS(mremap),
	ALWAYS(madvise),
	ALWAYS(futex),
	ALWAYS(getrandom),
	ALWAYS(clock_gettime),
	ALWAYS(clock_nanosleep),
	ALWAYS(gettimeofday),
	ALWAYS(getpid),
	ALWAYS(gettid),
	ALWAYS(getppid),
	ALWAYS(getuid),
	ALWAYS(geteuid),
	ALWAYS(getgid),
	ALWAYS(getegid),
	ALWAYS(uname),
	ALWAYS(sysinfo),
	ALWAYS(sched_yield),
	ALWAYS(sched_getaffinity),
	ALWAYS(rt_sigaction),
	ALWAYS(rt_sigprocmask),
	ALWAYS(rt_sigreturn),
	ALWAYS(restart_syscall),
	ALWAYS(sigaltstack),
	ALWAYS(exit),
	ALWAYS(exit_group),
#ifdef SYS_stat
	ALWAYS(stat),
	ALWAYS(lstat),
	ALWAYS(access),
	ALWAYS(readlink),
	ALWAYS(time),
	{SYS_open, 1, WRITE_FLAGS, O_RDONLY},
#endif
	{SYS_openat, 2, WRITE_FLAGS, O_RDONLY},
	/* A thread of this process, in its own namespaces; no other process. */
	ALWAYS(set_robust_list),
	ALWAYS(rseq),
	{SYS_clone, 0, THREAD_FLAGS | NEW_FLAGS, THREAD_FLAGS},
	{SYS_mmap, 2, PROT_EXEC, 0},
	{SYS_mprotect, 2, PROT_EXEC, 0},
	{SYS_fcntl, 1, UINT32_MAX, F_GETFD},
	{SYS_fcntl, 1, UINT32_MAX, F_SETFD},
	{SYS_fcntl, 1, UINT32_MAX, F_GETFL},
	{SYS_fcntl, 1, UINT32_MAX, F_DUPFD_CLOEXEC},
	{SYS_seccomp, 0, UINT32_MAX, SECCOMP_SET_MODE_FILTER},
	{SYS_prctl, 0, UINT32_MAX, PR_SET_SECCOMP},
	{SYS_prctl, 0, UINT32_MAX, PR_SET_NO_NEW_PRIVS},
};

/* To unpack a core: into a file that has no name, and never gets one. The limit of sizes is set
 * later too. */
static const struct call opening_calls[] = {
	{SYS_openat, 2, WRITE_FLAGS | O_EXCL, O_RDWR | UNNAMED | O_EXCL},
	ALWAYS(pwrite64),
	ALWAYS(ftruncate),
	ALWAYS(prlimit64),
	ALWAYS(getrlimit),
	ALWAYS(setrlimit),
};

/* In builds that count lines alone: gcov's counters are added to those of the runs before when the
 * process ends (GCC 12, libgcov-driver-system.c). */
static const struct call counting_calls[] = {
	{SYS_openat, 2, WRITE_FLAGS | O_EXCL, O_RDWR | O_CREAT},
	ALWAYS(write),
	{SYS_fcntl, 1, UINT32_MAX, F_SETLKW},
};

struct program {
	struct sock_filter items[MAX_PROGRAM];
	size_t num;
};

static void add(struct program *program, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
	if (program->num < MAX_PROGRAM)
		program->items[program->num++] = (struct sock_filter){code, yes, no, value};
}

static void load(struct program *program, size_t off)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)off, 0, 0);
}

static void add_calls(struct program *program, const struct call *rows, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		const struct call *call = &rows[i];
		load(program, offsetof(struct seccomp_data, nr));
		if (call->arg < 0) {
			add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->nr, 0, 1);
		} else {
			add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->nr, 0, 4);
			/* Little-endian: the low half comes first. */
			load(program, offsetof(struct seccomp_data, args) +
					      (size_t)call->arg * sizeof(uint64_t));
			add(program, BPF_ALU | BPF_AND | BPF_K, call->mask, 0, 0);
			add(program, BPF_JMP | BPF_JEQ | BPF_K, call->value, 0, 1);
		}
		add(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	}
}

static const char *filter(enum sandbox_stage stage, int pipe_fd)
{
	struct program program = {.num = 0};
	const struct call own[] = {
		{SYS_write, 0, UINT32_MAX, (uint32_t)pipe_fd},
		/* abort() */
		{SYS_tgkill, 0, UINT32_MAX, (uint32_t)getpid()},
	};
	load(&program, offsetof(struct seccomp_data, arch));
	add(&program, BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0);
	add(&program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	add_calls(&program, calls, sizeof(calls) / sizeof(calls[0]));
	add_calls(&program, own, sizeof(own) / sizeof(own[0]));
	if (stage == SANDBOX_OPENING)
		add_calls(&program, opening_calls, sizeof(opening_calls) / sizeof(calls[0]));
	if (COUNTS_LINES)
		add_calls(&program, counting_calls, sizeof(counting_calls) / sizeof(calls[0]));
	/* Its flags lie in memory, where no filter sees them: libc takes clone() instead. */
	load(&program, offsetof(struct seccomp_data, nr));
	add(&program, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
	add(&program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
	add(&program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	if (program.num == MAX_PROGRAM)
		return "its program is too long";
	const struct sock_fprog loaded = {(unsigned short)program.num, program.items};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &loaded, 0, 0) != 0)
		return strerrordesc_np(errno);
	return NULL;
}

static void limit(int resource, uint64_t value)
{
	struct rlimit now;
	if (getrlimit(resource, &now) != 0)
		return;
	if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur > value)
		now.rlim_cur = value;
	now.rlim_max = now.rlim_cur;
	setrlimit(resource, &now);
}

/* Of the machine, or what the user allows and room for what is not counted there: files of modules,
 * and what libdw makes of them. */
static uint64_t most_memory(uint64_t max_memory)
{
	const uint64_t room = UINT64_C(2) << 30;
	long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
	uint64_t all =
		pages > 0 && page_size > 0 ? (uint64_t)pages * (uint64_t)page_size : UINT64_MAX / 2;
	if (all < room)
		all = room;
	return max_memory != 0 && max_memory < all - room ? max_memory + room : all;
}

static void set_limits(enum sandbox_stage stage, uint64_t max_memory)
{
	struct rlimit files;
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_DATA, most_memory(max_memory));
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		limit(RLIMIT_NOFILE, files.rlim_cur);
	if (stage == SANDBOX_READING && !COUNTS_LINES)
		limit(RLIMIT_FSIZE, 0);
}

const char *sandbox_obstacle(void)
{
#ifdef HAS_OBSTACLE
	return "coreleaks was built to be tested";
#else
	/* Valgrind's own system calls would be filtered with ours. */
	const char *preloaded = getenv("LD_PRELOAD");
	if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL)
		return "coreleaks runs under Valgrind";
	return OWN_ARCH == 0 ? "not known for this machine" : NULL;
#endif
}

const char *sandbox_enter(enum sandbox_stage stage, int pipe_fd, uint64_t max_memory)
{
	const char *problem = sandbox_obstacle();
	if (problem != NULL)
		return problem;
	set_limits(stage, max_memory);
	return filter(stage, pipe_fd);
}
