/* A core to all reports: native and Go programs. */
#include "fuzz.h"

static void run(const unsigned char *bytes, size_t size)
{
	fuzz_analyse(fuzz_file(bytes, size), NULL);
}

const struct fuzz_target fuzz_target = {
	.seeds = fuzz_core_seeds,
	.run = run,
	.mutate = fuzz_mutate_core,
};
