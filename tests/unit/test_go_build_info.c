#include "task/go_build_info.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct go_build_info info;

static void begin(void)
{
	arena_init(&arena, 0);
	info = (struct go_build_info){.minor = -1};
}

static void finish(void)
{
	arena_deinit(&arena);
}

/* As cmd/go writes it: two marks of 16 bytes around the lines. */
#define MARK "0123456789abcdef"

static void add(const char *lines)
{
	char text[1024];
	int size = snprintf(text, sizeof(text), "%s%s%s", MARK, lines, MARK);
	go_build_info_add_modules(&info, &arena, text, (size_t)size);
}

START_TEST(record)
{
	unsigned char bytes[64] = "\xff Go buildinf:\x08\x02";
	size_t off = 0;
	bytes[32] = 8;
	memcpy(bytes + 33, "go1.22.5", 8);
	ck_assert(go_build_info_parse(&info, &arena, bytes, sizeof(bytes), &off));
	ck_assert_str_eq(info.version, "go1.22.5");
	ck_assert_int_eq(info.minor, 22);
	ck_assert_uint_eq(off, 41);
	/* Each of these is no record: cut, without the flag, a length beyond the end, no text. */
	ck_assert(!go_build_info_parse(&info, &arena, bytes, 40, &off));
	bytes[15] = 0;
	ck_assert(!go_build_info_parse(&info, &arena, bytes, sizeof(bytes), &off));
	bytes[15] = 2;
	bytes[32] = 32;
	ck_assert(!go_build_info_parse(&info, &arena, bytes, sizeof(bytes), &off));
	bytes[32] = 8;
	bytes[35] = '\n';
	ck_assert(!go_build_info_parse(&info, &arena, bytes, sizeof(bytes), &off));
}
END_TEST

START_TEST(lengths)
{
	size_t size = 7;
	ck_assert_uint_eq(go_build_info_length((const unsigned char *)"\x05", 1, &size), 1);
	ck_assert_uint_eq(size, 5);
	ck_assert_uint_eq(go_build_info_length((const unsigned char *)"\x85\x01", 2, &size), 2);
	ck_assert_uint_eq(size, 133);
	/* One that does not end. */
	ck_assert_uint_eq(go_build_info_length((const unsigned char *)"\x85", 1, &size), 0);
	ck_assert_uint_eq(
		go_build_info_length((const unsigned char *)"\xff\xff\xff\xff\xff", 5, &size), 0);
	ck_assert_uint_eq(go_build_info_length(NULL, 0, &size), 0);
}
END_TEST

START_TEST(modules)
{
	add("path\texample.org/app/cmd\nmod\texample.org/app\t(devel)\t\n"
	    "dep\tlib.net/x.v3\tv3.1.0\th1:abc\n=>\t./local\t(devel)\t\ndep\tplain/name\tv1\n"
	    "build\tCGO_ENABLED=0\n");
	ck_assert_str_eq(info.module, "example.org/app");
	ck_assert_uint_eq(info.dependencies.num, 2);
	ck_assert_str_eq(info.dependencies.items[0], "lib.net/x.v3");
	ck_assert_str_eq(info.dependencies.items[1], "plain/name");
}
END_TEST

START_TEST(no_modules)
{
	static const char *const texts[] = {"", "mod", "mod\tx\n", MARK MARK, MARK "mod\tx" MARK};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		go_build_info_add_modules(&info, &arena, texts[i], strlen(texts[i]));
	add("mod\n\n\t\ndep\t\n");
	ck_assert_ptr_null(info.module);
	ck_assert_uint_eq(info.dependencies.num, 0);
}
END_TEST

struct row {
	const char *function, *origin; /* of a program built with modules */
	const char *without;	       /* of one built without */
};

static const struct row rows[] = {
	{"main.main", "main", "main"},
	{"main.(*T[go.shape.struct { example.org/app/x.A }]).f.func1", "main", "main"},
	{"example.org/app.Run", "module", NULL},
	{"example.org/app/inner.(*T).Run", "module", NULL},
	{"example.org/app/in%2ev2.Run", "module", NULL},
	/* Not below it, only named alike. */
	{"example.org/application.Run", "third-party", NULL},
	{"lib.net/x%2ev3.(*D[...]).Decode", "third-party", NULL},
	{"other.net/y.F", "third-party", NULL},
	{"plain/name/sub.F", "third-party", "std"},
	{"plain/names.F", "std", "std"},
	{"runtime.gopark", "std", "std"},
	{"net/http.(*conn).serve", "std", "std"},
	{"vendor/golang.org/x/net/http2.F", "std", "std"},
	{"internal/poll.runtime_pollWait", "std", "std"},
	{"type:.eq.example.org/app.T", NULL, NULL},
	{"type..eq.main.T", NULL, NULL},
	{"go.(*struct { sync.Mutex }).Lock", NULL, NULL},
	{"crosscall2", NULL, NULL},
	{"", NULL, NULL},
	{".", NULL, NULL},
	{"a/", NULL, NULL},
	{"%2", NULL, NULL},
};

static void expect(const char *function, const char *want)
{
	const char *got = go_build_info_origin(&info, function);
	ck_assert_msg(got == want || (got != NULL && want != NULL && strcmp(got, want) == 0),
		      "%s: got %s, want %s", function, got != NULL ? got : "nothing",
		      want != NULL ? want : "nothing");
}

START_TEST(origins)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(rows[i].function, rows[i].without);
	add("mod\texample.org/app\t(devel)\t\ndep\tlib.net/x.v3\tv3\ndep\tplain/name\tv1\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(rows[i].function, rows[i].origin);
	ck_assert_ptr_null(go_build_info_origin(&info, NULL));
}
END_TEST

/* A name that no import path can have. */
START_TEST(endless_name)
{
	char name[4096];
	memset(name, 'a', sizeof(name));
	memcpy(name + sizeof(name) - 3, ".f", 3);
	ck_assert_ptr_null(go_build_info_origin(&info, name));
}
END_TEST

Suite *go_build_info_suite(void);

Suite *go_build_info_suite(void)
{
	Suite *suite = suite_create("go_build_info");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, begin, finish);
	tcase_add_test(tests, record);
	tcase_add_test(tests, lengths);
	tcase_add_test(tests, modules);
	tcase_add_test(tests, no_modules);
	tcase_add_test(tests, origins);
	tcase_add_test(tests, endless_name);
	suite_add_tcase(suite, tests);
	return suite;
}
