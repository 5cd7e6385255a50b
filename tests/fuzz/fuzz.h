/* fuzz.h - what a fuzzing target consists of. Each target is one program, built twice: for
 * libFuzzer, and with replay.c for `make check`.
 *
 * Mutations never insert bytes, so that an input is told by its seed and a few differences: a
 * recipe, which is text and may be kept. */
#ifndef CORELEAKS_TESTS_FUZZ_H
#define CORELEAKS_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuzz_bytes {
	unsigned char *bytes; /* from malloc() */
	size_t size;
};

struct fuzz_seed {
	const char *name;
	void (*make)(struct fuzz_bytes *ret);
};

struct fuzz_target {
	const struct fuzz_seed *seeds; /* one without a name ends them */
	/* Whatever the input: returns. What is wrong ends the process. */
	void (*run)(const unsigned char *bytes, size_t size);
	/* Changes the input in place; returns its size, which is not larger. NULL: bytes without a
	 * structure. */
	size_t (*mutate)(unsigned char *bytes, size_t size, uint32_t random);
};

/* Of this program. */
extern const struct fuzz_target fuzz_target;

/* An ELF core: headers, notes and memory, with addresses that lead somewhere. */
size_t fuzz_mutate_core(unsigned char *bytes, size_t size, uint32_t random);
/* An ELF program or library: its section headers decide what is where. */
size_t fuzz_mutate_module(unsigned char *bytes, size_t size, uint32_t random);

extern const struct fuzz_seed fuzz_core_seeds[];
/* What seeds need, and its end. */
void fuzz_setup(void);
void fuzz_teardown(void);

/* These bytes as a file: one that is used again and again. */
const char *fuzz_file(const unsigned char *bytes, size_t size);
/* Reads the core from end to end and writes every report. executable: NULL none. */
void fuzz_analyse(const char *core_path, const char *executable);

/* Of an error, which it frees; NULL: none. What is wrong with its words ends the process. */
struct coreleaks_error;
void fuzz_check_error(struct coreleaks_error *error);
/* A sink that reads what it is given, and keeps nothing. data: size_t. */
bool fuzz_drop(void *data, const char *bytes, size_t size);

#endif
