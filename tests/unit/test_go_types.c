/* Names of types, as reflect writes them: a byte of flags, the length as a varint, the bytes. */
#include "fake_world.h"
#include "task/go_types.h"

#include <check.h>
#include <string.h>

Suite *go_types_suite(void);

enum { SIZE = 0x2000, NAMES = 0x1000, TYPES_WORD = 37, ETYPES_WORD = 39 };
#define BASE UINT64_C(0x500000)

static struct fake_world world;
static struct go_runtime runtime;
static struct go_module module;
static struct go_types types;
static unsigned char memory[SIZE];
static uint64_t next_type, next_name;

static void setup(void)
{
	fake_world_init(&world);
	memset(memory, 0, sizeof(memory));
	next_type = 64;
	next_name = NAMES;
	memset(&runtime, 0, sizeof(runtime));
	memset(&module, 0, sizeof(module));
	/* moduledata.types and etypes of 1.27 */
	runtime.layout.module_types = TYPES_WORD * 8;
	runtime.layout.module_etypes = ETYPES_WORD * 8;
	module.words[TYPES_WORD] = BASE;
	module.words[ETYPES_WORD] = BASE + SIZE;
	runtime.tables.modules.items = &module;
	runtime.tables.modules.num = 1;
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

/* A type with TFlagExtraStar or without, whose name is at off. */
static uint64_t type_at(int32_t off, bool star)
{
	uint64_t addr = BASE + next_type;
	memory[next_type + 20] = star ? 2 : 0;
	memcpy(memory + next_type + 40, &off, sizeof(off));
	next_type += 64;
	ck_assert_uint_le(next_type, NAMES);
	return addr;
}

static uint64_t type(const char *name, bool star)
{
	size_t size = strlen(name), head = 2;
	int32_t off = (int32_t)next_name;
	memory[next_name + 1] = (unsigned char)(size & 127);
	if (size > 127) {
		memory[next_name + 1] |= 128;
		memory[next_name + 2] = (unsigned char)(size >> 7);
		head = 3;
	}
	memcpy(memory + next_name + head, name, size);
	next_name += head + size;
	ck_assert_uint_le(next_name, SIZE);
	return type_at(off, star);
}

static void open_types(void)
{
	fake_segment(&world.core, BASE, memory, SIZE, SIZE, PF_R);
	fake_world_open_image(&world);
	go_types_init(&types, &world.arena, world.image, &runtime);
}

START_TEST(names)
{
	uint64_t plain = type("main.message", false), star = type("*main.message", true);
	uint64_t pointer = type("*main.message", false), channel = type("chan int", false);
	uint64_t only_star = type("*", true), shape = type("go.shape.int", false);
	uint64_t old_shape = type("go.shape.string_0", false);
	uint64_t own_number = type("go.shape.uint8", false);
	uint64_t any_pointer = type("go.shape.*uint8", false);
	open_types();
	ck_assert_str_eq(go_types_name(&types, plain), "main.message");
	ck_assert_str_eq(go_types_name(&types, star), "main.message");
	ck_assert_str_eq(go_types_name(&types, pointer), "*main.message");
	ck_assert_str_eq(go_types_name(&types, channel), "chan int");
	ck_assert_str_eq(go_types_name(&types, only_star), "*");
	ck_assert_str_eq(go_types_name(&types, shape), "int");
	ck_assert_str_eq(go_types_name(&types, old_shape), "string");
	ck_assert_str_eq(go_types_name(&types, own_number), "uint8");
	/* Any pointer at all. */
	ck_assert_ptr_null(go_types_name(&types, any_pointer));
	/* Each is read once. */
	ck_assert_ptr_eq(go_types_name(&types, plain), go_types_name(&types, plain));
}
END_TEST

/* 127 bytes have a length of one byte, 128 and more of two; at most 512 are taken. */
START_TEST(long_names)
{
	static const size_t sizes[] = {1, 127, 128, 300, 512, 513};
	uint64_t made[6];
	char text[600];
	for (size_t i = 0; i < 6; i++) {
		memset(text, 'a' + (int)i, sizes[i]);
		text[sizes[i]] = '\0';
		made[i] = type(text, false);
	}
	open_types();
	for (size_t i = 0; i < 6; i++) {
		const char *name = go_types_name(&types, made[i]);
		ck_assert_msg((name == NULL) == (sizes[i] > 512), "%zu", sizes[i]);
		if (name == NULL)
			continue;
		ck_assert_uint_eq(strlen(name), sizes[i]);
		ck_assert(name[0] == 'a' + (int)i && name[sizes[i] - 1] == name[0]);
	}
}
END_TEST

START_TEST(no_names)
{
	uint64_t empty = type("", false), control = type("a\nb", false),
		 escape = type("\x7f", false);
	uint64_t nowhere = type_at(0, false), before = type_at(-8, false);
	uint64_t beyond = type_at(0x100000, false), last = type_at(SIZE - 2, false);
	uint64_t endless = type_at(SIZE - 16, false), cut = type_at(SIZE - 32, false);
	memory[SIZE - 15] = memory[SIZE - 14] = 255;
	memory[SIZE - 31] = 100;
	memset(memory + SIZE - 30, 'x', 14);
	uint64_t type_that_is_cut = BASE + SIZE - 40;
	open_types();
	for (size_t i = 0; i < 10; i++)
		ck_assert_msg(
			go_types_name(&types, (const uint64_t[]){empty, control, escape, nowhere,
								 before, beyond, last, endless, cut,
								 type_that_is_cut}[i]) == NULL,
			"row %zu", i);
	ck_assert_ptr_null(go_types_name(&types, 0));
	ck_assert_ptr_null(go_types_name(&types, empty + 4));
	/* Of no module. */
	ck_assert_ptr_null(go_types_name(&types, BASE + SIZE));
	ck_assert_ptr_null(go_types_name(&types, UINT64_C(0xc000000000)));
}
END_TEST

/* A module that does not say where its types are has none. */
START_TEST(no_types_at_all)
{
	uint64_t plain = type("main.message", false);
	module.words[TYPES_WORD] = 0;
	open_types();
	ck_assert_ptr_null(go_types_name(&types, plain));
}
END_TEST

/* An interface without methods leads to the type itself, another to a table whose second word is
 * the type. */
START_TEST(interfaces)
{
	uint64_t plain = type("main.message", false), table = NAMES + 0x800, no_table = SIZE - 8;
	memcpy(memory + table + 8, &plain, sizeof(plain));
	open_types();
	ck_assert_str_eq(go_types_dynamic(&types, plain, false), "main.message");
	ck_assert_str_eq(go_types_dynamic(&types, BASE + table, true), "main.message");
	ck_assert_ptr_null(go_types_dynamic(&types, 0, true));
	ck_assert_ptr_null(go_types_dynamic(&types, 0, false));
	ck_assert_ptr_null(go_types_dynamic(&types, BASE + no_table, true));
}
END_TEST

Suite *go_types_suite(void)
{
	Suite *suite = suite_create("go_types");
	TCase *tests = tcase_create("go_types");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, names);
	tcase_add_test(tests, long_names);
	tcase_add_test(tests, no_names);
	tcase_add_test(tests, no_types_at_all);
	tcase_add_test(tests, interfaces);
	suite_add_tcase(suite, tests);
	return suite;
}
