/* Runs inputs again, without a fuzzer.
 *
 * usage: fuzz-TARGET FILE...            runs recipes, or any other bytes as they are
 *        fuzz-TARGET --seeds            runs every seed
 *        fuzz-TARGET --random NUM FIRST runs each seed with so many mutations
 *        fuzz-TARGET --recipe FILE      prints these bytes as a recipe
 *
 * A recipe is text: `seed NAME`, `text BYTES` or `size N` (zeros) first, then `set OFFSET HEX...`
 * and `size N`; a line that begins with `#` is a comment.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUT = 64 << 20 };

static void die(const char *what, const char *which)
{
	fprintf(stderr, "%s: %s\n", which, what);
	exit(2);
}

static void *allocate(size_t size)
{
	void *bytes = calloc(1, size + 1);
	if (bytes == NULL)
		die("no memory", "fuzz");
	return bytes;
}

static struct fuzz_bytes read_file(const char *path)
{
	struct fuzz_bytes ret;
	FILE *file = fopen(path, "re");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		die("cannot be read", path);
	ret.size = (size_t)ftell(file);
	ret.bytes = allocate(ret.size);
	rewind(file);
	if (fread(ret.bytes, 1, ret.size, file) != ret.size)
		die("cannot be read", path);
	fclose(file);
	return ret;
}

static void make_seed(struct fuzz_bytes *ret, const char *name, const char *path)
{
	for (const struct fuzz_seed *seed = fuzz_target.seeds; seed->name != NULL; seed++) {
		if (strcmp(seed->name, name) != 0)
			continue;
		free(ret->bytes);
		seed->make(ret);
		return;
	}
	die("no such seed", path);
}

static void resize(struct fuzz_bytes *ret, size_t size, const char *path)
{
	if (size > MAX_INPUT)
		die("too large", path);
	unsigned char *bytes = allocate(size);
	if (ret->size > 0)
		memcpy(bytes, ret->bytes, size < ret->size ? size : ret->size);
	free(ret->bytes);
	*ret = (struct fuzz_bytes){bytes, size};
}

static void set_text(struct fuzz_bytes *ret, const char *text, const char *path)
{
	resize(ret, strlen(text), path);
	memcpy(ret->bytes, text, ret->size);
}

static void set_bytes(struct fuzz_bytes *ret, size_t off, const char *hex, const char *path)
{
	unsigned byte;
	int length;
	while (sscanf(hex, " %2x%n", &byte, &length) == 1) {
		if (off >= ret->size)
			die("sets bytes beyond the end", path);
		ret->bytes[off++] = (unsigned char)byte;
		hex += length;
	}
}

static void read_line(struct fuzz_bytes *ret, char *line, const char *path)
{
	char name[64];
	size_t number;
	int length = 0;
	if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
		return;
	if (sscanf(line, "seed %63s", name) == 1)
		make_seed(ret, name, path);
	else if (strncmp(line, "text ", 5) == 0)
		set_text(ret, line + 5, path);
	else if (sscanf(line, "size %zu", &number) == 1)
		resize(ret, number, path);
	else if (sscanf(line, "set %zi%n", &number, &length) == 1)
		set_bytes(ret, number, line + length, path);
	else
		die("not a recipe's line", line);
}

static bool is_recipe(const struct fuzz_bytes *input)
{
	const char *text = (const char *)input->bytes;
	return strncmp(text, "seed ", 5) == 0 || strncmp(text, "size ", 5) == 0 ||
	       strncmp(text, "text ", 5) == 0 || strncmp(text, "# ", 2) == 0;
}

static void run_file(const char *path)
{
	struct fuzz_bytes input = read_file(path), made = {NULL, 0};
	if (!is_recipe(&input)) {
		fuzz_target.run(input.bytes, input.size);
		free(input.bytes);
		return;
	}
	for (char *line = strtok((char *)input.bytes, "\n"); line; line = strtok(NULL, "\n"))
		read_line(&made, line, path);
	free(input.bytes);
	fuzz_target.run(made.bytes, made.size);
	free(made.bytes);
}

static void run_seeds(uint32_t num, uint32_t first)
{
	for (const struct fuzz_seed *seed = fuzz_target.seeds; seed->name != NULL; seed++) {
		struct fuzz_bytes sound;
		seed->make(&sound);
		if (num == 0)
			fuzz_target.run(sound.bytes, sound.size);
		for (uint32_t i = first; i < first + num && fuzz_target.mutate != NULL; i++) {
			unsigned char *bytes = allocate(sound.size);
			memcpy(bytes, sound.bytes, sound.size);
			size_t size = fuzz_target.mutate(bytes, sound.size, i);
			fuzz_target.run(bytes, size);
			free(bytes);
		}
		free(sound.bytes);
	}
}

static size_t num_differences(const struct fuzz_bytes *a, const struct fuzz_bytes *b)
{
	size_t num = a->size > b->size ? a->size - b->size : b->size - a->size;
	for (size_t i = 0; i < a->size && i < b->size; i++)
		num += a->bytes[i] != b->bytes[i];
	return num;
}

static void print_recipe(const char *path)
{
	struct fuzz_bytes input = read_file(path), best = {NULL, 0};
	const char *name = NULL;
	for (const struct fuzz_seed *seed = fuzz_target.seeds; seed->name != NULL; seed++) {
		struct fuzz_bytes made;
		seed->make(&made);
		if (name == NULL ||
		    num_differences(&made, &input) < num_differences(&best, &input)) {
			free(best.bytes);
			best = made;
			name = seed->name;
		} else {
			free(made.bytes);
		}
	}
	printf("seed %s\n", name);
	if (best.size != input.size)
		printf("size %zu\n", input.size);
	for (size_t i = 0, end; i < input.size; i = end) {
		end = i + 1;
		if (i < best.size && input.bytes[i] == best.bytes[i])
			continue;
		printf("set 0x%zx", i);
		for (end = i; end < input.size && end < i + 32 &&
			      (end >= best.size || input.bytes[end] != best.bytes[end]);
		     end++)
			printf(" %02x", input.bytes[end]);
		printf("\n");
	}
	free(best.bytes);
	free(input.bytes);
}

int main(int argc, char **argv)
{
	fuzz_setup();
	if (argc == 3 && strcmp(argv[1], "--recipe") == 0)
		print_recipe(argv[2]);
	else if (argc == 2 && strcmp(argv[1], "--seeds") == 0)
		run_seeds(0, 0);
	else if (argc == 4 && strcmp(argv[1], "--random") == 0)
		run_seeds((uint32_t)atol(argv[2]), (uint32_t)atol(argv[3]));
	else
		for (int i = 1; i < argc; i++)
			run_file(argv[i]);
	fuzz_teardown();
	return 0;
}
