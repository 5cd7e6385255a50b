// C++ threads that wait while exceptions are in flight.
//
// One waits inside a catch block, one inside a destructor that runs while the stack unwinds, one
// inside a lambda started by std::thread; all of them through inlined functions and templates.
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace shop
{

struct Gate {
	std::mutex lock;
	std::condition_variable opened;
	bool open = false;

	__attribute__((noinline)) void wait()
	{
		std::unique_lock<std::mutex> guard(lock);
		opened.wait(guard, [this] { return open; });
	}
};

static Gate gate;
static volatile int num_waits;

template <class T> static inline __attribute__((always_inline)) void wait_with(T &&reason)
{
	if (!std::string(reason).empty())
		gate.wait();
	// Keeps the call from becoming a jump.
	num_waits = num_waits + 1;
}

class Session
{
      public:
	explicit Session(std::string user) : user(std::move(user))
	{
	}
	__attribute__((noinline)) ~Session()
	{
		wait_with(user);
	}

      private:
	std::string user;
};

__attribute__((noinline)) static void parse_request(const std::string &text)
{
	if (text.size() > 3)
		throw std::runtime_error("request too long: " + text);
}

__attribute__((noinline)) static void handle_in_session(const std::string &text)
{
	Session session("alice");

	parse_request(text);
}

__attribute__((noinline)) static void handle_with_catch(const std::string &text)
{
	try {
		parse_request(text);
	} catch (const std::exception &error) {
		wait_with(error.what());
	}
}

static void session_main()
{
	try {
		handle_in_session("GET /session");
	} catch (const std::exception &) {
	}
}

static void catcher_main()
{
	handle_with_catch("GET /catch");
}

} // namespace shop

int main()
{
	std::thread session(shop::session_main);
	std::thread catcher(shop::catcher_main);
	std::thread lambda([] { shop::wait_with("lambda"); });

	std::puts("ready");
	std::fflush(stdout);
	session.join();
	catcher.join();
	lambda.join();
	return 0;
}
