/* Two function-local statics whose constructors need each other, first used by two threads.
 *
 * Each thread initialises one of them and waits until the other one's guard is free.
 */
#include <barrier>
#include <cstdio>
#include <thread>
#include <unistd.h>

static std::barrier both_begun{2};

struct Logger;
struct Config;
Logger &logger();
Config &config();

struct Logger {
	Logger()
	{
		both_begun.arrive_and_wait();
		config();
	}
};

struct Config {
	Config()
	{
		both_begun.arrive_and_wait();
		logger();
	}
};

Logger &logger()
{
	static Logger object;
	return object;
}

Config &config()
{
	static Config object;
	return object;
}

int main()
{
	std::thread first([] { logger(); }), second([] { config(); });
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
