/* A file of rules, which may come from a repository that is not ours, applied to a sound core. */
#include "fake_code.h"
#include "fuzz.h"

#include "coreleaks.h"

#include <stdlib.h>
#include <string.h>

static const char text[] =
	"[mine]\n"
	"ignore main.worker [chan receive] max=3 until=2030-01-02 reason=\"a pool\"\n"
	"ignore net/http... [select]\n"
	"ignore created-by main.start\n"
	"ignore any ^(a|b)+\\.[c-e]{2,3}$\n"
	"ignore module libplug.so*\n"
	"allow g-0123456789ab max=7 # counted\n";

static void make(struct fuzz_bytes *ret)
{
	ret->size = strlen(text);
	ret->bytes = (unsigned char *)strdup(text);
	if (ret->bytes == NULL)
		abort();
}

static const struct fuzz_seed seeds[] = {{"rules", make}, {NULL, NULL}};

static void run(const unsigned char *bytes, size_t size)
{
	static struct fake_core core;
	struct coreleaks_options options;
	struct coreleaks_write_options write;
	struct coreleaks_analysis *analysis;
	size_t written = 0;
	char *rules = malloc(size + 1);
	/* What a pattern may cost grows with it, and it is the user's own. */
	if (rules == NULL || size > 4096) {
		free(rules);
		return;
	}
	memcpy(rules, bytes, size);
	rules[size] = '\0';
	fake_core_init(&core);
	for (int32_t i = 0; i < 3; i++)
		fake_running_thread(&core, 100 + i, FAKE_CODE_BASE, FAKE_STACK, FAKE_STACK);
	fake_build(&core);
	coreleaks_options_init(&options);
	options.debug_dirs = "/no/such/folder";
	options.rules = rules;
	options.now = 1700000000;
	struct coreleaks_error *error =
		coreleaks_open(fuzz_file(core.file.bytes, core.file.size), &options, &analysis);
	if (error == NULL) {
		coreleaks_write_options_init(&write);
		write.explain = true;
		fuzz_check_error(coreleaks_run(analysis));
		fuzz_check_error(coreleaks_write(analysis, &write, fuzz_drop, &written));
		write.format = CORELEAKS_FORMAT_JSON;
		fuzz_check_error(coreleaks_write(analysis, &write, fuzz_drop, &written));
		coreleaks_close(analysis);
	}
	fuzz_check_error(error);
	fake_core_deinit(&core);
	free(rules);
}

const struct fuzz_target fuzz_target = {
	.seeds = seeds,
	.run = run,
};
