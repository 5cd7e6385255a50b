/* N threads (argv[1], default 20) over five distinct stacks, for tests of scale and the benchmark.
 *
 * Thread i waits at a condition, a mutex, a semaphore, in recv() or asleep, by i modulo five,
 * below 8 to 14 frames of which some are inlined. Every stack is 64 KiB; main joins.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define INLINE	 inline __attribute__((always_inline))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static sem_t tickets;
static int sockets[2];

/* Keeps the call before it from becoming a jump. */
static volatile int num_calls;

static NOINLINE void wait_for_change(void)
{
	pthread_mutex_lock(&lock);
	for (;;)
		pthread_cond_wait(&changed, &lock);
}

static NOINLINE void read_change(void)
{
	wait_for_change();
	num_calls++;
}

static INLINE void follow_log(void)
{
	read_change();
	num_calls++;
}

static NOINLINE void replicate(void)
{
	follow_log();
	num_calls++;
}

static NOINLINE void replica_main(void)
{
	replicate();
	num_calls++;
}

static NOINLINE void lock_account(void)
{
	pthread_mutex_lock(&held_lock);
	num_calls++;
}

static INLINE void debit(void)
{
	lock_account();
	num_calls++;
}

static INLINE void transfer(void)
{
	debit();
	num_calls++;
}

static NOINLINE void run_transaction(void)
{
	transfer();
	num_calls++;
}

static NOINLINE void retry_transaction(void)
{
	run_transaction();
	num_calls++;
}

static NOINLINE void teller_main(void)
{
	retry_transaction();
	num_calls++;
}

static NOINLINE void take_ticket(void)
{
	sem_wait(&tickets);
	num_calls++;
}

static NOINLINE void limit_rate(void)
{
	take_ticket();
	num_calls++;
}

static NOINLINE void crawl_page(void)
{
	limit_rate();
	num_calls++;
}

static INLINE void crawl_site(void)
{
	crawl_page();
	num_calls++;
}

static NOINLINE void crawl_depth(int depth)
{
	if (depth)
		crawl_depth(depth - 1);
	else
		crawl_site();
	num_calls++;
}

static NOINLINE void crawler_main(void)
{
	crawl_depth(3);
	num_calls++;
}

static NOINLINE int read_packet(void)
{
	char packet[16];

	return (int)recv(sockets[0], packet, sizeof(packet), 0);
}

static INLINE int read_message(void)
{
	return read_packet() + num_calls;
}

static NOINLINE void serve_peer(void)
{
	num_calls += read_message();
}

static NOINLINE void peer_main(void)
{
	serve_peer();
	num_calls++;
}

static NOINLINE void sleep_long(void)
{
	sleep(1000000);
	num_calls++;
}

static NOINLINE void check_disk(void)
{
	sleep_long();
	num_calls++;
}

static INLINE void check_all(void)
{
	check_disk();
	num_calls++;
}

static NOINLINE void monitor_main(void)
{
	check_all();
	num_calls++;
}

static void *thread_main(void *arg)
{
	static void (*const mains[])(void) = {replica_main, teller_main, crawler_main, peer_main,
					      monitor_main};

	mains[(long)arg % 5]();
	num_calls++;
	return NULL;
}

int main(int argc, char **argv)
{
	long num = argc > 1 ? atol(argv[1]) : 20;
	pthread_t thread;
	pthread_attr_t attr;

	sem_init(&tickets, 0, 0);
	pthread_mutex_lock(&held_lock);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return 1;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (long i = 0; i < num; i++)
		if (pthread_create(&thread, &attr, thread_main, (void *)i))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
