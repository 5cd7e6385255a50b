/* Two deadlocks in appearance: something outside of them ends both.
 *
 * Two clerks hold a lock each and wait for the other's. The main thread reads; then it would end
 * the first clerk's wait. WAY says how, when the program is compiled: CANCEL: the clerk lets
 * itself be cancelled wherever it is, and its clean-up handler unlocks; JUMP: a signal's handler
 * jumps out of the wait, and the clerk gives up; EXIT: the handler ends the thread, as where there
 * is no pthread_cancel, and the clean-up handler unlocks.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define CANCEL 1
#define JUMP   2
#define EXIT   3
#ifndef WAY
#define WAY CANCEL
#endif

struct account {
	pthread_mutex_t lock;
	long balance;
};

static struct account accounts[2] = {{PTHREAD_MUTEX_INITIALIZER, 5},
				     {PTHREAD_MUTEX_INITIALIZER, 7}};
static pthread_barrier_t has_first;

static void unlock_account(void *arg)
{
	struct account *account = arg;

	pthread_mutex_unlock(&account->lock);
}

#if WAY == JUMP
static sigjmp_buf give_up;
#endif

#if WAY != CANCEL
static void on_signal(int number)
{
	(void)number;
#if WAY == JUMP
	siglongjmp(give_up, 1);
#else
	pthread_exit(NULL);
#endif
}
#endif

static __attribute__((noinline)) void transfer(struct account *from, struct account *to)
{
	pthread_mutex_lock(&from->lock);
	pthread_cleanup_push(unlock_account, from);
	pthread_barrier_wait(&has_first);
	pthread_mutex_lock(&to->lock);
	from->balance--;
	to->balance++;
	pthread_mutex_unlock(&to->lock);
	pthread_cleanup_pop(1);
}

static void *first_main(void *arg)
{
#if WAY == CANCEL
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
#endif
#if WAY == JUMP
	if (sigsetjmp(give_up, 1) != 0) {
		pthread_mutex_unlock(&accounts[0].lock);
		return arg;
	}
#endif
	transfer(&accounts[0], &accounts[1]);
	return arg;
}

static void *second_main(void *arg)
{
	transfer(&accounts[1], &accounts[0]);
	return arg;
}

int main(void)
{
	pthread_t first, second;
	int orders[2];
	char order;

#if WAY != CANCEL
	struct sigaction action = {.sa_handler = on_signal};
	if (sigaction(SIGUSR1, &action, NULL))
		return 1;
#endif
	pthread_barrier_init(&has_first, NULL, 2);
	if (pipe(orders) || pthread_create(&first, NULL, first_main, NULL) ||
	    pthread_create(&second, NULL, second_main, NULL))
		return 1;
	puts("ready");
	fflush(stdout);
	if (read(orders[0], &order, 1) != 1)
		return 1;
#if WAY == CANCEL
	pthread_cancel(first);
#else
	pthread_kill(first, SIGUSR1);
#endif
	pthread_join(second, NULL);
	pthread_join(first, NULL);
	return 0;
}
