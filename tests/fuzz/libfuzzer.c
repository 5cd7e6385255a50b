/* A target as libFuzzer wants it. With FUZZ_SEEDS=DIR in the environment it writes its seeds there
 * first. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max_size, unsigned random);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t max_size);

static void write_seed(const char *folder, const struct fuzz_seed *seed)
{
	struct fuzz_bytes bytes;
	char *path;
	seed->make(&bytes);
	if (asprintf(&path, "%s/%s", folder, seed->name) < 0)
		abort();
	FILE *file = fopen(path, "we");
	if (file == NULL || fwrite(bytes.bytes, 1, bytes.size, file) != bytes.size ||
	    fclose(file) != 0)
		abort();
	free(path);
	free(bytes.bytes);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *folder = getenv("FUZZ_SEEDS");
	(void)argc;
	(void)argv;
	fuzz_setup();
	atexit(fuzz_teardown);
	for (const struct fuzz_seed *seed = fuzz_target.seeds; folder && seed->name; seed++)
		write_seed(folder, seed);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	fuzz_target.run(bytes, size);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max_size, unsigned random)
{
	return fuzz_target.mutate != NULL ? fuzz_target.mutate(bytes, size, random)
					  : LLVMFuzzerMutate(bytes, size, max_size);
}
