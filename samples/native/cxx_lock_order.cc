/* Two std::mutexes taken in opposite orders by two std::threads. */
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <unistd.h>

class Account {
public:
	std::mutex lock;
	long balance = 0;
};

static Account savings, current;
static std::mutex count_lock;
static std::condition_variable counted;
static int num_locked;

static void wait_for_both()
{
	std::unique_lock guard(count_lock);
	num_locked++;
	counted.notify_all();
	counted.wait(guard, [] { return num_locked == 2; });
}

__attribute__((noinline)) static void transfer(Account &from, Account &to, long amount)
{
	std::lock_guard first(from.lock);
	wait_for_both();
	std::lock_guard second(to.lock);
	from.balance -= amount;
	to.balance += amount;
}

int main()
{
	std::thread saver([] { transfer(current, savings, 100); });
	std::thread spender([] { transfer(savings, current, 50); });
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
