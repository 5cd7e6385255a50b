// Threads that hand each other what they wait for, all the time: on the heap, on their stacks, in
// registers, through mailboxes, by promises; threads come and go. Nobody ever waits in vain: whatever
// is said to be stuck is a lie. The first argument is the number of threads.
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <semaphore.h>
#include <pthread.h>
#include <thread>
#include <vector>

namespace
{

struct Request {
	std::mutex lock;
	std::condition_variable answered;
	bool done = false;
	std::shared_ptr<Request> rider; // is answered with it
};

struct Semaphore {
	Semaphore() { sem_init(&sem, 0, 0); }
	~Semaphore() { sem_destroy(&sem); }
	sem_t sem;
};

// One place each: a request is taken out by moving it, so that between mailbox and taker's stack it
// is in registers alone.
template <class T> class Mailbox
{
      public:
	void put(T item)
	{
		std::unique_lock<std::mutex> guard(lock);
		room.wait(guard, [this] { return items.size() < 4; });
		items.push_back(std::move(item));
		filled.notify_one();
	}

	T take()
	{
		std::unique_lock<std::mutex> guard(lock);
		filled.wait(guard, [this] { return !items.empty(); });
		T item = std::move(items.front());
		items.pop_front();
		room.notify_one();
		return item;
	}

      private:
	std::mutex lock;
	std::condition_variable filled, room;
	std::deque<T> items;
};

void answer(std::shared_ptr<Request> request)
{
	while (request) {
		std::shared_ptr<Request> rider;
		{
			std::lock_guard<std::mutex> guard(request->lock);
			request->done = true;
			rider = std::move(request->rider);
			request->answered.notify_all();
		}
		request = std::move(rider);
	}
}

void await(Request &request)
{
	std::unique_lock<std::mutex> guard(request.lock);
	request.answered.wait(guard, [&request] { return request.done; });
}

using Job = std::function<void()>;

// Reached by nothing but the threads' own stacks and each other's.
struct World {
	Mailbox<std::shared_ptr<Request>> requests;
	Mailbox<sem_t *> semaphores;
	Mailbox<Job> jobs;
};

void ask(const std::shared_ptr<World> &world)
{
	auto request = std::make_shared<Request>();
	auto rider = std::make_shared<Request>();
	request->rider = rider;
	std::weak_ptr<Request> first = request;
	world->requests.put(std::move(request));
	await(*rider);
}

void ask_by_stack(const std::shared_ptr<World> &world)
{
	Semaphore on_stack;
	world->semaphores.put(&on_stack.sem);
	while (sem_wait(&on_stack.sem) != 0)
		;
	auto on_heap = std::make_unique<Semaphore>();
	world->semaphores.put(&on_heap->sem);
	while (sem_wait(&on_heap->sem) != 0)
		;
}

void ask_by_promise(const std::shared_ptr<World> &world)
{
	auto promise = std::make_shared<std::promise<int>>();
	std::future<int> answer = promise->get_future();
	world->jobs.put([promise] { promise->set_value(1); });
	promise.reset();
	answer.get();
}

void *post(void *sem)
{
	sem_post(static_cast<sem_t *>(sem));
	return nullptr;
}

// A thread is begun with the only pointer there is.
void ask_by_thread(const std::shared_ptr<World> &)
{
	auto sem = std::make_unique<Semaphore>();
	pthread_t thread;
	if (pthread_create(&thread, nullptr, post, &sem->sem) != 0)
		std::abort();
	while (sem_wait(&sem->sem) != 0)
		;
	pthread_join(thread, nullptr);
}

void client(const std::shared_ptr<World> &world, unsigned random)
{
	void (*const ways[])(const std::shared_ptr<World> &) = {ask, ask_by_stack, ask_by_promise,
								ask_by_thread};
	for (;;) {
		random = random * 1664525 + 1013904223;
		ways[random >> 30](world);
	}
}

void server(const std::shared_ptr<World> &world, unsigned kind)
{
	for (;;) {
		if (kind == 0)
			answer(world->requests.take());
		else if (kind == 1)
			sem_post(world->semaphores.take());
		else
			world->jobs.take()();
	}
}

} // namespace

int main(int argc, char **argv)
{
	unsigned num = argc > 1 ? (unsigned)std::atoi(argv[1]) : 6;
	std::vector<std::thread> threads;
	auto world = std::make_shared<World>();
	for (unsigned i = 0; i < 3; i++)
		threads.emplace_back([world, i] { server(world, i); });
	for (unsigned i = 0; i < num; i++)
		threads.emplace_back([world, i] { client(world, i * 7919); });
	world.reset();
	std::puts("ready");
	std::fflush(stdout);
	for (std::thread &thread : threads)
		thread.join();
}
