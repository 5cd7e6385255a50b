// Everything that makes unwinding hard, in one program. argv[1]: with "segv" SIGUSR2 makes
// main fault for real, "null-call" adds a thread that called through a null pointer.
//
// Two threads always throw through a destructor; others call through a lazy PLT in a loop, read
// the clock in the vDSO, wait below alloca() and without frame pointers, and block in signal
// handlers on alternate stacks (SIGUSR1 sent, SIGSEGV faulted). Built -O2, linked -z lazy.
#include <alloca.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <pthread.h>
#include <semaphore.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static sem_t never, handler_entered;
static volatile long sink;

struct Cleanup {
	int *depth;
	NOINLINE ~Cleanup()
	{
		sink += *depth;
	}
};

NOINLINE static void throw_at(int depth)
{
	Cleanup cleanup{&depth};

	if (depth == 0)
		throw std::runtime_error("bottom");
	throw_at(depth - 1);
	sink++;
}

static void *thrower_main(void *)
{
	for (;;) {
		try {
			throw_at(6);
		} catch (const std::exception &error) {
			sink += error.what()[0];
		}
	}
	return nullptr;
}

static void *rethrower_main(void *)
{
	for (;;) {
		try {
			try {
				throw_at(3);
			} catch (...) {
				sink++;
				throw;
			}
		} catch (const std::exception &error) {
			sink += error.what()[0];
		}
	}
	return nullptr;
}

// strtol(), rand_r() and qsort() are reached through the PLT; qsort() calls back.
static int compare_ints(const void *left, const void *right)
{
	return *static_cast<const int *>(left) - *static_cast<const int *>(right);
}

static void *plt_main(void *)
{
	for (;;) {
		int numbers[] = {5, 3, 8, 1, 9, 2};
		unsigned seed = 1;

		sink += strtol("4711", nullptr, 10);
		for (int i = 0; i < 20; i++)
			sink += rand_r(&seed);
		qsort(numbers, 6, sizeof(int), compare_ints);
		sink += numbers[0];
	}
	return nullptr;
}

static void *clock_main(void *)
{
	for (;;) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		sink += now.tv_nsec;
	}
	return nullptr;
}

NOINLINE static int wait_below_alloca(unsigned size)
{
	char *memory = static_cast<char *>(alloca(size));

	memset(memory, 1, size);
	sem_wait(&never);
	return memory[size / 2];
}

static void *alloca_main(void *)
{
	sink += wait_below_alloca(3000 + (sink & 15));
	return nullptr;
}

// Keeps many callee-saved registers busy, so that the caller's must be restored from the stack.
NOINLINE static long wait_with_registers(long a, long b, long c, long d, long e, long f)
{
	long sum = a * b + c * d + e * f;

	sem_wait(&never);
	return sum + a + b + c + d + e + f;
}

static void *registers_main(void *)
{
	sink += wait_with_registers(sink, sink + 1, sink + 2, sink + 3, sink + 4, sink + 5);
	return nullptr;
}

static void use_alternate_stack()
{
	stack_t stack = {};

	stack.ss_size = 64 * 1024;
	stack.ss_sp = malloc(stack.ss_size);
	sigaltstack(&stack, nullptr);
}

static void on_signal(int)
{
	sem_post(&handler_entered);
	sem_wait(&never);
}

static volatile long num_spins;

NOINLINE static void spin_until_signal()
{
	for (;;)
		num_spins++;
}

static void *interrupted_main(void *)
{
	use_alternate_stack();
	spin_until_signal();
	return nullptr;
}

NOINLINE static void write_to(volatile int *address)
{
	*address = 1;
}

static void *faulting_main(void *arg)
{
	use_alternate_stack();
	write_to(static_cast<volatile int *>(arg));
	sink++;
	return nullptr;
}

// A call through a null pointer: the interrupted pc is 0, its caller stands on the stack.
static void *null_call_main(void *arg)
{
	void (*volatile function)() = nullptr;

	use_alternate_stack();
	function();
	sink++;
	return arg;
}

static pthread_t start(void *(*routine)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, nullptr, routine, arg))
		exit(1);
	return thread;
}

int main(int argc, char **argv)
{
	struct sigaction action = {};
	pthread_t interrupted;
	sigset_t go_on;
	int taken;
	void *guarded = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sem_init(&never, 0, 0);
	sem_init(&handler_entered, 0, 0);
	action.sa_handler = on_signal;
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, nullptr);
	sigaction(SIGSEGV, &action, nullptr);

	sigemptyset(&go_on);
	sigaddset(&go_on, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &go_on, nullptr);
	start(thrower_main, nullptr);
	start(rethrower_main, nullptr);
	start(plt_main, nullptr);
	start(clock_main, nullptr);
	start(alloca_main, nullptr);
	start(registers_main, nullptr);
	start(faulting_main, guarded);
	sem_wait(&handler_entered);
	if (argc > 1 && !strcmp(argv[1], "null-call")) {
		start(null_call_main, nullptr);
		sem_wait(&handler_entered);
	}
	interrupted = start(interrupted_main, nullptr);
	while (!num_spins)
		;
	pthread_kill(interrupted, SIGUSR1);
	sem_wait(&handler_entered);
	std::puts("ready");
	std::fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "segv")) {
		sigwait(&go_on, &taken);
		signal(SIGSEGV, SIG_DFL);
		write_to(static_cast<volatile int *>(guarded));
	}
	sem_wait(&never);
	return 0;
}
