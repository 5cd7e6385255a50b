/* snapshot PID FILE [N] - N (default 1) sparse cores of a running process, FILE or FILE.1 to
 * FILE.N: stops all its threads, copies what was written to, and lets it go on. Takes milliseconds
 * where gcore takes seconds, so a test can take a thousand. Linux on x86-64.
 *
 * In the cores: registers (general, FP and extended state), the auxiliary vector, the mappings,
 * writable memory, and the first page of every mapped file, with its build-id. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	MAX_THREADS = 4096,
	MAX_MAPPINGS = 8192,
	NOTES_SIZE = 64 << 20,
	BLOCK = 1 << 20
};

struct mapping {
	uint64_t low, high, off;
	bool writable, executable;
	char path[512];
};

static pid_t pid;
static pid_t threads[MAX_THREADS];
static int num_threads;
static struct mapping mappings[MAX_MAPPINGS];
static int num_mappings;
static char *notes;
static size_t notes_size;

static void fail(const char *what)
{
	fprintf(stderr, "snapshot: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool is_known(pid_t tid)
{
	for (int i = 0; i < num_threads; i++)
		if (threads[i] == tid)
			return true;
	return false;
}

/* Until a look finds no thread that was not stopped already: those make no new ones. */
static void stop_threads(void)
{
	char path[64];
	bool found = true;
	num_threads = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	while (found) {
		DIR *folder = opendir(path);
		struct dirent *entry;
		if (folder == NULL)
			fail(path);
		found = false;
		while ((entry = readdir(folder)) != NULL) {
			pid_t tid = atoi(entry->d_name);
			int status;
			if (tid == 0 || is_known(tid) || num_threads == MAX_THREADS ||
			    ptrace(PTRACE_SEIZE, tid, 0, 0) != 0)
				continue;
			ptrace(PTRACE_INTERRUPT, tid, 0, 0);
			if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
				continue;
			threads[num_threads++] = tid;
			found = true;
		}
		closedir(folder);
	}
	if (num_threads == 0)
		fail("no thread could be stopped");
}

static void let_go(void)
{
	for (int i = 0; i < num_threads; i++)
		ptrace(PTRACE_DETACH, threads[i], 0, 0);
}

static void add_note(const char *name, uint32_t type, const void *bytes, size_t size)
{
	Elf64_Nhdr header = {(Elf64_Word)strlen(name) + 1, (Elf64_Word)size, type};
	if (notes_size + size + 64 > NOTES_SIZE)
		fail("too many notes");
	memcpy(notes + notes_size, &header, sizeof(header));
	memset(notes + notes_size + sizeof(header), 0, 8);
	memcpy(notes + notes_size + sizeof(header), name, strlen(name));
	notes_size += sizeof(header) + 8;
	memcpy(notes + notes_size, bytes, size);
	notes_size += (size + 3) & ~(size_t)3;
}

static void add_thread(pid_t tid)
{
	static const struct {
		const char *name;
		uint32_t type;
	} sets[] = {{"CORE", NT_PRFPREG}, {"LINUX", NT_X86_XSTATE}};
	static char state[1 << 16];
	struct elf_prstatus status = {0};
	struct user_regs_struct registers;
	if (ptrace(PTRACE_GETREGS, tid, 0, &registers) != 0)
		fail("registers");
	status.pr_pid = tid;
	memcpy(&status.pr_reg, &registers, sizeof(registers));
	add_note("CORE", NT_PRSTATUS, &status, sizeof(status));
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct iovec vector = {state, sizeof(state)};
		if (ptrace(PTRACE_GETREGSET, tid, sets[i].type, &vector) == 0)
			add_note(sets[i].name, sets[i].type, state, vector.iov_len);
	}
}

static void read_mappings(void)
{
	char path[64], line[1024];
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *file = fopen(path, "r");
	num_mappings = 0;
	while (file != NULL && fgets(line, sizeof(line), file) != NULL &&
	       num_mappings < MAX_MAPPINGS) {
		struct mapping *mapping = &mappings[num_mappings];
		char flags[8] = "";
		mapping->path[0] = 0;
		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %511[^\n]", &mapping->low, &mapping->high,
			   flags, &mapping->off, mapping->path) < 4)
			continue;
		mapping->writable = flags[0] == 'r' && flags[1] == 'w';
		mapping->executable = flags[2] == 'x';
		if (flags[0] == 'r' && strcmp(mapping->path, "[vvar]") != 0 &&
		    strcmp(mapping->path, "[vsyscall]") != 0)
			num_mappings++;
	}
	if (file == NULL)
		fail(path);
	fclose(file);
}

static void add_files(void)
{
	static char bytes[MAX_MAPPINGS * 600];
	uint64_t *words = (uint64_t *)(void *)bytes;
	uint64_t num = 0;
	for (int i = 0; i < num_mappings; i++)
		if (mappings[i].path[0] == '/') {
			words[2 + 3 * num] = mappings[i].low;
			words[3 + 3 * num] = mappings[i].high;
			words[4 + 3 * num++] = mappings[i].off / PAGE;
		}
	size_t size = (2 + 3 * num) * 8;
	words[0] = num;
	words[1] = PAGE;
	for (int i = 0; i < num_mappings; i++)
		if (mappings[i].path[0] == '/') {
			memcpy(bytes + size, mappings[i].path, strlen(mappings[i].path) + 1);
			size += strlen(mappings[i].path) + 1;
		}
	add_note("CORE", NT_FILE, bytes, size);
}

static void make_notes(void)
{
	char path[64], auxv[4096];
	notes_size = 0;
	for (int i = 0; i < num_threads; i++)
		add_thread(threads[i]);
	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	int fd = open(path, O_RDONLY);
	ssize_t size = fd >= 0 ? read(fd, auxv, sizeof(auxv)) : -1;
	if (size < 0)
		fail(path);
	close(fd);
	add_note("CORE", NT_AUXV, auxv, (size_t)size);
	add_files();
}

/* The pages that are there and not all zero. */
static void copy_memory(int to, int memory, int pagemap, const Elf64_Phdr *header)
{
	static char buffer[BLOCK];
	static const char zeroes[PAGE];
	for (uint64_t done = 0; done < header->p_filesz; done += BLOCK) {
		uint64_t pages[BLOCK / PAGE], addr = header->p_vaddr + done;
		size_t size = header->p_filesz - done < BLOCK ? header->p_filesz - done : BLOCK;
		bool any = false;
		if (pread(pagemap, pages, size / PAGE * 8, (off_t)(addr / PAGE * 8)) !=
		    (ssize_t)(size / PAGE * 8))
			memset(pages, 0xff, sizeof(pages));
		for (size_t i = 0; i < size / PAGE; i++)
			any |= pages[i] >> 62 != 0;
		/* A file's pages that nobody has touched are there all the same. */
		if (!any && header->p_flags != (PF_R | PF_W))
			any = true;
		ssize_t got = any ? pread(memory, buffer, size, (off_t)addr) : 0;
		for (ssize_t off = 0; off < got; off += PAGE)
			if (memcmp(buffer + off, zeroes, PAGE) != 0 &&
			    pwrite(to, buffer + off, PAGE,
				   (off_t)(header->p_offset + done) + off) != PAGE)
				fail("write");
	}
}

static void write_core(const char *path)
{
	static Elf64_Phdr headers[MAX_MAPPINGS + 1];
	int num = 1;
	char name[64];
	for (int i = 0; i < num_mappings; i++) {
		const struct mapping *mapping = &mappings[i];
		uint64_t size = mapping->high - mapping->low;
		if (!mapping->writable && (mapping->path[0] != '/' || mapping->off != 0))
			continue;
		headers[num++] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = PF_R | (mapping->writable ? PF_W : 0) |
				   (mapping->executable ? PF_X : 0),
			.p_vaddr = mapping->low,
			.p_memsz = size,
			.p_filesz = mapping->writable ? size : PAGE,
		};
	}
	uint64_t off = sizeof(Elf64_Ehdr) + (uint64_t)num * sizeof(Elf64_Phdr);
	headers[0] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = off, .p_filesz = notes_size};
	off = (off + notes_size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	for (int i = 1; i < num; i++) {
		headers[i].p_offset = off;
		off += headers[i].p_filesz;
	}
	Elf64_Ehdr header = {
		.e_ident = ELFMAG "\2\1\1",
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)num,
	};
	int to = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	int memory = open(name, O_RDONLY);
	snprintf(name, sizeof(name), "/proc/%d/pagemap", pid);
	int pagemap = open(name, O_RDONLY);
	if (to < 0 || memory < 0 || pagemap < 0 || ftruncate(to, (off_t)off) != 0 ||
	    pwrite(to, &header, sizeof(header), 0) != sizeof(header) ||
	    pwrite(to, headers, (size_t)num * sizeof(*headers), sizeof(header)) < 0 ||
	    pwrite(to, notes, notes_size, (off_t)headers[0].p_offset) != (ssize_t)notes_size)
		fail(path);
	for (int i = 1; i < num; i++)
		copy_memory(to, memory, pagemap, &headers[i]);
	close(pagemap);
	close(memory);
	close(to);
}

int main(int argc, char **argv)
{
	char path[4096];
	int num = argc > 3 ? atoi(argv[3]) : 1;
	if (argc < 3)
		return 2;
	pid = atoi(argv[1]);
	notes = malloc(NOTES_SIZE);
	if (notes == NULL)
		fail("memory");
	for (int i = 1; i <= num; i++) {
		if (argc > 3)
			snprintf(path, sizeof(path), "%s.%d", argv[2], i);
		else
			snprintf(path, sizeof(path), "%s", argv[2]);
		stop_threads();
		read_mappings();
		make_notes();
		write_core(path);
		let_go();
		/* It runs for a moment, so that no two of them are alike. */
		struct timespec pause = {0, 2000000 + rand() % 5000000};
		nanosleep(&pause, NULL);
	}
	return 0;
}
