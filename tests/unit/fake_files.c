/* The part of fake_core.h that deals with files that have names. */
#include "fake_core.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *scratch_dir;

void fake_scratch_setup(void)
{
	const char *parent = getenv("TMPDIR");
	if (asprintf(&scratch_dir, "%s/coreleaks-unit.XXXXXX", parent ? parent : "/tmp") < 0 ||
	    mkdtemp(scratch_dir) == NULL)
		abort();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fake_scratch_teardown(void)
{
	if (scratch_dir != NULL)
		nftw(scratch_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(scratch_dir);
	scratch_dir = NULL;
}

char *fake_scratch_path(const char *name)
{
	char *path;
	if (asprintf(&path, "%s/%s", scratch_dir, name) < 0)
		abort();
	return path;
}

char *fake_scratch_file(const char *name, const void *bytes, size_t size)
{
	char *path = fake_scratch_path(name);
	FILE *file = fopen(path, "we");
	if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
		fprintf(stderr, "cannot write %s\n", path);
		abort();
	}
	return path;
}

void fake_shell(const char *format, ...)
{
	char *command;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&command, format, args);
	va_end(args);
	if (length < 0)
		abort();
	int status = system(command);
	if (status != 0) {
		fprintf(stderr, "failed (%d): %s\n", status, command);
		abort();
	}
	free(command);
}

char *fake_compile(const char *name, const char *language, const char *source, const char *flags)
{
	char *path = fake_scratch_path(name), *source_path;
	if (asprintf(&source_path, "%s.%s", path, strcmp(language, "c") == 0 ? "c" : "s") < 0)
		abort();
	FILE *file = fopen(source_path, "we");
	if (file == NULL || fputs(source, file) < 0 || fclose(file) != 0)
		abort();
	fake_shell("gcc -x %s %s -o '%s' '%s'", language, flags, path, source_path);
	free(source_path);
	return path;
}

uint64_t fake_symbol(const char *path, const char *name)
{
	uint64_t value = 0;
	bool found = false;
	elf_version(EV_CURRENT);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	for (Elf_Scn *section = NULL; !found && (section = elf_nextscn(elf, section)) != NULL;) {
		Elf64_Shdr *header = elf64_getshdr(section);
		if (header == NULL || header->sh_type != SHT_SYMTAB)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		Elf64_Sym *symbols = data->d_buf;
		for (size_t i = 0; i < data->d_size / sizeof(*symbols) && !found; i++) {
			const char *other = elf_strptr(elf, header->sh_link, symbols[i].st_name);
			if (other != NULL && strcmp(other, name) == 0) {
				value = symbols[i].st_value;
				found = true;
			}
		}
	}
	elf_end(elf);
	close(fd);
	if (!found) {
		fprintf(stderr, "%s: no symbol %s\n", path, name);
		abort();
	}
	return value;
}
