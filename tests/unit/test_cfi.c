#include "fake_code.h"
#include "stack/cfi.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *cfi_suite(void);

static struct fake_world world;
static struct cfi cfi;
static bool ready;

static void setup(void)
{
	fake_world_init(&world);
	ready = false;
}

static void teardown(void)
{
	if (ready)
		cfi_deinit(&cfi);
	fake_world_deinit(&world);
}

static void open_cfi(void)
{
	fake_world_open_image(&world);
	cfi_init(&cfi, &world.arena, &world.gaps, &world.modules, &world.files);
	ready = true;
}

static void open_code(void)
{
	fake_code_map(&world.core);
	open_cfi();
}

static const struct cfi_rule *rule_at(const char *label)
{
	const struct cfi_rule *rule = cfi_rule_for(&cfi, fake_code(label));
	ck_assert_ptr_nonnull(rule);
	return rule;
}

static void expect_cfa(const struct cfi_rule *rule, uint16_t number, int64_t offset)
{
	ck_assert_int_eq(rule->kind, CFI_RULE_OK);
	ck_assert(!rule->cfa_is_expression);
	ck_assert_uint_eq(rule->cfa_register, number);
	ck_assert_int_eq(rule->cfa_offset, offset);
}

static void expect_register(const struct cfi_rule *rule, int number, enum cfi_how how,
			    int64_t offset)
{
	ck_assert_msg(rule->registers[number].how == how, "register %d: how %d", number,
		      rule->registers[number].how);
	ck_assert_int_eq(rule->registers[number].offset, offset);
}

START_TEST(rule_by_address)
{
	open_code();
	expect_cfa(rule_at("framed"), REGISTER_RSP, 8);
	expect_cfa(rule_at("framed_at"), REGISTER_RBP, 16);
	expect_cfa(rule_at("framed_leaving"), REGISTER_RSP, 8);
	expect_cfa(rule_at("frameless_entry"), REGISTER_RSP, 8);
	expect_cfa(rule_at("frameless_at"), REGISTER_RSP, 48);
	expect_cfa(rule_at("by_rbx_at"), REGISTER_RBX, 16);
	const struct cfi_rule *rule = rule_at("framed_at");
	ck_assert_uint_eq(rule->return_column, REGISTER_RIP);
	ck_assert(!rule->signal_frame);
	ck_assert_int_eq(rule->module, 0);
	expect_register(rule, REGISTER_RIP, CFI_AT_CFA, -8);
	expect_register(rule, REGISTER_RBP, CFI_AT_CFA, -16);
	expect_register(rule, REGISTER_RBX, CFI_AT_CFA, -24);
	expect_register(rule, 12, CFI_SAME, 0);
	rule = rule_at("framed");
	expect_register(rule, REGISTER_RBP, CFI_SAME, 0);
	expect_register(rule, REGISTER_RBX, CFI_SAME, 0);
}
END_TEST

START_TEST(other_ways_to_save)
{
	open_code();
	const struct cfi_rule *rule = rule_at("saver_at");
	expect_register(rule, REGISTER_RBX, CFI_REGISTER, 12);
	expect_register(rule, REGISTER_RBP, CFI_CFA_PLUS, -16);
	expect_register(rule, 13, CFI_CFA_PLUS, 5); /* written as an expression */
	ck_assert_int_eq(rule->registers[15].how, CFI_EXPRESSION);
	ck_assert_uint_ge(rule->registers[15].expression.num, 2);
	expect_register(rule, 14, CFI_UNDEFINED, 0);
	ck_assert_int_eq(rule_at("start_at")->registers[REGISTER_RIP].how, CFI_UNDEFINED);
}
END_TEST

START_TEST(signal_trampoline)
{
	open_code();
	const struct cfi_rule *rule = rule_at("trampoline_ret");
	ck_assert_int_eq(rule->kind, CFI_RULE_OK);
	ck_assert(rule->signal_frame);
	ck_assert(rule->cfa_is_expression);
	ck_assert_int_eq(rule->registers[REGISTER_RIP].how, CFI_AT_EXPRESSION);
	ck_assert_int_eq(rule->registers[REGISTER_RSP].how, CFI_AT_EXPRESSION);
	ck_assert_int_eq(rule->registers[REGISTER_RBX].how, CFI_AT_EXPRESSION);
}
END_TEST

START_TEST(no_information)
{
	open_code();
	const struct cfi_rule *rule = rule_at("nocfi_at");
	ck_assert_int_eq(rule->kind, CFI_RULE_NONE);
	ck_assert_int_eq(rule->module, 0);
	static const uint64_t outside[] = {0, 1, FAKE_CODE_BASE - 1, 0x1234, UINT64_MAX};
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		rule = cfi_rule_for(&cfi, outside[i]);
		ck_assert_ptr_nonnull(rule);
		ck_assert_int_eq(rule->kind, CFI_RULE_NONE);
		ck_assert_int_eq(rule->module, -1);
	}
}
END_TEST

START_TEST(missing_file)
{
	fake_map(&world.core, fake_code_file(), "/no/such/lib.so", FAKE_CODE_BASE, 0);
	open_cfi();
	const struct cfi_rule *rule = rule_at("framed_at");
	ck_assert_int_eq(rule->kind, CFI_RULE_NONE);
	ck_assert_int_eq(rule->module, 0);
}
END_TEST

/* Compiled once: the same address gives the same rule, also after the table has grown. */
START_TEST(rules_are_kept)
{
	open_code();
	const struct cfi_rule *first = rule_at("framed_at");
	uint32_t num = cfi.num_rules;
	ck_assert_ptr_eq(rule_at("framed_at"), first);
	ck_assert_uint_eq(cfi.num_rules, num);
	for (uint64_t i = 1; i < 20000; i++)
		cfi_rule_for(&cfi, i << 32 | 7);
	ck_assert_ptr_eq(rule_at("framed_at"), first);
	expect_cfa(first, REGISTER_RBP, 16);
	num = cfi.num_rules;
	for (uint64_t i = 1; i < 20000; i++)
		ck_assert_int_eq(cfi_rule_for(&cfi, i << 32 | 7)->module, -1);
	ck_assert_uint_eq(cfi.num_rules, num);
}
END_TEST

/* Two copies of a library have rules of their own, by their own bias. */
START_TEST(two_modules)
{
	fake_code_map(&world.core);
	fake_map(&world.core, fake_code_file(), fake_code_file(), FAKE_CODE_BASE + 0x100000, 0);
	open_cfi();
	const struct cfi_rule *first = rule_at("framed_at");
	const struct cfi_rule *second = cfi_rule_for(&cfi, fake_code("framed_at") + 0x100000);
	expect_cfa(first, REGISTER_RBP, 16);
	expect_cfa(second, REGISTER_RBP, 16);
	ck_assert_int_eq(first->module, 0);
	ck_assert_int_eq(second->module, 1);
}
END_TEST

/* Maps a library made of this code; its label "here" is where the rule is asked. */
static const struct cfi_rule *rule_of(const char *name, const char *commands)
{
	char *path = fake_scratch_path(name);
	fake_shell("cd \"$(dirname '%s')\" && { %s; }", path, commands);
	fake_map(&world.core, path, path, FAKE_CODE_BASE, 0);
	open_cfi();
	uint64_t addr = FAKE_CODE_BASE + fake_symbol(path, "here");
	free(path);
	return cfi_rule_for(&cfi, addr);
}

#define COMPILE(source, name)                                                                      \
	"printf '" source "' | gcc -x assembler -shared -nostdlib -Wl,--build-id=sha1 -o " name " -"
#define BODY ".cfi_startproc\\nsub $56,%%rsp\\n.cfi_def_cfa_offset 64\\nhere: nop\\n.cfi_endproc\\n"

START_TEST(debug_frame_section)
{
	const struct cfi_rule *rule = rule_of(
		"dbgframe.so", COMPILE(".cfi_sections .debug_frame\\n" BODY, "dbgframe.so"));
	expect_cfa(rule, REGISTER_RSP, 64);
}
END_TEST

START_TEST(compressed_debug_frame)
{
	const struct cfi_rule *rule =
		rule_of("dbgz.so",
			COMPILE(".cfi_sections .debug_frame\\n" BODY,
				"dbgz.so") " && "
					   "objcopy --compress-debug-sections=zlib-gabi dbgz.so");
	expect_cfa(rule, REGISTER_RSP, 64);
}
END_TEST

START_TEST(separate_debug_file)
{
	const struct cfi_rule *rule =
		rule_of("sep.so", COMPILE(".cfi_sections .debug_frame\\n" BODY,
					  "sep.so") " && "
						    "objcopy --only-keep-debug sep.so sep.debug && "
						    "objcopy --remove-section=.debug_frame "
						    "--add-gnu-debuglink=sep.debug sep.so");
	expect_cfa(rule, REGISTER_RSP, 64);
}
END_TEST

START_TEST(mini_debuginfo)
{
	const struct cfi_rule *rule = rule_of(
		"mini.so",
		COMPILE(".cfi_sections .debug_frame\\n" BODY,
			"mini.so") " && "
				   "objcopy --only-keep-debug mini.so mini && xz -f mini && "
				   "objcopy --remove-section=.debug_frame "
				   "--add-section=.gnu_debugdata=mini.xz mini.so");
	expect_cfa(rule, REGISTER_RSP, 64);
}
END_TEST

/* The dumped core has the headers; the file has damaged tables. Whatever comes, no crash, no hang:
 * each byte of .eh_frame and .eh_frame_hdr is overwritten in turn. */
START_TEST(damaged_tables)
{
	char *path = fake_scratch_path("damaged.so");
	fake_shell("cp '%s' '%s'", fake_code_file(), path);
	uint64_t addr = fake_code("by_rbx_at");
	FILE *stream = fopen(path, "r+e");
	fseek(stream, 0, SEEK_END);
	long size = ftell(stream);
	unsigned char *bytes = malloc((size_t)size);
	rewind(stream);
	ck_assert_uint_eq(fread(bytes, 1, (size_t)size, stream), (size_t)size);
	fclose(stream);
	const Elf64_Ehdr *elf = (void *)bytes;
	const Elf64_Phdr *headers = (void *)(bytes + elf->e_phoff);
	uint64_t low = 0;
	for (int i = 0; i < elf->e_phnum; i++)
		if (headers[i].p_type == PT_GNU_EH_FRAME)
			low = headers[i].p_offset;
	ck_assert_uint_gt(low, 0);
	fake_map(&world.core, path, path, FAKE_CODE_BASE, 0);
	for (uint64_t off = low + (uint64_t)_i; off < low + 1200 && off < (uint64_t)size;
	     off += 4) {
		static const unsigned char values[] = {0, 0xff, 0x80, 0x7f};
		stream = fopen(path, "r+e");
		fseek(stream, (long)off, SEEK_SET);
		fputc(values[off / 4 % 4], stream);
		fclose(stream);
		struct fake_world once;
		fake_world_init(&once);
		fake_map(&once.core, path, path, FAKE_CODE_BASE, 0);
		fake_world_open_image(&once);
		struct cfi tables;
		cfi_init(&tables, &once.arena, &once.gaps, &once.modules, &once.files);
		ck_assert_ptr_nonnull(cfi_rule_for(&tables, addr));
		ck_assert_ptr_nonnull(cfi_rule_for(&tables, FAKE_CODE_BASE + 0x1001));
		cfi_deinit(&tables);
		fake_world_deinit(&once);
		stream = fopen(path, "r+e");
		fseek(stream, (long)off, SEEK_SET);
		fputc(bytes[off], stream);
		fclose(stream);
	}
	open_cfi();
	expect_cfa(cfi_rule_for(&cfi, addr), REGISTER_RBX, 16);
	free(bytes);
	free(path);
}
END_TEST

START_TEST(vdso)
{
	Elf64_auxv_t auxv[] = {{AT_SYSINFO_EHDR, {0x7ffff7fc0000}}};
	fake_auxv(&world.core, auxv, 1);
	FILE *stream = fopen(fake_code_file(), "re");
	static char bytes[100000];
	size_t size = fread(bytes, 1, sizeof(bytes), stream);
	fclose(stream);
	fake_segment(&world.core, 0x7ffff7fc0000, bytes, size, 0x20000, PF_R | PF_X);
	open_cfi();
	uint64_t addr = 0x7ffff7fc0000 + fake_code("framed_at") - FAKE_CODE_BASE;
	expect_cfa(cfi_rule_for(&cfi, addr), REGISTER_RBP, 16);
}
END_TEST

Suite *cfi_suite(void)
{
	Suite *suite = suite_create("cfi");
	TCase *tests = tcase_create("cfi");
	tcase_add_unchecked_fixture(tests, fake_code_setup, fake_code_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, rule_by_address);
	tcase_add_test(tests, other_ways_to_save);
	tcase_add_test(tests, signal_trampoline);
	tcase_add_test(tests, no_information);
	tcase_add_test(tests, missing_file);
	tcase_add_test(tests, rules_are_kept);
	tcase_add_test(tests, two_modules);
	tcase_add_test(tests, debug_frame_section);
	tcase_add_test(tests, compressed_debug_frame);
	tcase_add_test(tests, separate_debug_file);
	tcase_add_test(tests, mini_debuginfo);
	tcase_add_loop_test(tests, damaged_tables, 0, 4);
	tcase_add_test(tests, vdso);
	suite_add_tcase(suite, tests);
	return suite;
}
