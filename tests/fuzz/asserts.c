/* Check's assertions outside of Check: the fake cores are made with them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

void _mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expression, const char *format, ...)
{
	(void)format;
	fprintf(stderr, "%s:%d: %s\n", file, line, expression);
	abort();
}
