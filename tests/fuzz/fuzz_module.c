/* A damaged library under a sound core: call frame information, symbols, lines, imports. */
#include "fake_code.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char source[] =
	"#include <stddef.h>\n"
	"extern int outside(int);\n"
	"static inline int inner(int n) { return outside(n) + 3; }\n"
	"static __attribute__((noinline)) int hidden(int n) { return inner(n) * 2; }\n"
	"int visible(int n, char *p)\n"
	"{ char room[64]; for (int i = 0; i < n; i++) room[i % 64] = p[i] + hidden(i);\n"
	"  return inner(room[n % 64]); }\n"
	"int recurse(int n) { return n > 0 ? recurse(n - 1) + visible(n, NULL) : 0; }\n";

static void make(struct fuzz_bytes *ret, const char *flags, const char *after)
{
	char *path = fake_compile("seed.so", "c", source, flags);
	fake_shell("%s '%s'", after, path);
	FILE *file = fopen(path, "re");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		abort();
	ret->size = (size_t)ftell(file);
	ret->bytes = malloc(ret->size);
	rewind(file);
	if (ret->bytes == NULL || fread(ret->bytes, 1, ret->size, file) != ret->size)
		abort();
	fclose(file);
	free(path);
}

#define SHARED "-shared -fPIC -nostdlib -Wl,--build-id=sha1 "

static void make_full(struct fuzz_bytes *ret)
{
	make(ret, SHARED "-O2 -g", ":");
}

static void make_stripped(struct fuzz_bytes *ret)
{
	make(ret, SHARED "-O2", "strip");
}

static void make_old(struct fuzz_bytes *ret)
{
	make(ret, SHARED "-O1 -gdwarf-4 -fno-asynchronous-unwind-tables", ":");
}

static void make_packed(struct fuzz_bytes *ret)
{
	make(ret, SHARED "-O2 -g -gz=zlib", ":");
}

static const struct fuzz_seed seeds[] = {
	{"full", make_full},	     {"old", make_old}, {"packed", make_packed},
	{"stripped", make_stripped}, {NULL, NULL},
};

/* Of the library only the name and the size are in the core, as when no headers are dumped: the
 * file is taken as it is. */
static void make_core(struct fuzz_bytes *ret, const char *path, size_t size)
{
	enum { NUM_THREADS = 48, NUM_WORDS = 256 };
	static struct fake_core core;
	uint64_t words[NUM_WORDS];
	uint64_t pages = (size + FAKE_PAGE - 1) & ~(uint64_t)(FAKE_PAGE - 1);
	const Elf64_auxv_t auxv[] = {{AT_ENTRY, {FAKE_CODE_BASE + 0x1000}}};
	fake_core_init(&core);
	for (uint32_t i = 0; i < NUM_WORDS; i++)
		words[i] = i % 2 == 0 ? FAKE_CODE_BASE + 0x1000 + i * 3 : FAKE_STACK + i * 8;
	for (int32_t i = 0; i < NUM_THREADS; i++) {
		fake_running_thread(&core, 100 + i, FAKE_CODE_BASE + 0x1000 + (uint64_t)i * 11,
				    FAKE_STACK + (uint64_t)i * 8, FAKE_STACK + (uint64_t)i * 16);
		if (i == 0)
			fake_auxv(&core, auxv, 1);
	}
	fake_segment(&core, FAKE_CODE_BASE, NULL, 0, pages, PF_R | PF_X);
	fake_mapping(&core, FAKE_CODE_BASE, FAKE_CODE_BASE + pages, 0, path);
	fake_segment(&core, FAKE_STACK, words, sizeof(words), sizeof(words), PF_R | PF_W);
	fake_build(&core);
	ret->bytes = core.file.bytes;
	ret->size = core.file.size;
	core.file.bytes = NULL;
	fake_core_deinit(&core);
}

static void run(const unsigned char *bytes, size_t size)
{
	struct fuzz_bytes core;
	char *path = fake_scratch_file("lib.so", bytes, size);
	make_core(&core, path, size);
	fuzz_analyse(fuzz_file(core.bytes, core.size), NULL);
	free(core.bytes);
	free(path);
}

const struct fuzz_target fuzz_target = {
	.seeds = seeds,
	.run = run,
	.mutate = fuzz_mutate_module,
};
