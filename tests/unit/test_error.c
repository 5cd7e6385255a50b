#include "base/error.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

Suite *error_suite(void);

START_TEST(message_and_path_are_copied)
{
	char path[] = "/tmp/core", what[] = "odd";
	struct coreleaks_error *error =
		error_new(CORELEAKS_ERROR_NOT_A_CORE, 0, path, "%s: %s %d", path, what, 42);
	memset(path, 'x', sizeof(path) - 1);
	memset(what, 'x', sizeof(what) - 1);
	ck_assert_int_eq(error->code, CORELEAKS_ERROR_NOT_A_CORE);
	ck_assert_int_eq(error->errno_value, 0);
	ck_assert_str_eq(error->message, "/tmp/core: odd 42");
	ck_assert_str_eq(error->path, "/tmp/core");
	coreleaks_error_free(error);
}
END_TEST

START_TEST(errno_is_appended)
{
	struct coreleaks_error *error =
		error_new(CORELEAKS_ERROR_OPEN, ENOENT, NULL, "%s", "/no/such");
	ck_assert_str_eq(error->message, "/no/such: No such file or directory");
	ck_assert_int_eq(error->errno_value, ENOENT);
	ck_assert_ptr_null(error->path);
	coreleaks_error_free(error);
}
END_TEST

START_TEST(unknown_errno_is_no_crash)
{
	struct coreleaks_error *error = error_new(CORELEAKS_ERROR_READ, 99999, NULL, "x");
	ck_assert_int_eq(strncmp(error->message, "x: ", 3), 0);
	ck_assert_uint_gt(strlen(error->message), 3);
	coreleaks_error_free(error);
}
END_TEST

START_TEST(free_takes_null)
{
	coreleaks_error_free(NULL);
}
END_TEST

START_TEST(long_path_stays_whole)
{
	size_t size = 100000;
	char *path = malloc(size + 1);
	memset(path, 'p', size);
	path[size] = '\0';
	struct coreleaks_error *error =
		error_new(CORELEAKS_ERROR_OPEN, EACCES, path, "%s: no", path);
	ck_assert_str_eq(error->path, path);
	/* The message may be cut, but its reason must still stand at the end. */
	ck_assert_ptr_nonnull(strstr(error->message, ": Permission denied"));
	coreleaks_error_free(error);
	free(path);
}
END_TEST

START_TEST(out_of_memory_is_an_error_too)
{
#if defined(__SANITIZE_ADDRESS__)
	return;
#endif
	size_t size = (size_t)256 << 20;
	char *path = malloc(size + 1);
	ck_assert_ptr_nonnull(path);
	memset(path, 'p', size);
	path[size] = '\0';
	struct rlimit limit = {.rlim_cur = size + (size >> 1), .rlim_max = RLIM_INFINITY};
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	struct coreleaks_error *error = error_new(CORELEAKS_ERROR_OPEN, 0, path, "x");
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, CORELEAKS_ERROR_MEMORY);
	ck_assert_ptr_nonnull(error->message);
	coreleaks_error_free(error);
	coreleaks_error_free(error_new(CORELEAKS_ERROR_OPEN, 0, NULL, "small ones work again"));
}
END_TEST

/* A rule, or a file's name, may hold any bytes; a message is one line of UTF-8. */
START_TEST(bytes_that_are_no_text)
{
	static const char *const rows[][2] = {
		{"plain", "plain"},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"a\xff"
		 "b",
		 "a\\xffb"},
		{"\xc3", "\\xc3"},
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
		{"\xe2\x82", "\\xe2\\x82"},
	};
	struct coreleaks_error *error =
		error_new(CORELEAKS_ERROR_USAGE, 0, NULL, "rules:1: %s", rows[_i][0]);
	ck_assert_str_eq(error->message + strlen("rules:1: "), rows[_i][1]);
	coreleaks_error_free(error);
}
END_TEST

/* Escapes take more room than there is: cut, and still text. */
START_TEST(many_bytes_that_are_no_text)
{
	char bytes[4000];
	memset(bytes, 0xff, sizeof(bytes) - 1);
	bytes[sizeof(bytes) - 1] = '\0';
	struct coreleaks_error *error = error_new(CORELEAKS_ERROR_USAGE, 0, NULL, "%s", bytes);
	ck_assert_uint_gt(strlen(error->message), 4000);
	for (size_t i = 0; error->message[i] != '\0'; i += 4)
		ck_assert_int_eq(strncmp(error->message + i, "\\xff", 4), 0);
	coreleaks_error_free(error);
}
END_TEST

Suite *error_suite(void)
{
	Suite *suite = suite_create("error");
	TCase *tests = tcase_create("error");
	tcase_add_test(tests, message_and_path_are_copied);
	tcase_add_test(tests, errno_is_appended);
	tcase_add_test(tests, unknown_errno_is_no_crash);
	tcase_add_test(tests, free_takes_null);
	tcase_add_test(tests, long_path_stays_whole);
	tcase_add_test(tests, out_of_memory_is_an_error_too);
	tcase_add_loop_test(tests, bytes_that_are_no_text, 0, 8);
	tcase_add_test(tests, many_bytes_that_are_no_text);
	suite_add_tcase(suite, tests);
	return suite;
}
