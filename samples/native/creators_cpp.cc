// std::thread: what creates one stands behind library templates, inlined or not.
#include <cstdio>
#include <future>
#include <thread>
#include <unistd.h>
#include <vector>

#define APART __attribute__((noipa))

static APART void wait_for_ever()
{
	for (;;)
		pause();
}

static APART void read_all(int)
{
	wait_for_ever();
}

static APART void poll_all()
{
	wait_for_ever();
}

static APART void push_all()
{
	wait_for_ever();
}

namespace app
{

static APART void start_reader()
{
	std::thread(read_all, 3).detach(); // @read_all
}

// Two functions of one type: the threads' state is of one type too.
static APART void start_poller()
{
	std::thread(poll_all).detach();
}

static APART void start_pusher()
{
	std::thread(push_all).detach();
}

class Pool
{
      public:
	APART void start(int num)
	{
		for (int i = 0; i < num; i++)
			threads.emplace_back([this] { work(); }); // @work
	}

      private:
	APART void work()
	{
		wait_for_ever();
	}

	std::vector<std::thread> threads;
};

static APART void calculate()
{
	wait_for_ever();
}

static APART std::future<void> start_async()
{
	return std::async(std::launch::async, [] { calculate(); }); // @calculate
}

} // namespace app

int main()
{
	app::Pool pool;
	app::start_reader();
	app::start_poller();
	app::start_pusher();
	pool.start(3);
	std::future<void> result = app::start_async();
	std::puts("ready");
	std::fflush(stdout);
	wait_for_ever();
}
