/* What check and compare read: earlier reports, Go's profiles and goroutine dumps. */
#include "fuzz.h"

#include "coreleaks.h"

#include <stdlib.h>
#include <string.h>

static void make(struct fuzz_bytes *ret, const void *bytes, size_t size)
{
	ret->size = size;
	ret->bytes = malloc(size + 1);
	if (ret->bytes == NULL)
		abort();
	memcpy(ret->bytes, bytes, size);
}

static void make_report(struct fuzz_bytes *ret)
{
	static const char text[] =
		"{\"schema\":\"coreleaks/"
		"1\",\"tool\":{\"name\":\"coreleaks\",\"version\":\"0.1.0\"},"
		"\"core\":{\"path\":\"core\",\"pid\":7,\"command\":\"shop\",\"complete\":true,"
		"\"captured_at\":\"2026-11-20T20:20:00Z\"},\"summary\":{\"verdict\":\"proved\","
		"\"threads\":3,\"goroutines\":0},\"groups\":[{\"id\":\"t-5f0a3b9c1d2e\","
		"\"signature\":\"t-5f0a3b9c1d2e\",\"loose_signature\":\"t-90ab12cd34ef\","
		"\"kind\":\"thread\",\"count\":3,\"state\":\"waiting\",\"reason\":\"condition\","
		"\"verdict\":\"proved\",\"rules\":[\"unreachable-wait\"],\"frames\":[{\"pc\":"
		"\"0x1\","
		"\"function\":\"consume\",\"file\":\"q\\u00e4.c\",\"line\":42}],"
		"\"members\":[1,2,3]}],\"findings\":[{\"rule\":\"unreachable-wait\","
		"\"certainty\":\"proved\",\"title\":\"x\",\"groups\":[\"t-5f0a3b9c1d2e\"]}],"
		"\"gaps\":[{\"kind\":\"core-truncated\",\"count\":1,\"incomplete\":true,"
		"\"detail\":\"d\"}]}";
	make(ret, text, strlen(text));
}

static void make_dump(struct fuzz_bytes *ret)
{
	static const char text[] =
		"goroutine 19 [chan receive, 7 minutes, locked to thread]:\n"
		"main.worker(0x1, {0x2, 0x3})\n\t/src/main.go:12 +0x1d\n"
		"created by main.start in goroutine 1\n\t/src/main.go:40 +0x8c\n\n"
		"goroutine 1 [running]:\nmain.main()\n\t/src/main.go:50 +0x2\n";
	make(ret, text, strlen(text));
}

static void make_profile(struct fuzz_bytes *ret)
{
	static const char text[] = "goroutine profile: total 3\n"
				   "2 @ 0x1001 0x1002\n"
				   "# labels: {\"k\":\"v\"}\n"
				   "#\t0x1001\tmain.worker+0x1d\t/src/main.go:12\n"
				   "#\t0x1002\tmain.start+0x2\t/src/main.go:40\n\n"
				   "1 @ 0x1003\n#\t0x1003\tmain.main+0x1\t/src/main.go:50\n";
	make(ret, text, strlen(text));
}

/* profile.proto, not packed: a sample type, a sample, a location, a function, strings. */
static void make_pprof(struct fuzz_bytes *ret)
{
	static const unsigned char bytes[] = {
		0x0a, 4,  0x08, 1,   0x10, 2,		  /* sample_type */
		0x12, 6,  0x0a, 1,   1,	   0x12, 1,    3, /* sample */
		0x22, 10, 0x08, 1,   0x18, 0x80, 0x20, 0x22, 4,	  0x08, 1,   0x10, 7, /* location */
		0x2a, 4,  0x08, 1,   0x10, 3,					      /* function */
		0x32, 0,							      /* "" */
		0x32, 9,  'g',	'o', 'r',  'o',	 'u',  't',  'i', 'n',	'e',	      /* 1 */
		0x32, 5,  'c',	'o', 'u',  'n',	 't',				      /* 2 */
		0x32, 6,  'm',	'a', 'i',  'n',	 '.',  'f',			      /* 3 */
	};
	make(ret, bytes, sizeof(bytes));
}

static const struct fuzz_seed seeds[] = {
	{"dump", make_dump},	 {"pprof", make_pprof}, {"profile", make_profile},
	{"report", make_report}, {NULL, NULL},
};

/* The dump twice: judged, and compared with itself. */
static void use(const struct coreleaks_summary *summary)
{
	const struct coreleaks_summary *both[] = {summary, summary};
	static const enum coreleaks_format formats[] = {
		CORELEAKS_FORMAT_TEXT, CORELEAKS_FORMAT_JSON, CORELEAKS_FORMAT_GOLEAK};
	struct coreleaks_write_options options;
	struct coreleaks_check *judged = NULL;
	struct coreleaks_comparison *comparison = NULL;
	size_t written = 0;
	struct coreleaks_check_options judging;
	struct coreleaks_compare_options comparing;
	coreleaks_write_options_init(&options);
	coreleaks_check_options_init(&judging);
	coreleaks_compare_options_init(&comparing);
	struct coreleaks_error *error = coreleaks_check_new(both, 2, &judging, &judged);
	for (size_t i = 0; error == NULL && i < 3; i++) {
		options.format = formats[i];
		fuzz_check_error(coreleaks_check_write(judged, &options, fuzz_drop, &written));
	}
	if (error == NULL)
		fuzz_check_error(coreleaks_check_write_baseline(judged, true, fuzz_drop, &written));
	fuzz_check_error(error);
	coreleaks_check_free(judged);
	error = coreleaks_comparison_new(both, 2, &comparing, &comparison);
	for (size_t i = 0; error == NULL && i < 2; i++) {
		options.format = formats[i];
		fuzz_check_error(
			coreleaks_comparison_write(comparison, &options, fuzz_drop, &written));
	}
	fuzz_check_error(error);
	coreleaks_comparison_free(comparison);
}

static void run(const unsigned char *bytes, size_t size)
{
	struct coreleaks_summary *summary = NULL;
	struct coreleaks_error *error =
		coreleaks_summary_read("input", 1700000000, (const char *)bytes, size, &summary);
	if (error == NULL && coreleaks_summary_failure(summary) == NULL)
		use(summary);
	fuzz_check_error(error);
	coreleaks_summary_free(summary);
}

const struct fuzz_target fuzz_target = {
	.seeds = seeds,
	.run = run,
};
