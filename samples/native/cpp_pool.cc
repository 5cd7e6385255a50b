// A C++ thread pool whose channel lost its sender.
//
// Four workers wait in Channel<Job>::receive(); the sender was dropped without closing the
// channel. Names are templates, methods and a lambda.
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace pool
{

template <class T> class Channel
{
      public:
	__attribute__((noinline)) bool receive(T &item)
	{
		std::unique_lock<std::mutex> guard(lock);

		while (items.empty() && !closed)
			changed.wait(guard);
		if (items.empty())
			return false;
		item = std::move(items.front());
		items.pop_front();
		return true;
	}

	void send(T item)
	{
		std::unique_lock<std::mutex> guard(lock);

		items.push_back(std::move(item));
		changed.notify_one();
	}

      private:
	std::mutex lock;
	std::condition_variable changed;
	std::deque<T> items;
	bool closed = false;
};

using Job = std::function<void()>;

class Worker
{
      public:
	explicit Worker(std::shared_ptr<Channel<Job>> channel) : channel(std::move(channel))
	{
	}

	__attribute__((noinline)) void run()
	{
		Job job;

		while (channel->receive(job))
			job();
	}

      private:
	std::shared_ptr<Channel<Job>> channel;
};

} // namespace pool

int main()
{
	auto channel = std::make_shared<pool::Channel<pool::Job>>();
	std::vector<std::thread> threads;

	for (int i = 0; i < 4; i++)
		threads.emplace_back([channel] { pool::Worker(channel).run(); });
	for (int i = 0; i < 20; i++)
		channel->send([] {});
	channel.reset();
	std::puts("ready");
	std::fflush(stdout);
	for (std::thread &thread : threads)
		thread.join();
	return 0;
}
