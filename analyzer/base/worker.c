#include "base/worker.h"

#include <sched.h>
#include <signal.h>

unsigned worker_num_processors(void)
{
	cpu_set_t set;
	/* Fails with more processors than the set has room for. */
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set)
							    : CPU_SETSIZE;
}

static void do_piece(struct worker *worker)
{
	jmp_buf trap;
	worker->arena.trap = &trap;
	if (setjmp(trap) == 0)
		worker->work(&worker->arena, worker->data);
	else
		worker->out_of_memory = true;
	worker->arena.trap = NULL;
}

static void *run(void *data)
{
	do_piece(data);
	return NULL;
}

/* Signals are the caller's, but for those that an access itself raises. */
static bool start_thread(struct worker *worker)
{
	sigset_t blocked, old;
	sigfillset(&blocked);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGSEGV);
	if (pthread_sigmask(SIG_SETMASK, &blocked, &old) != 0)
		return false;
	bool started = pthread_create(&worker->thread, NULL, run, worker) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return started;
}

void worker_start(struct worker *ret, const struct arena *main, bool background,
		  void (*work)(struct arena *arena, void *data), void *data)
{
	*ret = (struct worker){.work = work, .data = data};
	arena_init(&ret->arena, 0);
	if (background && main->max_size == 0 && worker_num_processors() > 1)
		ret->running = start_thread(ret);
}

void worker_do(struct worker *worker)
{
	worker->finished = true;
	do_piece(worker);
}

bool worker_join(struct worker *worker)
{
	if (worker->running)
		pthread_join(worker->thread, NULL);
	worker->finished |= worker->running;
	worker->running = false;
	return !worker->out_of_memory;
}

void worker_finish(struct worker *worker, struct arena *main)
{
	worker_join(worker);
	if (!worker->finished) {
		/* At least 1: 0 would be no limit. */
		if (main->max_size != 0)
			worker->arena.max_size = main->max_size - main->used_size + 1;
		worker_do(worker);
	}
	if (worker->out_of_memory)
		arena_exhausted(main);
	arena_charge(main, worker->arena.used_size);
}

void worker_deinit(struct worker *worker)
{
	worker_join(worker);
	arena_deinit(&worker->arena);
}
