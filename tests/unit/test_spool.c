#include "base/error.h"
#include "core/spool.h"
#include "fake_core.h"

#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *spool_suite(void);

enum { CORE_SIZE = 3 << 20, MIB = 1 << 20 };

static struct arena arena;
static struct gaps gaps;
static struct progress progress;
static unsigned char *core;
static char *core_path;
static int files_before;

static int num_open_files(void)
{
	int num = 0;
	for (int fd = 0; fd < 256; fd++)
		num += fcntl(fd, F_GETFD) >= 0;
	return num;
}

/* 3 MiB that begin like a core; one page in 16 is not zero. */
static void setup_files(void)
{
	fake_scratch_setup();
	core = calloc(1, CORE_SIZE);
	uint32_t state = 1;
	for (size_t page = 0; page < CORE_SIZE; page += 16 * FAKE_PAGE)
		for (size_t i = 0; i < FAKE_PAGE; i++)
			core[page + i] =
				(unsigned char)((state = state * 1103515245 + 12345) >> 16);
	memcpy(core, "\177ELF", 4);
	core_path = fake_scratch_file("core", core, CORE_SIZE);
}

static void teardown_files(void)
{
	free(core);
	free(core_path);
	fake_scratch_teardown();
}

static void setup(void)
{
	arena_init(&arena, 0);
	gaps_init(&gaps, &arena);
	files_before = num_open_files();
}

static void teardown(void)
{
	arena_deinit(&arena);
}

static struct coreleaks_error *try_spool(int fd, uint64_t max_size, int *ret_fd)
{
	ck_assert_int_ge(fd, 0);
	return spool_open(fd, "the-core", "/tmp", max_size, &progress, &gaps, ret_fd);
}

static int spool(int fd, uint64_t max_size)
{
	int ret_fd = -1;
	struct coreleaks_error *error = try_spool(fd, max_size, &ret_fd);
	ck_assert_msg(error == NULL, "%s", error != NULL ? error->message : "");
	return ret_fd;
}

/* The file must hold the first size bytes of the core, sparsely when it was unpacked. */
static void expect_core(int fd, size_t size, bool sparse)
{
	struct stat status;
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_eq(status.st_size, (off_t)size);
	unsigned char *bytes = malloc(size + 1);
	ck_assert_int_eq(pread(fd, bytes, size + 1, 0), (ssize_t)size);
	ck_assert(memcmp(bytes, core, size) == 0);
	free(bytes);
	if (sparse)
		ck_assert_int_le(status.st_blocks * 512, (off_t)size / 4);
}

START_TEST(plain_file_passes_through)
{
	int fd = open(core_path, O_RDONLY);
	ck_assert_int_eq(spool(fd, MIB), fd);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
	ck_assert_uint_eq(gaps.list.num, 0);
}
END_TEST

static const struct {
	const char *name, *command;
} packers[] = {
	{"zst", "zstd -q -c"}, {"xz", "xz -0 -c"},  {"lz4", "lz4 -q -c"},
	{"gz", "gzip -1 -c"},  {"bz2", "bzip2 -c"},
};

static char *packed(int i)
{
	char name[32];
	snprintf(name, sizeof(name), "core.%s", packers[i].name);
	char *path = fake_scratch_path(name);
	fake_shell("%s < '%s' > '%s'", packers[i].command, core_path, path);
	return path;
}

START_TEST(each_compression)
{
	char *path = packed(_i);
	int fd = spool(open(path, O_RDONLY), (uint64_t)1 << 40);
	expect_core(fd, CORE_SIZE, true);
	ck_assert_uint_eq(gaps.list.num, 0);
	ck_assert_int_eq(num_open_files(), files_before + 1);
	/* Nobody else sees it, and it vanishes with the descriptor. */
	struct stat status;
	fstat(fd, &status);
	ck_assert_int_eq(status.st_nlink, 0);
	ck_assert_int_eq(status.st_mode & 077, 0);
	free(path);
}
END_TEST

START_TEST(truncated_stream)
{
	char *path = packed(_i);
	struct stat status;
	stat(path, &status);
	ck_assert_int_eq(truncate(path, status.st_size * 2 / 3), 0);
	int fd = -1;
	struct coreleaks_error *error = try_spool(open(path, O_RDONLY), (uint64_t)1 << 40, &fd);
	if (error == NULL) {
		ck_assert(gaps_incomplete(&gaps));
		ck_assert_str_eq(gaps.list.items[0].kind, "core-truncated");
		fstat(fd, &status);
		ck_assert_int_gt(status.st_size, 0);
		ck_assert_int_lt(status.st_size, CORE_SIZE);
		expect_core(fd, (size_t)status.st_size, false);
	} else {
		/* Formats with one large block may yield nothing at all. */
		ck_assert_int_eq(error->code, CORELEAKS_ERROR_READ);
		ck_assert_int_eq(num_open_files(), files_before);
		coreleaks_error_free(error);
	}
	free(path);
}
END_TEST

START_TEST(trailing_garbage)
{
	char *path = packed(_i);
	fake_shell("head -c 5000 /dev/urandom | tr '\\000' x >> '%s'", path);
	int fd = spool(open(path, O_RDONLY), (uint64_t)1 << 40);
	struct stat status;
	fstat(fd, &status);
	ck_assert_int_ge(status.st_size, CORE_SIZE / 2);
	unsigned char *bytes = malloc(CORE_SIZE);
	ssize_t got = pread(fd, bytes, CORE_SIZE, 0);
	ck_assert(memcmp(bytes, core, (size_t)got) == 0);
	/* Whole without a word, or cut with one. */
	ck_assert(got == CORE_SIZE || gaps_incomplete(&gaps));
	free(bytes);
	free(path);
}
END_TEST

START_TEST(concatenated_frames)
{
	char *path = fake_scratch_path("two.zst");
	fake_shell(
		"{ head -c 1000000 '%s' | zstd -q -c; tail -c +1000001 '%s' | zstd -q -c; } > '%s'",
		core_path, core_path, path);
	expect_core(spool(open(path, O_RDONLY), (uint64_t)1 << 40), CORE_SIZE, true);
	ck_assert_uint_eq(gaps.list.num, 0);
	free(path);
}
END_TEST

/* Memory runs out when the gap is to be recorded: no file is left open. */
START_TEST(out_of_memory)
{
	char *path = packed(3);
	fake_shell("head -c 100000 '%s' > '%s.short'", path, path);
	int fd = open(arena_format(&arena, "%s.short", path), O_RDONLY), ret_fd = -1;
	jmp_buf trap;
	arena.max_size = arena.used_size;
	arena.next = arena.end;
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		coreleaks_error_free(try_spool(fd, (uint64_t)1 << 40, &ret_fd));
		ck_abort_msg("it did not run out of memory");
	}
	if (ret_fd >= 0)
		close(ret_fd);
	ck_assert_int_eq(num_open_files(), files_before);
	free(path);
}
END_TEST

static void expect_cap(uint64_t cap)
{
	char *path = packed(0);
	int fd = spool(open(path, O_RDONLY), cap);
	expect_core(fd, (size_t)cap, false);
	ck_assert(gaps_incomplete(&gaps));
	free(path);
}

START_TEST(cap_inside_a_block)
{
	expect_cap(MIB + 12345);
}
END_TEST

START_TEST(cap_on_a_block_boundary)
{
	expect_cap(2 * MIB);
}
END_TEST

START_TEST(cap_of_exactly_its_size)
{
	char *path = packed(0);
	expect_core(spool(open(path, O_RDONLY), CORE_SIZE), CORE_SIZE, true);
	ck_assert_uint_eq(gaps.list.num, 0);
	free(path);
}
END_TEST

/* Megabytes of zeros in a few kilobytes: takes no space and stops at the cap. */
START_TEST(bomb)
{
	char *path = fake_scratch_path("bomb.zst");
	fake_shell("{ printf '\\177ELF'; head -c 40000000 /dev/zero; } | zstd -q -c > '%s'", path);
	int fd = spool(open(path, O_RDONLY), 32 * MIB);
	struct stat status;
	fstat(fd, &status);
	ck_assert_int_eq(status.st_size, 32 * MIB);
	ck_assert_int_le(status.st_blocks * 512, 65536);
	ck_assert(gaps_incomplete(&gaps));
	free(path);
}
END_TEST

static int pipe_from(const char *path)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	if (fork() == 0) {
		close(ends[0]);
		int fd = open(path, O_RDONLY);
		char bytes[5000];
		ssize_t got;
		while ((got = read(fd, bytes, sizeof(bytes))) > 0)
			if (write(ends[1], bytes, (size_t)got) != got)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

START_TEST(pipe_of_a_plain_core)
{
	expect_core(spool(pipe_from(core_path), (uint64_t)1 << 40), CORE_SIZE, true);
	ck_assert_uint_eq(gaps.list.num, 0);
}
END_TEST

START_TEST(pipe_of_a_packed_core)
{
	char *path = packed(0);
	expect_core(spool(pipe_from(path), (uint64_t)1 << 40), CORE_SIZE, true);
	free(path);
}
END_TEST

/* A core that starts with the magic and ends amid a page of zeros keeps its exact size. */
START_TEST(odd_sizes)
{
	static const size_t sizes[] = {64,	4095,	4096, 4097, 65536 + 4096 * 3 + 5,
				       MIB - 1, MIB + 1};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *path = fake_scratch_path("odd.zst");
		fake_shell("head -c %zu '%s' | zstd -q -c > '%s'", sizes[i], core_path, path);
		int fd = spool(open(path, O_RDONLY), (uint64_t)1 << 40);
		expect_core(fd, sizes[i], false);
		close(fd);
		free(path);
	}
}
END_TEST

static void expect_failure(const char *command, enum coreleaks_error_code code)
{
	char *path = fake_scratch_path("failure");
	fake_shell("%s > '%s'", command, path);
	int fd = -1;
	struct coreleaks_error *error = try_spool(open(path, O_RDONLY), (uint64_t)1 << 40, &fd);
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(error->code == code, "%s: code %d: %s", command, error->code, error->message);
	ck_assert_ptr_nonnull(strstr(error->message, "the-core"));
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(num_open_files(), files_before);
	coreleaks_error_free(error);
	free(path);
}

START_TEST(no_core_inside)
{
	expect_failure("printf ''", CORELEAKS_ERROR_NOT_A_CORE);
	expect_failure("echo just a text", CORELEAKS_ERROR_NOT_A_CORE);
	expect_failure("echo just a text | zstd -q -c", CORELEAKS_ERROR_NOT_A_CORE);
	expect_failure("printf '' | zstd -q -c", CORELEAKS_ERROR_NOT_A_CORE);
	expect_failure("printf '\\050\\265\\057\\375damaged zstd'", CORELEAKS_ERROR_READ);
}
END_TEST

START_TEST(bad_spool_folder)
{
	char *path = packed(0);
	int fd = -1;
	struct coreleaks_error *error = spool_open(open(path, O_RDONLY), "the-core", "/no/such/dir",
						   MIB, &progress, &gaps, &fd);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, CORELEAKS_ERROR_READ);
	ck_assert_ptr_nonnull(strstr(error->message, "/no/such/dir"));
	ck_assert_int_eq(num_open_files(), files_before);
	coreleaks_error_free(error);
	free(path);
}
END_TEST

static bool refuse(void *data, const char *phase, uint64_t done, uint64_t total)
{
	(void)phase;
	(void)done;
	(void)total;
	++*(int *)data;
	return false;
}

START_TEST(cancelled)
{
	char *path = packed(0);
	int fd = -1, calls = 0;
	progress = (struct progress){.callback = refuse, .data = &calls};
	struct coreleaks_error *error = try_spool(open(path, O_RDONLY), (uint64_t)1 << 40, &fd);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, CORELEAKS_ERROR_CANCELLED);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(num_open_files(), files_before);
	coreleaks_error_free(error);
	free(path);
}
END_TEST

Suite *spool_suite(void)
{
	Suite *suite = suite_create("spool");
	TCase *tests = tcase_create("spool");
	tcase_add_unchecked_fixture(tests, setup_files, teardown_files);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, plain_file_passes_through);
	tcase_add_loop_test(tests, each_compression, 0, 5);
	tcase_add_loop_test(tests, truncated_stream, 0, 5);
	tcase_add_loop_test(tests, trailing_garbage, 0, 5);
	tcase_add_test(tests, concatenated_frames);
	tcase_add_test(tests, out_of_memory);
	tcase_add_test(tests, cap_inside_a_block);
	tcase_add_test(tests, cap_on_a_block_boundary);
	tcase_add_test(tests, cap_of_exactly_its_size);
	tcase_add_test(tests, bomb);
	tcase_add_test(tests, pipe_of_a_plain_core);
	tcase_add_test(tests, pipe_of_a_packed_core);
	tcase_add_test(tests, odd_sizes);
	tcase_add_test(tests, no_core_inside);
	tcase_add_test(tests, bad_spool_folder);
	tcase_add_test(tests, cancelled);
	suite_add_tcase(suite, tests);
	return suite;
}
