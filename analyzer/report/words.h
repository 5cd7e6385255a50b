/* words.h - numbers, sizes, signals and verdicts in the words of the text report. */
#ifndef CORELEAKS_REPORT_WORDS_H
#define CORELEAKS_REPORT_WORDS_H

#include "report/screen.h"

/* 12,345 */
const char *words_number(struct arena *arena, uint64_t number);
/* "12.3 %"; only all of them are "100.0 %", and only none "0.0 %". */
const char *words_share(struct arena *arena, uint64_t part, uint64_t whole);
/* "693 MiB" */
const char *words_size(struct arena *arena, uint64_t size);
/* "80 MiB reserved, 1.2 MiB resident, 900 KiB in use" of what is known (not 0); NULL: nothing. */
const char *words_stacks(struct arena *arena, uint64_t reserved_size, uint64_t resident_size,
			 uint64_t used_size);
/* "47 min", "0.51 s" … */
const char *words_duration(struct arena *arena, int64_t ns);
/* "SIGABRT", or "signal 35" */
const char *words_signal(struct arena *arena, int32_t signal);
/* "2026-11-20 20:20:00 UTC", or NULL when unknown */
const char *words_time(struct arena *arena, int64_t seconds);
/* "futex", "running", "in a system call" …: the reason, or the state when there is none. */
const char *words_wait(const struct coreleaks_group *group);
/* "SUSPECT" */
const char *words_verdict(enum coreleaks_verdict verdict);
enum style words_verdict_style(enum coreleaks_verdict verdict);
/* A function's name without the path of its Go package: of "example.com/a/b.F" it is "b.F". */
const char *words_short_name(const char *name);
/* The text as one word of a shell command. */
const char *words_quote(struct arena *arena, const char *text);

#endif
