/* Cores to begin with: native ones of several dumpers' shapes, and Go programs. */
#include "fake_code.h"
#include "fake_go.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static void take(struct fuzz_bytes *ret, struct fake_core *core)
{
	if (core->file.size == 0)
		fake_build(core);
	ret->size = core->file.size;
	ret->bytes = malloc(ret->size);
	if (ret->bytes == NULL)
		abort();
	memcpy(ret->bytes, core->file.bytes, ret->size);
}

/* Threads in a library whose functions are known: asleep, running, in a signal handler. */
static void fill(struct fake_core *core)
{
	enum { NUM_THREADS = 5, NUM_WORDS = 512 };
	static const char *const places[] = {"frameless_at", "leaf_at", "framed_at", "trampoline",
					     "start_at"};
	uint64_t words[NUM_WORDS] = {0};
	const Elf64_auxv_t auxv[] = {{AT_ENTRY, {fake_code("start")}},
				     {AT_PHDR, {FAKE_CODE_BASE + sizeof(Elf64_Ehdr)}},
				     {AT_PHNUM, {4}},
				     {AT_EXECFN, {FAKE_STACK + 4000}}};
	for (uint32_t i = 5; i < NUM_WORDS; i += 7)
		words[i] = fake_code(i % 2 == 0 ? "start_ret" : "frameless_ret");
	for (int32_t i = 0; i < NUM_THREADS; i++) {
		struct user_regs_struct regs = {
			.orig_rax = i == 1   ? UINT64_MAX
				    : i == 2 ? SYS_poll
					     : SYS_futex,
			.rax = (uint64_t)-512,
			.rip = fake_code(places[i]),
			.rsp = FAKE_STACK + (uint64_t)i * 256,
			.rbp = FAKE_STACK + (uint64_t)i * 256 + 64,
			.rdi = FAKE_STACK + 1024,
			.rdx = 2,
			.fs_base = FAKE_STACK + 2048,
		};
		fake_thread(core, 5000 - i, 6, &regs);
		if (i > 0)
			continue;
		fake_prpsinfo(core, 4999, "work\x1b[31mer");
		fake_siginfo(core, 6);
		fake_auxv(core, auxv, sizeof(auxv) / sizeof(auxv[0]));
		fake_fpregs(core);
	}
	fake_code_map(core);
	fake_mapping(core, 0x10000, 0x20000, 0, "/tmp/\xe2\x80\xae odd\nname (deleted)");
	fake_segment(core, FAKE_STACK, words, sizeof(words), sizeof(words), PF_R | PF_W);
}

static void make_native(struct fuzz_bytes *ret)
{
	struct fake_core core;
	fake_core_init(&core);
	fill(&core);
	take(ret, &core);
	fake_core_deinit(&core);
}

static void make_wide(struct fuzz_bytes *ret)
{
	struct fake_core core;
	fake_core_init(&core);
	core.extended_numbering = core.notes_last = true;
	core.notes_align = 8;
	fill(&core);
	take(ret, &core);
	fake_core_deinit(&core);
}

static void make_go(struct fuzz_bytes *ret, int minor, const char *version)
{
	struct fake_go go;
	fake_go_init(&go, minor, version);
	fake_go_program(&go);
	fake_go_build(&go);
	take(ret, &go.world.core);
	fake_go_deinit(&go);
}

static void make_old_go(struct fuzz_bytes *ret)
{
	make_go(ret, 19, "go1.19.8");
}

static void make_new_go(struct fuzz_bytes *ret)
{
	make_go(ret, 27, "go1.27.4");
}

const struct fuzz_seed fuzz_core_seeds[] = {
	{"go19", make_old_go}, {"go27", make_new_go}, {"native", make_native},
	{"wide", make_wide},   {NULL, NULL},
};

void fuzz_setup(void)
{
	fake_code_setup();
}

void fuzz_teardown(void)
{
	fake_code_teardown();
}
