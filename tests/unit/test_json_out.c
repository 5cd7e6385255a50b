#include "report/escape.h"
#include "report/json_out.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *json_out_suite(void);

enum { LENGTH = 19 };

static struct arena arena;
static struct text text;

static void setup(void)
{
	arena_init(&arena, 0);
	text_init(&text, &arena);
}

static void teardown(void)
{
	arena_deinit(&arena);
}

/* What one byte becomes, by RFC 8259 and by what terminals must not get; alone, a byte of 0x80 and
 * above is no UTF-8. */
static void expect_byte(unsigned char byte, char *ret, size_t size)
{
	if (byte == '"' || byte == '\\')
		snprintf(ret, size, "\\%c", byte);
	else if (byte < 0x20 || byte == 0x7f)
		snprintf(ret, size, "\\u%04x", byte);
	else if (byte >= 0x80)
		snprintf(ret, size, "\xef\xbf\xbd");
	else
		snprintf(ret, size, "%c", byte);
}

/* Strings are looked at eight bytes at once: the place of a byte must not matter. */
START_TEST(every_byte_at_every_place)
{
	for (int byte = 1; byte < 256; byte++) {
		char string[LENGTH + 1] = "abcdefghijklmnopqrs", piece[8], want[LENGTH + 16];
		string[_i] = (char)byte;
		expect_byte((unsigned char)byte, piece, sizeof(piece));
		snprintf(want, sizeof(want), "%.*s%s%s", _i, string, piece, string + _i + 1);
		text_clear(&text);
		escape_json(&text, string);
		ck_assert_str_eq(text.bytes, want);
	}
}
END_TEST

START_TEST(two_of_them)
{
	for (int first = 0; first < LENGTH; first++) {
		char string[LENGTH + 1] = "abcdefghijklmnopqrs", want[LENGTH + 16] = "";
		string[first] = '"';
		string[_i] = '\x01';
		for (int i = 0; i < LENGTH; i++) {
			char piece[8];
			expect_byte((unsigned char)string[i], piece, sizeof(piece));
			strncat(want, piece, sizeof(want) - strlen(want) - 1);
		}
		text_clear(&text);
		escape_json(&text, string);
		ck_assert_str_eq(text.bytes, want);
	}
}
END_TEST

START_TEST(addresses_and_numbers)
{
	struct json_out json;
	json_out_init(&json, &arena);
	json_out_begin(&json, NULL, '[', JSON_INLINE);
	json_out_addr(&json, NULL, 0);
	json_out_addr(&json, NULL, 0xf);
	json_out_addr(&json, NULL, 0x10);
	json_out_addr(&json, NULL, UINT64_C(0xc000123abc));
	json_out_addr(&json, NULL, UINT64_MAX);
	json_out_known_addr(&json, NULL, 0);
	json_out_int(&json, NULL, INT64_MIN);
	json_out_uint(&json, NULL, UINT64_MAX);
	json_out_end(&json, ']');
	ck_assert_str_eq(json.out.bytes,
			 "[\"0x0\",\"0xf\",\"0x10\",\"0xc000123abc\",\"0xffffffffffffffff\",null,"
			 "-9223372036854775808,18446744073709551615]\n");
}
END_TEST

Suite *json_out_suite(void)
{
	Suite *suite = suite_create("json_out");
	TCase *tests = tcase_create("json_out");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, every_byte_at_every_place, 0, LENGTH);
	tcase_add_loop_test(tests, two_of_them, 0, LENGTH);
	tcase_add_test(tests, addresses_and_numbers);
	suite_add_tcase(suite, tests);
	return suite;
}
