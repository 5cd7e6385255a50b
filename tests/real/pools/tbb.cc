// An idle pool of oneTBB, and an arena whose workers wait in the program's own code.
#include <atomic>
#include <cstdio>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <thread>
#include <unistd.h>

static std::atomic<int> num_inside;

[[gnu::noinline]] static void wait_for_order(int)
{
	num_inside++;
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	tbb::global_control control(tbb::global_control::max_allowed_parallelism, 2);
	std::atomic<long> sum{0};

	tbb::parallel_for(0, 100000, [&](int i) {
		sum += i;
		for (volatile int turn = 0; turn < 200; turn = turn + 1)
			;
	});
	if (argc > 1 && argv[1][0] == 'b') {
		tbb::task_arena arena(2, 0);
		arena.enqueue([] { wait_for_order(0); });
		while (num_inside == 0)
			usleep(1000);
	}
	std::puts("ready");
	std::fflush(stdout);
	for (;;)
		pause();
}
