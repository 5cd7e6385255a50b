#include "task/go_build_info.h"

#include <stdio.h>
#include <string.h>

/* ---- The record ---------------------------------------------------------------------------- */

/* The magic, pointer size, flags; with flag 2, which every toolchain since 1.18 sets, the version
 * follows at 32, and behind it the list of modules, each a length and its bytes (debug/buildinfo of
 * Go 1.18 to 1.27). */
bool go_build_info_parse(struct go_build_info *ret, struct arena *arena, const unsigned char *bytes,
			 size_t size, size_t *ret_off)
{
	enum { FLAGS = 15, INLINE_STRINGS = 2, VERSION = 32, MAX_LENGTH = 100 };
	char buffer[MAX_LENGTH + 1];
	int minor;
	if (size < VERSION + 2 || (bytes[FLAGS] & INLINE_STRINGS) == 0 || bytes[VERSION] == 0 ||
	    bytes[VERSION] > MAX_LENGTH || size - VERSION - 1 < bytes[VERSION])
		return false;
	memcpy(buffer, bytes + VERSION + 1, bytes[VERSION]);
	buffer[bytes[VERSION]] = 0;
	for (const char *byte = buffer; *byte != 0; byte++)
		if ((unsigned char)*byte < ' ' || (unsigned char)*byte > '~')
			return false;
	*ret = (struct go_build_info){.version = arena_copy_text(arena, buffer), .minor = -1};
	/* "devel go1.28-abc…" too. */
	const char *number = strstr(buffer, "go1.");
	if (number != NULL && sscanf(number, "go1.%4d", &minor) == 1)
		ret->minor = minor;
	*ret_off = VERSION + 1 + (size_t)bytes[VERSION];
	return true;
}

size_t go_build_info_length(const unsigned char *bytes, size_t size, size_t *ret_size)
{
	enum { MORE = 0x80, MAX_BYTES = 4 };
	size_t length = 0;
	for (size_t i = 0; i < size && i < MAX_BYTES; i++) {
		length |= (size_t)(bytes[i] & ~MORE) << (7 * i);
		if ((bytes[i] & MORE) == 0) {
			*ret_size = length;
			return i + 1;
		}
	}
	return 0;
}

/* "path\tPACKAGE", "mod\tPATH\tVERSION\tSUM", "dep\tPATH…", "build\tKEY=VALUE", a line each,
 * between two marks of 16 bytes (cmd/go/internal/modload/build.go); "=>\t…" names what takes a
 * module's place, whose packages keep their import paths. */
void go_build_info_add_modules(struct go_build_info *info, struct arena *arena, const char *text,
			       size_t size)
{
	enum { MARK = 16, MAX_MODULES = 1 << 16 };
	if (size < 2 * MARK + 1 || text[size - MARK - 1] != '\n')
		return;
	const char *line = text + MARK, *end = text + size - MARK;
	while (line < end) {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		const char *stop = next != NULL ? next : end;
		const char *path = line + 4;
		bool own = stop - line > 4 && memcmp(line, "mod\t", 4) == 0;
		if (own || (stop - line > 4 && memcmp(line, "dep\t", 4) == 0)) {
			const char *tab = memchr(path, '\t', (size_t)(stop - path));
			size_t path_size = (size_t)((tab != NULL ? tab : stop) - path);
			const char *copy = arena_copy_bytes(arena, path, path_size);
			if (own)
				info->module = copy;
			else if (info->dependencies.num < MAX_MODULES)
				*array_add(arena, &info->dependencies) = copy;
		}
		line = stop + 1;
	}
}

/* ---- Origins ------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The import path in a function's name, into a buffer; false: there is none. The linker writes some
 * characters behind the last slash as %xx (cmd/internal/objabi PathToPrefix). */
static bool package_of(const char *function, char *buffer, size_t room)
{
	size_t size = strcspn(function, "["), begin = 0, num = 0;
	for (size_t i = 0; i < size; i++)
		begin = function[i] == '/' ? i + 1 : begin;
	const char *dot = memchr(function + begin, '.', size - begin);
	if (dot == NULL)
		return false;
	for (const char *at = function; at < dot; at++) {
		int high = at[0] == '%' && dot - at > 2 ? hex_digit(at[1]) : -1;
		int low = high >= 0 ? hex_digit(at[2]) : -1;
		if (num + 1 >= room || *at == ':' || *at == '(')
			return false;
		if (low >= 0) {
			buffer[num++] = (char)(high * 16 + low);
			at += 2;
		} else {
			buffer[num++] = *at;
		}
	}
	buffer[num] = '\0';
	/* What the compiler makes for types is in no package; until 1.19 with a dot for the colon.
	 */
	return num > 0 && strcmp(buffer, "type") != 0 && strcmp(buffer, "go") != 0;
}

static bool is_in_module(const char *package, const char *module)
{
	size_t size = strlen(module);
	return strncmp(package, module, size) == 0 &&
	       (package[size] == '\0' || package[size] == '/');
}

const char *go_build_info_origin(const struct go_build_info *info, const char *function)
{
	char package[512];
	if (function == NULL || !package_of(function, package, sizeof(package)))
		return NULL;
	if (strcmp(package, "main") == 0)
		return "main";
	if (info->module != NULL && is_in_module(package, info->module))
		return "module";
	for (uint32_t i = 0; i < info->dependencies.num; i++)
		if (is_in_module(package, info->dependencies.items[i]))
			return "third-party";
	/* Import paths whose first part has no dot are the standard library's ("go help
	 * importpath"), but for those of modules that their authors named so. */
	if (memchr(package, '.', strcspn(package, "/")) == NULL)
		return "std";
	return info->module != NULL ? "third-party" : NULL;
}
