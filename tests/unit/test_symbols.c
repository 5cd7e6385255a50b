/* Programs are compiled at test time; the truth about an address is a label in the program and a
 * marker on its source line. */
#include "stack/demangle.h"
#include "stack/symbols.h"

#include <check.h>
#include <gelf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

Suite *symbols_suite(void);

static struct arena arena;
static struct gaps gaps;
static struct elf_files files;
static struct progress progress;
static struct module module;
static struct symbols symbols;
static char folder[] = "/tmp/test_symbols.XXXXXX";
static char previous_folder[4096];

static void setup(void)
{
	strcpy(folder, "/tmp/test_symbols.XXXXXX");
	ck_assert_ptr_nonnull(getcwd(previous_folder, sizeof(previous_folder)));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	progress = (struct progress){0};
	arena_init(&arena, 0);
	gaps_init(&gaps, &arena);
	elf_files_init(&files, &arena, &gaps, NULL, folder);
}

static void teardown(void)
{
	char command[64];
	elf_files_deinit(&files);
	arena_deinit(&arena);
	ck_assert_int_eq(chdir(previous_folder), 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

static void run(const char *command)
{
	int status = system(command);
	ck_assert_msg(status == 0, "failed: %s", command);
}

static void write_file(const char *name, const char *content)
{
	FILE *file = fopen(name, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(content, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static struct elf_file *open_file(const char *name)
{
	char path[128];
	const char *problem = NULL;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	struct elf_file *file = elf_files_open(&files, path, &problem);
	ck_assert_msg(file != NULL, "%s: %s", path, problem);
	return file;
}

/* The line of source that has this marker. */
static uint32_t line_of(const char *source, const char *marker)
{
	const char *end = strstr(source, marker);
	uint32_t line = 1;
	ck_assert_ptr_nonnull(end);
	for (const char *byte = source; byte < end; byte++)
		line += *byte == '\n';
	return line;
}

static uint64_t address_of(const char *file_name, const char *name)
{
	struct elf_file *file = open_file(file_name);
	for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section)) != NULL;) {
		GElf_Shdr header;
		GElf_Sym symbol;
		ck_assert_ptr_nonnull(gelf_getshdr(section, &header));
		if (header.sh_type != SHT_SYMTAB)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		for (int i = 0; gelf_getsym(data, i, &symbol) != NULL; i++)
			if (strcmp(elf_strptr(file->elf, header.sh_link, symbol.st_name), name) ==
			    0)
				return symbol.st_value;
	}
	ck_abort_msg("%s has no symbol %s", file_name, name);
	return 0;
}

enum { BIAS = 0x7f0000000000 };

static const struct go_tables no_go;

static void look_up_many(const char *file_name, const uint64_t *addrs, uint32_t num)
{
	struct code_address *addresses = arena_alloc_array(&arena, num, sizeof(*addresses));
	module = (struct module){.file = open_file(file_name), .bias = BIAS};
	struct modules modules = {.list = {&module, 1, 1}};
	for (uint32_t i = 0; i < num; i++)
		addresses[i].lookup = addrs[i] + BIAS;
	symbols_build(&symbols, &arena, &gaps, &progress, &modules, &files, &no_go, NULL, addresses,
		      num);
}

/* The frames for one address of the ELF file. */
static const struct symbol_frame *look_up(const char *file_name, uint64_t addr, uint32_t *num_ret)
{
	look_up_many(file_name, &addr, 1);
	*num_ret = symbols.by_address[0].num;
	return &symbols.frames.items[symbols.by_address[0].first];
}

static void check_name(const char *file_name, uint64_t addr, const char *name)
{
	uint32_t num;
	const struct symbol_frame *frame = look_up(file_name, addr, &num);
	ck_assert_uint_eq(num, 1);
	ck_assert_ptr_null(frame->file);
	ck_assert_uint_eq(frame->line, 0);
	ck_assert(!frame->inlined);
	ck_assert_pstr_eq(frame->function, name);
	if (name == NULL)
		ck_assert_uint_eq(frame->low, 0);
}

static const char inlined_source[] =
	"static inline __attribute__((always_inline)) void inner(void)\n"
	"{\n"
	"	__asm__ volatile(\"mark_inner: nop\"); /* @inner */\n"
	"}\n"
	"static inline __attribute__((always_inline)) void middle(void)\n"
	"{\n"
	"	inner(); /* @middle */\n"
	"}\n"
	"void outer(void)\n"
	"{\n"
	"	__asm__ volatile(\"mark_outer: nop\"); /* @plain */\n"
	"	middle(); /* @outer */\n"
	"	__asm__ volatile(\"nop\");\n"
	"}\n"
	"static __attribute__((noinline)) void hidden(void)\n"
	"{\n"
	"	__asm__ volatile(\"mark_hidden: nop\"); /* @hidden */\n"
	"}\n"
	"void visible(void)\n"
	"{\n"
	"	hidden();\n"
	"	__asm__ volatile(\"nop\");\n"
	"}\n";

static void check_frame(const struct symbol_frame *frame, const char *function, const char *marker,
			bool inlined)
{
	ck_assert_pstr_eq(frame->function, function);
	ck_assert_pstr_eq(frame->file, "t.c");
	ck_assert_uint_eq(frame->line, line_of(inlined_source, marker));
	ck_assert_int_eq(frame->inlined, inlined);
	if (inlined)
		ck_assert_uint_eq(frame->low, 0);
}

static void check_inlined(const char *file_name)
{
	uint32_t num;
	const struct symbol_frame *frames =
		look_up(file_name, address_of("full.so", "mark_inner"), &num);
	ck_assert_uint_eq(num, 3);
	check_frame(&frames[0], "inner", "@inner", true);
	check_frame(&frames[1], "middle", "@middle", true);
	check_frame(&frames[2], "outer", "@outer", false);
	ck_assert_uint_eq(frames[2].low, BIAS + address_of("full.so", "outer"));
	frames = look_up(file_name, address_of("full.so", "mark_outer"), &num);
	ck_assert_uint_eq(num, 1);
	check_frame(&frames[0], "outer", "@plain", false);
	ck_assert_uint_eq(gaps.list.num, 0);
}

static void compile(const char *options)
{
	char command[256];
	write_file("t.c", inlined_source);
	snprintf(command, sizeof(command), "cc -O1 -fPIC -shared -nostdlib %s t.c -o full.so",
		 options);
	run(command);
}

START_TEST(names_inlined_code)
{
	static const char *const options[] = {"-gdwarf-4", "-gdwarf-5", "-gdwarf-3",
					      "-gdwarf-5 -gz -ffunction-sections"};
	compile(options[_i]);
	check_inlined("full.so");
}
END_TEST

START_TEST(works_without_address_table)
{
	compile("-g");
	run("objcopy --remove-section=.debug_aranges full.so t.so");
	check_inlined("t.so");
}
END_TEST

START_TEST(reads_separate_debug_file)
{
	uint32_t num;
	compile("-g -Wl,--build-id=none");
	run("objcopy --only-keep-debug full.so t.debug");
	run("objcopy --strip-all --add-gnu-debuglink=t.debug full.so t.so");
	run("objcopy --strip-all full.so bare.so");
	check_inlined("t.so");
	const struct symbol_frame *frames =
		look_up("bare.so", address_of("full.so", "mark_inner"), &num);
	ck_assert_uint_eq(num, 1);
	ck_assert_pstr_eq(frames[0].function, "outer");
	ck_assert_ptr_null(frames[0].file);
	check_name("bare.so", address_of("full.so", "mark_hidden"), NULL);
}
END_TEST

START_TEST(reads_symbols_of_debug_file)
{
	compile("-Wl,--build-id=none");
	run("objcopy --only-keep-debug full.so t.debug");
	run("objcopy --strip-all --add-gnu-debuglink=t.debug full.so t.so");
	check_name("t.so", address_of("full.so", "mark_hidden"), "hidden");
	check_name("full.so", address_of("full.so", "mark_hidden"), "hidden");
}
END_TEST

START_TEST(reads_mini_debuginfo)
{
	compile("");
	run("objcopy --strip-all full.so t.so");
	check_name("t.so", address_of("full.so", "mark_hidden"), NULL);
	run("objcopy --only-keep-debug full.so all.debug");
	run("objcopy -S --remove-section .comment --keep-symbol=hidden all.debug mini");
	run("xz -k mini && objcopy --add-section .gnu_debugdata=mini.xz t.so u.so");
	check_name("u.so", address_of("full.so", "mark_hidden"), "hidden");
	check_name("u.so", address_of("full.so", "mark_outer"), "outer");
}
END_TEST

START_TEST(reads_split_debug_info)
{
	uint32_t num;
	static const char *const options[] = {"-gdwarf-4", "-gdwarf-5"};
	char command[256];
	write_file("t.c", inlined_source);
	snprintf(command, sizeof(command), "cc -O1 -fPIC %s -gsplit-dwarf -c t.c", options[_i]);
	run(command);
	run("cc -shared -nostdlib t.o -o full.so");
	check_inlined("full.so");
	run("rm t.dwo && mkfifo t.dwo");
	const struct symbol_frame *frames =
		look_up("full.so", address_of("full.so", "mark_inner"), &num);
	ck_assert_uint_eq(num, 1);
	ck_assert_pstr_eq(frames[0].function, "outer");
	ck_assert_uint_eq(frames[0].line, line_of(inlined_source, "@inner"));
}
END_TEST

static const char cplusplus_source[] =
	"extern \"C\" int x;\n"
	"namespace outer_ns {\n"
	"namespace {\n"
	"__attribute__((noinline)) void local() { __asm__ volatile(\"mark_local: nop\"); }\n"
	"}\n"
	"template <class T> struct box {\n"
	"	__attribute__((noinline)) void put(T);\n"
	"	static inline __attribute__((always_inline)) void step(T)\n"
	"	{\n"
	"		__asm__ volatile(\"nop\");\n"
	"		__asm__ volatile(\"mark_step: nop\"); // @step\n"
	"	}\n"
	"};\n"
	"template <class T> void box<T>::put(T t) { step(t); } // @put\n"
	"extern \"C\" void plain() { local(); __asm__ volatile(\"mark_plain: nop\"); }\n"
	"}\n"
	"void use(int n)\n"
	"{\n"
	"	outer_ns::box<int *>().put(&n);\n"
	"	auto f = [&](int k) __attribute__((noinline)) { \n"
	"		__asm__ volatile(\"mark_lambda: nop\" :: \"r\"(k), \"r\"(n)); };\n"
	"	f(n);\n"
	"	auto g = [&](int k) __attribute__((always_inline)) { \n"
	"		__asm__ volatile(\"mark_inlined: nop\" :: \"r\"(k), \"r\"(n)); };\n"
	"	g(n);\n"
	"	__asm__ volatile(\"nop\");\n"
	"}\n";

static void check_function(const char *file_name, const char *label, uint32_t index,
			   const char *function)
{
	uint32_t num;
	const struct symbol_frame *frames = look_up(file_name, address_of("full.so", label), &num);
	ck_assert_uint_gt(num, index);
	ck_assert_pstr_eq(frames[index].function, function);
}

START_TEST(names_cplusplus_without_parameters)
{
	uint32_t num;
	write_file("t.cc", cplusplus_source);
	run("c++ -g -O1 -fPIC -shared -nostdlib t.cc -o full.so");
	check_function("full.so", "mark_step", 0, "outer_ns::box<int*>::step");
	check_function("full.so", "mark_step", 1, "outer_ns::box<int*>::put");
	const struct symbol_frame *frames =
		look_up("full.so", address_of("full.so", "mark_step"), &num);
	ck_assert_uint_eq(num, 2);
	ck_assert_uint_eq(frames[0].line, line_of(cplusplus_source, "@step"));
	ck_assert_uint_eq(frames[1].line, line_of(cplusplus_source, "@put"));
	/* No linkage name: from the scopes. */
	check_function("full.so", "mark_local", 0, "outer_ns::(anonymous namespace)::local");
	check_function("full.so", "mark_plain", 0, "outer_ns::plain");
	/* The symbol table knows lambdas better, but nothing of inlined ones. */
	check_function("full.so", "mark_lambda", 0, "use(int)::{lambda(int)#1}::operator()");
	check_function("full.so", "mark_inlined", 0, "use::(anonymous class)::operator()");
	check_function("full.so", "mark_inlined", 1, "use");
	run("objcopy --strip-debug full.so t.so");
	check_function("t.so", "mark_step", 0, "outer_ns::box<int*>::put");
	check_function("t.so", "mark_local", 0, "outer_ns::(anonymous namespace)::local");
	check_function("t.so", "mark_plain", 0, "plain");
}
END_TEST

/* DWARF 4 as compilers seldom write it: a block without addresses around inlined code, and a
 * function within the code of another one. */
static const char odd_source[] =
	"	.text\n"
	"outer: nop\n"
	"inlined_low: nop\n"
	"mark_inlined: nop\n"
	"inlined_high: nop\n"
	"nested_low: nop\n"
	"mark_nested: nop\n"
	"nested_high: nop\n"
	"mark_outer: nop\n"
	"outer_high:\n"
	"	.section .debug_abbrev\n"
	/* unit, function, block, inlined code, function that is inlined,
	 * function without children */
	"	.byte 1, 0x11, 1, 0x03, 8, 0x11, 1, 0x12, 7, 0, 0\n"
	"	.byte 2, 0x2e, 1, 0x03, 8, 0x11, 1, 0x12, 7, 0, 0\n"
	"	.byte 3, 0x0b, 1, 0, 0\n"
	"	.byte 4, 0x1d, 0, 0x31, 0x13, 0x11, 1, 0x12, 7, 0x59, 0x0b, 0, 0\n"
	"	.byte 5, 0x2e, 0, 0x03, 8, 0x20, 0x0b, 0, 0\n"
	"	.byte 6, 0x2e, 0, 0x03, 8, 0x11, 1, 0x12, 7, 0, 0\n"
	"	.byte 0\n"
	"	.section .debug_info\n"
	"unit: .long unit_end - 1f\n"
	"1:	.short 4\n"
	"	.long .debug_abbrev\n"
	"	.byte 8, 1\n"
	"	.string \"t.c\"\n"
	"	.quad outer, outer_high - outer\n"
	"small: .byte 5\n"
	"	.string \"small\"\n"
	"	.byte 3, 2\n"
	"	.string \"outer\"\n"
	"	.quad outer, outer_high - outer\n"
	"	.byte 3, 4\n"
	"	.long small - unit\n"
	"	.quad inlined_low, inlined_high - inlined_low\n"
	"	.byte 42, 0, 6\n"
	"	.string \"nested\"\n"
	"	.quad nested_low, nested_high - nested_low\n"
	"	.byte 0, 0\n"
	"unit_end:\n"
	"	.section .note.GNU-stack,\"\",@progbits\n";

START_TEST(odd_nesting)
{
	uint32_t num;
	write_file("t.s", odd_source);
	run("cc -c t.s -o t.o && ld -shared --build-id t.o -o full.so");
	const struct symbol_frame *frames =
		look_up("full.so", address_of("full.so", "mark_inlined"), &num);
	ck_assert_uint_eq(num, 2);
	ck_assert_pstr_eq(frames[0].function, "small");
	ck_assert(frames[0].inlined);
	ck_assert_pstr_eq(frames[1].function, "outer");
	ck_assert(!frames[1].inlined);
	ck_assert_uint_eq(frames[1].line, 42);
	frames = look_up("full.so", address_of("full.so", "mark_nested"), &num);
	ck_assert_uint_eq(num, 1);
	ck_assert_pstr_eq(frames[0].function, "nested");
	ck_assert(!frames[0].inlined);
	frames = look_up("full.so", address_of("full.so", "mark_outer"), &num);
	ck_assert_uint_eq(num, 1);
	ck_assert_pstr_eq(frames[0].function, "outer");
}
END_TEST

static const char symbols_source[] = "	.text\n"
				     "	.globl sized, __sized, ___sized\n"
				     "	.weak alias, longer_alias\n"
				     "	.type sized, @function\n"
				     "	.type alias, @function\n"
				     "	.type longer_alias, @function\n"
				     "	.type __sized, @function\n"
				     "	.type inner, @function\n"
				     "	.type whole, @function\n"
				     "	.type object, @object\n"
				     "whole:\n"
				     "	nop\n"
				     "inner:\n"
				     "mark_inner:\n"
				     "	nop\n"
				     "label:\n"
				     "	nop\n"
				     "	.size inner, . - inner\n"
				     "mark_whole:\n"
				     "	nop\n"
				     "	.size whole, . - whole\n"
				     "mark_gap:\n"
				     "	.skip 16, 0x90\n"
				     "longer_alias:\n"
				     "alias:\n"
				     "_alias:\n"
				     "	nop\n"
				     "mark_alias: nop\n"
				     "	.size alias, . - alias\n"
				     "	.size longer_alias, . - longer_alias\n"
				     "__sized:\n"
				     "sized:\n"
				     "	nop\n"
				     "	.size sized, . - sized\n"
				     "	.size __sized, . - __sized\n"
				     "	.globl unsized\n"
				     "unsized:\n"
				     "	nop\n"
				     "	nop\n"
				     "	.globl next_unsized\n"
				     "next_unsized:\n"
				     "	nop\n"
				     "	nop\n"
				     "	.section .data\n"
				     "object: .quad 0\n"
				     "	.size object, 8\n";

START_TEST(symbols_must_cover_the_address)
{
	write_file("t.s", symbols_source);
	run("cc -shared -nostdlib t.s -o full.so");
	/* Labels of the test would be symbols that cover what follows them. */
	run("objcopy --strip-symbol=mark_gap --strip-symbol=mark_whole "
	    "--strip-symbol=mark_alias full.so t.so");
	run("objcopy --strip-all full.so dynamic.so");
	check_name("t.so", address_of("full.so", "mark_inner"), "inner");
	check_name("t.so", address_of("full.so", "label"), "inner");
	check_name("t.so", address_of("full.so", "mark_whole"), "whole");
	check_name("t.so", address_of("full.so", "mark_gap"), NULL);
	check_name("t.so", address_of("full.so", "mark_gap") + 15, NULL);
	check_name("t.so", address_of("full.so", "mark_alias"), "alias");
	check_name("t.so", address_of("full.so", "sized"), "sized");
	check_name("t.so", address_of("full.so", "unsized"), "unsized");
	check_name("t.so", address_of("full.so", "unsized") + 1, "unsized");
	check_name("t.so", address_of("full.so", "next_unsized") + 1, "next_unsized");
	check_name("t.so", address_of("full.so", "next_unsized") + 2, NULL);
	check_name("t.so", address_of("full.so", "object"), NULL);
	/* A table that is not complete says nothing about what follows a symbol without size. */
	check_name("dynamic.so", address_of("full.so", "unsized"), "unsized");
	check_name("dynamic.so", address_of("full.so", "unsized") + 1, NULL);
	check_name("dynamic.so", address_of("full.so", "sized"), "sized");
}
END_TEST

/* Thousands of symbols that all cover thousands of addresses: bounded, and said. */
START_TEST(too_many_overlapping_symbols)
{
	enum { NUM = 4200 };
	uint64_t addrs[NUM];
	FILE *file = fopen("t.s", "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "start:\n");
	for (int i = 0; i < NUM; i++)
		fprintf(file, "f%d: .type f%d, @function\n.size f%d, %d\n", i, i, i, NUM);
	fprintf(file, ".skip %d\n", NUM);
	ck_assert_int_eq(fclose(file), 0);
	run("cc -shared -nostdlib t.s -o full.so");
	uint64_t start = address_of("full.so", "start");
	for (uint32_t i = 0; i < NUM; i++)
		addrs[i] = start + i;
	look_up_many("full.so", addrs, NUM);
	ck_assert_uint_eq(gaps.list.num, 1);
	ck_assert_str_eq(gaps.list.items[0].kind, "symbols-damaged");
}
END_TEST

START_TEST(names_plt_entries)
{
	static const char *const options[] = {"-Wl,-z,lazy -fcf-protection=none",
					      "-Wl,-z,now -fcf-protection=none",
					      "-Wl,-z,lazy -fcf-protection -Wl,-z,ibtplt"};
	char command[256];
	uint64_t call;
	int32_t distance;
	write_file("t.c", "void external(void); void other(void);\n"
			  "void f(void) { other(); __asm__(\"mark_call: call external@plt\"); }\n"
			  "void *p(void) { return (void *)external; }\n");
	snprintf(command, sizeof(command), "cc -O1 -fPIC -shared -nostdlib %s t.c -o full.so",
		 options[_i]);
	run(command);
	call = address_of("full.so", "mark_call");
	size_t size;
	const char *bytes = elf_rawfile(open_file("full.so")->elf, &size);
	/* Program headers of such a small library place code at its file offset. */
	ck_assert_uint_lt(call + 5, size);
	ck_assert_int_eq((unsigned char)bytes[call], 0xe8);
	memcpy(&distance, bytes + call + 1, sizeof(distance));
	uint64_t entry = call + 5 + (uint64_t)(int64_t)distance;
	check_name("full.so", entry, "external@plt");
	check_name("full.so", entry + 5, "external@plt");
	run("objcopy --strip-all full.so t.so");
	check_name("t.so", entry, "external@plt");
}
END_TEST

START_TEST(damaged_debug_info_is_a_gap)
{
	static const char *const damages[] = {
		"head -c 4096 /dev/zero | tr '\\0' '\\377' >junk && "
		"objcopy --update-section .debug_info=junk full.so t.so",
		"head -c 64 /dev/zero >junk && "
		"objcopy --update-section .debug_abbrev=junk full.so t.so",
		"printf 'lost.dwz\\0abcdefghijklmnopqrst' >link && "
		"objcopy --add-section .gnu_debugaltlink=link full.so t.so",
		"objcopy --remove-section .debug_abbrev full.so t.so",
	};
	uint32_t num;
	compile("-g");
	run(damages[_i]);
	const struct symbol_frame *frames =
		look_up("t.so", address_of("full.so", "mark_hidden"), &num);
	ck_assert_uint_eq(num, 1);
	ck_assert_pstr_eq(frames[0].function, "hidden");
	ck_assert_uint_eq(frames[0].low, BIAS + address_of("full.so", "hidden"));
	ck_assert_uint_eq(gaps.list.num, 1);
	ck_assert_str_eq(gaps.list.items[0].kind, "debug-info-unreadable");
	ck_assert(!gaps.list.items[0].incomplete);
	ck_assert_ptr_nonnull(strstr(gaps.list.items[0].detail, "/t.so: "));
}
END_TEST

/* What dwz leaves: a relocatable file with the build-id that .gnu_debugaltlink asks for. */
START_TEST(opens_the_shared_debug_file)
{
	compile("-g");
	write_file("shared.c", "__asm__(\".section .note.gnu.build-id,\\\"a\\\"\\n\"\n"
			       "	\".long 4, 20, 3\\n.asciz \\\"GNU\\\"\\n\"\n"
			       "	\".ascii \\\"abcdefghijklmnopqrst\\\"\\n.text\\n\");\n"
			       "int shared;\n");
	run("cc -g -c shared.c -o shared.dwz");
	run("printf 'shared.dwz\\0abcdefghijklmnopqrst' >link && "
	    "objcopy --add-section .gnu_debugaltlink=link full.so t.so");
	check_inlined("t.so");
	uint32_t num;
	run("printf 'shared.dwz\\0abcdefghijklmnopqrsX' >link && "
	    "objcopy --add-section .gnu_debugaltlink=link full.so u.so");
	look_up("u.so", address_of("full.so", "mark_inner"), &num);
	ck_assert_uint_eq(num, 1);
	ck_assert_uint_eq(gaps.list.num, 1);
}
END_TEST

START_TEST(many_addresses_at_once)
{
	compile("-g");
	uint64_t inner = address_of("full.so", "mark_inner");
	uint64_t hidden = address_of("full.so", "mark_hidden");
	uint64_t addrs[] = {hidden, inner, 1, hidden, UINT64_MAX - BIAS, inner};
	look_up_many("full.so", addrs, 6);
	static const char *const expected[] = {"hidden", "inner", NULL, "hidden", NULL, "inner"};
	for (int i = 0; i < 6; i++)
		ck_assert_pstr_eq(symbols.frames.items[symbols.by_address[i].first].function,
				  expected[i]);
	/* One pointer for each text. */
	ck_assert_ptr_eq(symbols.frames.items[symbols.by_address[0].first].file,
			 symbols.frames.items[symbols.by_address[1].first].file);
}
END_TEST

START_TEST(no_module_no_file)
{
	struct module fileless = {.name = "gone"};
	struct modules modules = {.list = {&fileless, 1, 1}};
	struct code_address addresses[] = {{0x1234, -1}, {0x5678, 0}};
	symbols_build(&symbols, &arena, &gaps, &progress, &modules, &files, &no_go, NULL, addresses,
		      2);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(symbols.by_address[i].num, 1);
		ck_assert_ptr_null(symbols.frames.items[symbols.by_address[i].first].function);
	}
	symbols_build(&symbols, &arena, &gaps, &progress, &modules, &files, &no_go, NULL, addresses,
		      0);
}
END_TEST

START_TEST(stops_when_cancelled)
{
	compile("-g");
	progress.cancelled = true;
	check_name("full.so", address_of("full.so", "mark_hidden"), NULL);
}
END_TEST

/* Under ASan also: nothing of libdw is lost. */
START_TEST(running_out_of_memory_reaches_the_trap)
{
	jmp_buf trap;
	volatile uint32_t num_trapped = 0, num_done = 0;
	compile("-g");
	uint64_t addr = address_of("full.so", "mark_inner");
	struct elf_file *file = open_file("full.so");
	struct modules modules = {.list = {&module, 1, 1}};
	struct code_address address = {addr + BIAS, 0};
	module = (struct module){.file = file, .bias = BIAS};
	for (volatile uint64_t max_size = 1; max_size < (1 << 20); max_size += 128 << 10) {
		struct arena small;
		arena_init(&small, max_size);
		small.trap = &trap;
		/* The intern tables make the arena grow in the middle of the work. */
		if (setjmp(trap) == 0) {
			symbols_build(&symbols, &small, &gaps, &progress, &modules, &files, &no_go,
				      NULL, &address, 1);
			num_done++;
		} else {
			num_trapped++;
			ck_assert_ptr_eq(small.trap, &trap);
		}
		arena_deinit(&small);
	}
	ck_assert_uint_gt(num_trapped, 0);
	ck_assert_uint_gt(num_done, 0);
}
END_TEST

static const struct {
	const char *linker, *source;
} names[] = {
	{"main", "main"},
	{"_ZN2ns4Base3runEi", "ns::Base::run"},
	{"_ZN2ns4Base3runEi.constprop.0.isra.0", "ns::Base::run"},
	{"_ZNKSt6vectorIiSaIiEE4sizeEv", "std::vector<int, std::allocator<int> >::size"},
	{"_Z3maxIiET_S0_S0_", "max<int>"},
	{"_ZN3FooD1Ev", "Foo::~Foo"},
	{"_ZN3FoocvbEv", "Foo::operator bool"},
	{"_ZlsRSoi", "operator<<"},
	{"_ZN4core3ops8function6FnOnce9call_once17h1234567890abcdefE",
	 "core::ops::function::FnOnce::call_once"},
	{"_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$"
	 "3bar17h930b740aa94f1d3aE",
	 "<Test + 'static as foo::Bar<Test>>::bar"},
	{"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
	{"_RNvCs1234_7mycrate3foo.llvm.123456", "mycrate::foo"},
	{"_D8demangle4testFaZv", "demangle.test"},
	{"_D8demangle4test3fooMFZv", "demangle.test.foo"},
	{"pthread_cond_wait@@GLIBC_2.3.2", "pthread_cond_wait"},
	{"memcpy@GLIBC_2.2.5", "memcpy"},
	{"main.cold", "main"},
	{"main.cold.7", "main"},
	{"work.part.0", "work"},
	{"work.part.0.cold", "work"},
	{"work.isra.0", "work"},
	{"work.lto_priv.3", "work"},
	{"work.llvm.9876", "work"},
	{"work.avx2", "work.avx2"},
	{"work.part", "work.part"},
	{".cold", ".cold"},
	{"cold", "cold"},
	{"@", "@"},
	{"", ""},
	{"_Z", "_Z"},
	{"_ZN", "_ZN"},
	{"_D", "_D"},
	{"_R", "_R"},
	{"_ZN999999999999999999999fooE", "_ZN999999999999999999999fooE"},
	{"_Zgarbage\xff\x1b[31m", "_Zgarbage\xff\x1b[31m"},
};

START_TEST(demangles)
{
	struct demangler demangler;
	demangler_init(&demangler, &arena);
	ck_assert_str_eq(demangle(&demangler, names[_i].linker, strlen(names[_i].linker)),
			 names[_i].source);
}
END_TEST

START_TEST(long_names)
{
	struct demangler demangler;
	char *name = arena_alloc(&arena, 300000);
	demangler_init(&demangler, &arena);
	/* Longer than libiberty takes with its own limit. */
	snprintf(name, 64, "_ZN2ns1500");
	memset(name + strlen(name), 'a', 1500);
	strcat(name, "3fooIiEEvv");
	const char *text = demangle(&demangler, name, strlen(name));
	ck_assert_uint_eq(strlen(text), 4 + 1500 + strlen("::foo<int>"));
	ck_assert_str_eq(text + 4 + 1500, "::foo<int>");
	memset(name, 'x', 299999);
	name[299999] = '\0';
	ck_assert_uint_eq(strlen(demangle(&demangler, name, 299999)), DEMANGLE_MAX_SIZE);
	memcpy(name, "_Z", 2);
	ck_assert_uint_eq(strlen(demangle(&demangler, name, 299999)), DEMANGLE_MAX_SIZE);
}
END_TEST

/* Each S_ doubles the type before it: the whole text would be 2^40 times as long. */
START_TEST(endless_output_is_stopped)
{
	struct demangler demangler;
	char name[512] = "_Z1fI1AIiiES_IS0_S0_ES_IS1_S1_E";
	char part[64];
	demangler_init(&demangler, &arena);
	for (int i = 2; i < 36; i++) {
		char digit = (char)(i < 10 ? '0' + i : 'A' + i - 10);
		snprintf(part, sizeof(part), "S_IS%c_S%c_E", digit, digit);
		strcat(name, part);
	}
	strcat(name, "EvvE");
	const char *text = demangle(&demangler, name, strlen(name));
	ck_assert_uint_le(strlen(text), DEMANGLE_MAX_SIZE);
	ck_assert_str_eq(demangle(&demangler, "_Z1fv", 5), "f");
}
END_TEST

static void *demangle_nested(void *data)
{
	struct demangler *demangler = data;
	static const char *const nests[] = {"P",    "FvP", "A1_",   "M1A",  "KP",
					    "DpT_", "1AI", "XadL",  "XntL", "N1A",
					    "Dv1_", "U1u", "St1AI", "Xcv",  "XszX"};
	char name[DEMANGLE_MAX_SIZE / 8 + 16];
	for (size_t i = 0; i < sizeof(nests) / sizeof(nests[0]); i++) {
		for (size_t size = 500; size <= sizeof(name) - 16; size += 199) {
			size_t length = (size_t)snprintf(name, sizeof(name), "_Z1fI");
			while (length + strlen(nests[i]) < size)
				length += (size_t)sprintf(name + length, "%s", nests[i]);
			demangle(demangler, name, length);
			memcpy(name, "_RI", 3);
			demangle(demangler, name, length);
			memcpy(name, "_D1f", 4);
			demangle(demangler, name, length);
		}
	}
	return demangler;
}

/* Deeply nested names must get along with the stack of a thread. */
START_TEST(nested_names_need_little_stack)
{
	struct demangler demangler;
	pthread_attr_t attributes;
	pthread_t thread;
	void *result = NULL;
	demangler_init(&demangler, &arena);
	ck_assert_int_eq(pthread_attr_init(&attributes), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&attributes, 4 << 20), 0);
	ck_assert_int_eq(pthread_create(&thread, &attributes, demangle_nested, &demangler), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, &demangler);
	pthread_attr_destroy(&attributes);
}
END_TEST

Suite *symbols_suite(void)
{
	Suite *suite = suite_create("symbols");
	TCase *tcase = tcase_create("symbols");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, names_inlined_code, 0, 4);
	tcase_add_test(tcase, works_without_address_table);
	tcase_add_test(tcase, reads_separate_debug_file);
	tcase_add_test(tcase, reads_symbols_of_debug_file);
	tcase_add_test(tcase, reads_mini_debuginfo);
	tcase_add_loop_test(tcase, reads_split_debug_info, 0, 2);
	tcase_add_test(tcase, names_cplusplus_without_parameters);
	tcase_add_test(tcase, symbols_must_cover_the_address);
	tcase_add_test(tcase, too_many_overlapping_symbols);
	tcase_add_loop_test(tcase, names_plt_entries, 0, 3);
	tcase_add_loop_test(tcase, damaged_debug_info_is_a_gap, 0, 4);
	tcase_add_test(tcase, opens_the_shared_debug_file);
	tcase_add_test(tcase, many_addresses_at_once);
	tcase_add_test(tcase, no_module_no_file);
	tcase_add_test(tcase, odd_nesting);
	tcase_add_test(tcase, stops_when_cancelled);
	tcase_add_test(tcase, running_out_of_memory_reaches_the_trap);
	tcase_add_loop_test(tcase, demangles, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tcase, long_names);
	tcase_add_test(tcase, endless_output_is_stopped);
	tcase_add_test(tcase, nested_names_need_little_stack);
	suite_add_tcase(suite, tcase);
	return suite;
}
