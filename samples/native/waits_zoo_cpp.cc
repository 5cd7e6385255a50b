/* The C++ house of the zoo: one thread for each way to wait in C++20's library.
 *
 * Prints the same lines as waits_zoo.c. libstdc++ waits on a word of its own, whose address the
 * program cannot know, for std::barrier, std::atomic_flag and atomics of other than four bytes.
 */
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <latch>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;

namespace
{

constexpr auto far = 10h;
const void *const unknown_addr = reinterpret_cast<void *>(-1);

struct truth {
	const char *reason, *object = "-";
	const void *addr = nullptr;
	pid_t holder = 0;
	bool holder_optional = false, timed = false;
	const void *mutex = nullptr;
};

std::counting_semaphore<> said{0};
std::vector<pid_t> sleepers;
pid_t keeper_tid;

std::string hex(const void *addr)
{
	std::ostringstream text;
	text << addr;
	return text.str();
}

void print_wait(pid_t tid, const truth &truth)
{
	std::ostringstream line;
	line << "wait " << tid << ' ' << truth.reason << ' ' << truth.object << ' '
	     << (truth.addr == nullptr	      ? "-"
		 : truth.addr == unknown_addr ? "?"
					      : hex(truth.addr))
	     << ' ' << (truth.holder ? std::to_string(truth.holder) : "-")
	     << (truth.holder_optional ? "?" : "") << ' ' << (truth.timed ? "timed" : "-");
	if (truth.mutex)
		line << " mutex=" << truth.mutex;
	line << '\n';
	dprintf(1, "%s", line.str().c_str());
}

/* The last words of a thread before it blocks. */
void will_wait(const truth &truth)
{
	sleepers.push_back(gettid());
	print_wait(gettid(), truth);
	said.release();
}

/* One after another: the lines and the list of sleepers need no lock. */
template <class Function> std::thread start(Function function)
{
	std::thread thread(function);
	said.acquire();
	return thread;
}

long sleeper_switches(pid_t tid)
{
	std::ifstream file("/proc/self/task/" + std::to_string(tid) + "/status");
	std::string word, state;
	long switches = -1;
	while (file >> word)
		if (word == "State:")
			file >> state;
		else if (word == "voluntary_ctxt_switches:")
			file >> switches;
	return state == "S" ? switches : -1;
}

void wait_until_asleep(pid_t tid)
{
	long before = -1, now = -1;
	do {
		before = now;
		std::this_thread::sleep_for(1ms);
		now = sleeper_switches(tid);
	} while (now < 0 || now != before);
}

[[noreturn]] void pause_for_ever()
{
	will_wait({.reason = "pause"});
	for (;;)
		pause();
}

/* ---- What the keeper holds ---- */

std::mutex mutex;
std::recursive_mutex recursive_mutex;
std::timed_mutex timed_mutex;
std::recursive_timed_mutex recursive_timed_mutex;
std::shared_mutex shared_mutex, read_mutex;
std::shared_timed_mutex shared_timed_mutex;

void keep_locks()
{
	keeper_tid = gettid();
	mutex.lock();
	recursive_mutex.lock();
	timed_mutex.lock();
	recursive_timed_mutex.lock();
	shared_mutex.lock();
	read_mutex.lock_shared();
	shared_timed_mutex.lock();
	pause_for_ever();
}

void start_mutexes()
{
	start([] {
		will_wait({"mutex", "mutex", &mutex, keeper_tid});
		mutex.lock();
	}).detach();
	start([] {
		will_wait({"mutex", "mutex", &recursive_mutex, keeper_tid});
		recursive_mutex.lock();
	}).detach();
	start([] {
		will_wait({"mutex", "mutex", &timed_mutex, keeper_tid});
		timed_mutex.lock();
	}).detach();
	start([] {
		will_wait({"mutex", "mutex", &timed_mutex, keeper_tid, false, true});
		return timed_mutex.try_lock_for(far);
	}).detach();
	start([] {
		will_wait({"mutex", "mutex", &recursive_timed_mutex, keeper_tid, false, true});
		return recursive_timed_mutex.try_lock_until(std::chrono::system_clock::now() + far);
	}).detach();
}

void start_shared_mutexes()
{
	start([] {
		will_wait({"rwlock-write", "rwlock", &shared_mutex, keeper_tid});
		shared_mutex.lock();
	}).detach();
	start([] {
		will_wait({"rwlock-read", "rwlock", &shared_mutex, keeper_tid});
		shared_mutex.lock_shared();
	}).detach();
	start([] {
		will_wait({"rwlock-write", "rwlock", &read_mutex});
		read_mutex.lock();
	}).detach();
	start([] {
		will_wait({"rwlock-read", "rwlock", &shared_timed_mutex, keeper_tid, false, true});
		return shared_timed_mutex.try_lock_shared_for(far);
	}).detach();
}

/* ---- Conditions ---- */

std::condition_variable condition, timed_condition;
std::condition_variable_any any_condition;
std::mutex condition_mutexes[2];

void start_conditions()
{
	start([] {
		std::unique_lock lock(condition_mutexes[0]);
		will_wait({.reason = "condition",
			   .object = "condition",
			   .addr = &condition,
			   .mutex = &condition_mutexes[0]});
		condition.wait(lock, [] { return false; });
	}).detach();
	start([] {
		std::unique_lock lock(condition_mutexes[1]);
		will_wait({.reason = "condition",
			   .object = "condition",
			   .addr = &timed_condition,
			   .timed = true,
			   .mutex = &condition_mutexes[1]});
		timed_condition.wait_for(lock, far, [] { return false; });
	}).detach();
	start([] {
		static std::shared_mutex any_mutex;
		std::shared_lock lock(any_mutex);
		will_wait({"condition", "condition", &any_condition});
		any_condition.wait(lock, [] { return false; });
	}).detach();
}

/* ---- Latches, semaphores, barriers, atomics ---- */

std::latch latch{2};
std::counting_semaphore<> semaphore{0}, timed_semaphore{0};
std::barrier barrier{2};
std::atomic<int> number;
std::atomic<long> long_number;
std::atomic_flag flag;

void start_atomics()
{
	start([] {
		will_wait({"barrier", "barrier", &latch});
		latch.wait();
	}).detach();
	start([] {
		will_wait({"semaphore", "semaphore", &semaphore});
		semaphore.acquire();
	}).detach();
	start([] {
		will_wait({"semaphore", "semaphore", &timed_semaphore, 0, false, true});
		return timed_semaphore.try_acquire_for(far);
	}).detach();
	start([] {
		will_wait({"barrier", "barrier", unknown_addr});
		barrier.arrive_and_wait();
	}).detach();
	start([] {
		will_wait({"atomic", "futex", &number});
		number.wait(0);
	}).detach();
	start([] {
		will_wait({"atomic", "futex", unknown_addr});
		long_number.wait(0);
	}).detach();
	start([] {
		will_wait({"atomic", "futex", unknown_addr});
		flag.wait(false);
	}).detach();
}

/* ---- What is done only once, or by another thread ---- */

std::promise<int> promises[2];
std::once_flag once;
pid_t once_tid, guard_tid;

void stay_in_once()
{
	once_tid = gettid();
	pause_for_ever();
}

struct slow {
	slow()
	{
		guard_tid = gettid();
		pause_for_ever();
	}
};

void touch_slow_static()
{
	static slow object;
}

extern "C" char guard_of_object asm("_ZGVZN12_GLOBAL__N_117touch_slow_staticEvE6object");

void start_once()
{
	start([] { std::call_once(once, stay_in_once); }).detach();
	start([] {
		will_wait({"once", "once", &once, once_tid, true});
		std::call_once(once, stay_in_once);
	}).detach();
	start(touch_slow_static).detach();
	start([] {
		will_wait({"once", "once", &guard_of_object, guard_tid, true});
		touch_slow_static();
	}).detach();
}

void start_futures()
{
	start([] {
		auto future = promises[0].get_future();
		will_wait({"atomic", "futex", unknown_addr});
		future.wait();
	}).detach();
	start([] {
		auto future = promises[1].get_future();
		will_wait({"atomic", "futex", unknown_addr, 0, false, true});
		future.wait_for(far);
	}).detach();
}

/* Starts a thread and joins it. */
template <class Thread> void join_a_thread()
{
	std::promise<pid_t> tid;
	Thread thread([&tid] {
		sleepers.push_back(gettid());
		print_wait(gettid(), {.reason = "pause"});
		tid.set_value(gettid());
		for (;;)
			pause();
	});
	pid_t joined_tid = tid.get_future().get();
	auto handle = reinterpret_cast<void *>(thread.native_handle());

	dprintf(1, "joined %d %d\n", joined_tid, gettid());
	will_wait({"join", "thread", handle, joined_tid});
	thread.join();
}

void start_joins()
{
	start(join_a_thread<std::thread>).detach();
	start(join_a_thread<std::jthread>).detach();
	start([] {
		will_wait({.reason = "sleep", .timed = true});
		std::this_thread::sleep_for(far);
	}).detach();
}

} // namespace

int main()
{
	sleepers.reserve(100);
	start(keep_locks).detach();
	start_mutexes();
	start_shared_mutexes();
	start_conditions();
	start_atomics();
	start_once();
	start_futures();
	start_joins();
	for (pid_t tid : sleepers)
		wait_until_asleep(tid);
	print_wait(gettid(), {.reason = "pause"});
	dprintf(1, "threads %zu busy 0\nready\n", sleepers.size() + 1);
	for (;;)
		pause();
}
