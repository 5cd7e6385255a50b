/* Threads that wait, each kind created in another way. Where: the lines with a mark.
 *
 * The functions are kept apart from each other, or the compiler would make one of them all.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define APART __attribute__((noipa))

static pthread_attr_t attr;

static APART void wait_for_ever(void)
{
	for (;;)
		pause();
}

#define ROUTINE(name)                                                                              \
	static APART void *name(void *arg)                                                         \
	{                                                                                          \
		wait_for_ever();                                                                   \
		return arg;                                                                        \
	}

ROUTINE(pool_main)
ROUTINE(shared_main)
ROUTINE(timer_main)
ROUTINE(flush_main)
ROUTINE(job_main)
ROUTINE(report_main)
ROUTINE(tail_main)
ROUTINE(twin_main)
ROUTINE(listener_main)

/* Four of them in a loop, detached. */
static APART void start_pool(void)
{
	pthread_t thread;
	for (int i = 0; i < 4; i++) {
		pthread_create(&thread, &attr, pool_main, NULL); /* @pool_main */
		pthread_detach(thread);
	}
}

/* Either function could have created a thread; one of each does. */
static APART void start_shared(void)
{
	pthread_t thread;
	pthread_create(&thread, &attr, shared_main, NULL);
	puts("shared");
}

static APART void start_shared_again(void)
{
	pthread_t thread;
	pthread_create(&thread, &attr, shared_main, &thread);
	puts("shared again");
}

/* A wrapper: what it creates is its caller's to say. */
static APART int spawn(const char *name, void *(*routine)(void *))
{
	pthread_t thread;
	puts(name);
	return pthread_create(&thread, &attr, routine, NULL);
}

static APART void start_timer(void)
{
	if (spawn("timer", timer_main) != 0) /* @timer_main */
		puts("no timer");
}

static APART void start_flush(void)
{
	if (spawn("flush", flush_main) != 0) /* @flush_main */
		puts("no flush");
}

/* Only a table knows this routine. Not static: the compiler has to read it. */
struct job {
	const char *name;
	void *(*routine)(void *);
};
extern struct job jobs[];
struct job jobs[] = {{"job", job_main}, {"report", report_main}};

static APART void start_jobs(int num)
{
	for (int i = 0; i < num; i++)
		spawn(jobs[i].name, jobs[i].routine);
}

/* The table has this one too, so that it may have been there. */
static APART void start_report(void)
{
	pthread_t thread;
	pthread_create(&thread, &attr, report_main, NULL);
	puts("report");
}

static APART int start_tail(pthread_t *thread)
{
	return pthread_create(thread, &attr, tail_main, NULL); /* @tail_main */
}

/* One function, two lines. */
static APART void start_twins(void)
{
	pthread_t thread;
	pthread_create(&thread, &attr, twin_main, NULL);
	puts("one twin");
	pthread_create(&thread, &attr, twin_main, NULL);
	puts("two twins");
}

int main(int argc, char **argv)
{
	pthread_t thread;
	(void)argv;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	start_pool();
	start_shared();
	start_shared_again();
	start_timer();
	start_flush();
	start_jobs(argc > 0 ? 1 : 2);
	start_report();
	start_tail(&thread);
	start_twins();
	pthread_create(&thread, &attr, listener_main, NULL); /* @listener_main */
	puts("ready");
	fflush(stdout);
	wait_for_ever();
}
