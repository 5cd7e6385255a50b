/* A mutex that one thread took, another one unlocked, and a third one holds now.
 *
 * The foreman took the site's mutex and had main unlock it, as if it were a semaphore: POSIX
 * forbids that, glibc does not. The crane operator has it now, and reads. A driver holds the gate
 * and waits for the site; the foreman waits for the gate. If the site's mutex still named the
 * foreman, driver and foreman would seem to wait for each other.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t site = PTHREAD_MUTEX_INITIALIZER, gate = PTHREAD_MUTEX_INITIALIZER;
static sem_t has_lock, gate_is_taken;
static int orders[2];

static __attribute__((noinline)) void pass_gate(void)
{
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void *foreman_main(void *arg)
{
	pthread_mutex_lock(&site);
	sem_post(&has_lock);
	sem_wait(&gate_is_taken);
	pass_gate();
	return arg;
}

static __attribute__((noinline)) int read_order(void)
{
	char order;

	return (int)read(orders[0], &order, 1);
}

static void *crane_main(void *arg)
{
	pthread_mutex_lock(&site);
	sem_post(&has_lock);
	int num = read_order();
	pthread_mutex_unlock(&site);
	return num ? arg : NULL;
}

static __attribute__((noinline)) void enter_site(void)
{
	pthread_mutex_lock(&site);
	pthread_mutex_unlock(&site);
}

static void *driver_main(void *arg)
{
	pthread_mutex_lock(&gate);
	sem_post(&gate_is_taken);
	enter_site();
	pthread_mutex_unlock(&gate);
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&has_lock, 0, 0);
	sem_init(&gate_is_taken, 0, 0);
	if (pipe(orders) || pthread_create(&thread, NULL, foreman_main, NULL))
		return 1;
	sem_wait(&has_lock);
	pthread_mutex_unlock(&site);
	if (pthread_create(&thread, NULL, crane_main, NULL))
		return 1;
	sem_wait(&has_lock);
	if (pthread_create(&thread, NULL, driver_main, NULL))
		return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
