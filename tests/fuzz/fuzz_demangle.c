/* Names as linkers see them: C++, Rust, D. */
#include "fuzz.h"
#include "stack/demangle.h"

#include <stdlib.h>
#include <string.h>

static void make(struct fuzz_bytes *ret, const char *name)
{
	ret->size = strlen(name);
	ret->bytes = (unsigned char *)strdup(name);
	if (ret->bytes == NULL)
		abort();
}

static void make_cxx(struct fuzz_bytes *ret)
{
	make(ret, "_ZNSt8functionIFvRKSt6vectorIiSaIiEEEEC1IZN4pool3runEvEUlS4_E_vEEOT_.cold.12");
}

static void make_rust(struct fuzz_bytes *ret)
{
	make(ret, "_RNCNvMs_NtCs7LkXqd3Zc1_4core4iterINtB4_3MapINtNtB6_5slice4IterhEE4next0B1_");
}

static void make_old_rust(struct fuzz_bytes *ret)
{
	make(ret, "_ZN4core3fmt9Formatter$LT$u20$as$GT$5write17h0123456789abcdefE.llvm.42");
}

static void make_d(struct fuzz_bytes *ret)
{
	make(ret, "_D3std5array__T8appenderTAyaZQoFNaNbNfZSQBmQBl__T8AppenderTQBiZQo");
}

static const struct fuzz_seed seeds[] = {
	{"cxx", make_cxx},   {"d", make_d}, {"old_rust", make_old_rust},
	{"rust", make_rust}, {NULL, NULL},
};

static void run(const unsigned char *bytes, size_t size)
{
	struct demangler demangler;
	struct arena arena;
	arena_init(&arena, 16 << 20);
	demangler_init(&demangler, &arena);
	const char *name = demangle(&demangler, (const char *)bytes, size);
	if (strlen(name) > DEMANGLE_MAX_SIZE)
		abort();
	arena_deinit(&arena);
}

const struct fuzz_target fuzz_target = {
	.seeds = seeds,
	.run = run,
};
