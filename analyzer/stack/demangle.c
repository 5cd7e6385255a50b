#include "stack/demangle.h"

#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

/* libiberty's limit on recursion also refuses C++ names longer than half of it (demangle.h,
 * DEMANGLE_RECURSION_LIMIT 2048). Real names are longer; without the limit this length bounds the
 * depth: tests/unit/test_symbols.c measures the stack that the worst name takes. */
enum { MAX_LIMITED = 1024, MAX_UNLIMITED = 4096 };
/* A back reference of D can double the output; libiberty offers no way to stop it. */
enum { MAX_D_SIZE = 4096, MAX_D_BACK_REFERENCES = 12 };

void demangler_init(struct demangler *demangler, struct arena *arena)
{
	*demangler = (struct demangler){0};
	demangler->input = arena_alloc(arena, DEMANGLE_MAX_SIZE + 1);
	demangler->output = arena_alloc(arena, DEMANGLE_MAX_SIZE + 1);
}

/* The length of one ".suffix" or ".suffix.NUMBER" that ends the name, or 0. */
static size_t clone_suffix_size(const char *name, size_t size)
{
	static const struct {
		const char *text;
		bool numbered; /* a number must follow */
	} suffixes[] = {
		{".cold", false}, {".part", true},	  {".isra", true},     {".constprop", true},
		{".llvm", true},  {".localalias", false}, {".lto_priv", true}, {".__uniq", true},
	};
	size_t start = size;
	while (start > 0 && name[start - 1] >= '0' && name[start - 1] <= '9')
		start--;
	bool number = start < size && start > 0 && name[start - 1] == '.';
	size_t end = number ? start - 1 : size;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t length = strlen(suffixes[i].text);
		if (suffixes[i].numbered && !number)
			continue;
		if (end > length && memcmp(name + end - length, suffixes[i].text, length) == 0)
			return size - (end - length);
	}
	return 0;
}

static size_t name_size_without_suffixes(const char *name, size_t size)
{
	const char *version = size > 1 ? memchr(name + 1, '@', size - 1) : NULL;
	if (version != NULL)
		size = (size_t)(version - name);
	for (size_t suffix; (suffix = clone_suffix_size(name, size)) > 0;)
		size -= suffix;
	return size;
}

static void collect(const char *text, size_t size, void *data)
{
	struct demangler *demangler = data;
	/* Rust's demangler has pieces of no size and no address (libiberty 12, rust-demangle.c). */
	if (size == 0)
		return;
	if (!demangler->too_long && size <= DEMANGLE_MAX_SIZE - demangler->output_size) {
		memcpy(demangler->output + demangler->output_size, text, size);
		demangler->output_size += size;
		return;
	}
	demangler->too_long = true;
	/* Back references can make the output exponential, so leave at once. Both demanglers keep
	 * their state on the stack, except Rust's while it prints an identifier in Punycode: that
	 * one always has bytes above 0x7f, and the next piece of text comes soon. */
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)text[i] > 0x7f)
			return;
	longjmp(demangler->stop, 1);
}

static bool demangle_streamed(struct demangler *demangler, size_t size)
{
	const char *name = demangler->input;
	if (setjmp(demangler->stop) != 0)
		return false;
	int ok = 0;
	if (strncmp(name, "_R", 2) == 0 || strncmp(name, "_ZN", 3) == 0)
		ok = rust_demangle_callback(name, DMGL_RUST, collect, demangler);
	if (ok == 0 && strncmp(name, "_Z", 2) == 0 && size <= MAX_UNLIMITED) {
		demangler->output_size = 0;
		int options = DMGL_ANSI | DMGL_GNU_V3;
		if (size > MAX_LIMITED)
			options |= DMGL_NO_RECURSE_LIMIT;
		ok = cplus_demangle_v3_callback(name, options, collect, demangler);
	}
	return ok != 0;
}

/* "module.Class.method(int) const" without everything from its last parenthesis on. */
static size_t d_size_without_parameters(const char *text, size_t size)
{
	size_t end = size, depth = 0;
	while (end > 0 && text[end - 1] != ')')
		end--;
	for (size_t i = end; i > 0; i--) {
		if (text[i - 1] == ')')
			depth++;
		else if (text[i - 1] == '(' && --depth == 0)
			return i > 1 && text[i - 2] != '!' ? i - 1 : size;
	}
	return size;
}

static bool demangle_d(struct demangler *demangler, size_t size)
{
	size_t num_back_references = 0;
	if (strncmp(demangler->input, "_D", 2) != 0 || size > MAX_D_SIZE)
		return false;
	for (size_t i = 0; i < size; i++)
		num_back_references += demangler->input[i] == 'Q';
	if (num_back_references > MAX_D_BACK_REFERENCES)
		return false;
	char *text = dlang_demangle(demangler->input, DMGL_DLANG);
	if (text == NULL)
		return false;
	size_t length = d_size_without_parameters(text, strlen(text));
	bool fits = length > 0 && length <= DEMANGLE_MAX_SIZE;
	if (fits) {
		memcpy(demangler->output, text, length);
		demangler->output_size = length;
	}
	free(text);
	return fits;
}

const char *demangle(struct demangler *demangler, const char *name, size_t size)
{
	if (size > DEMANGLE_MAX_SIZE)
		size = DEMANGLE_MAX_SIZE;
	size = name_size_without_suffixes(name, size);
	memcpy(demangler->input, name, size);
	demangler->input[size] = '\0';
	demangler->output_size = 0;
	demangler->too_long = false;
	if (!demangle_streamed(demangler, size) || demangler->too_long ||
	    demangler->output_size == 0) {
		demangler->output_size = 0;
		if (!demangle_d(demangler, size))
			return demangler->input;
	}
	demangler->output[demangler->output_size] = '\0';
	return demangler->output;
}
