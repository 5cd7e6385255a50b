#include "stack/dwarf_names.h"

#include "base/text.h"

#include <dwarf.h>
#include <string.h>

/* Of functions in functions, of abstract origins, of scopes in scopes. */
enum { MAX_NESTING = 64 };

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) == NULL &&
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute) == NULL)
		return NULL;
	const char *name = dwarf_formstring(&attribute);
	return name != NULL && name[0] != '\0' ? name : NULL;
}

static bool unit_is_cplusplus(Dwarf_Die *die)
{
	Dwarf_Die unit;
	if (dwarf_diecu(die, &unit, NULL, NULL) == NULL)
		return false;
	switch (dwarf_srclang(&unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
		return true;
	default:
		return false;
	}
}

/* The declaration that stands where the source declares it: origin of inlined code, then the
 * member of its class. */
static void find_declaration(Dwarf_Die *die)
{
	static const unsigned links[] = {DW_AT_abstract_origin, DW_AT_specification};
	for (int i = 0; i < MAX_NESTING; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die next;
		bool moved = false;
		for (size_t link = 0; link < sizeof(links) / sizeof(links[0]) && !moved; link++)
			moved = dwarf_attr(die, links[link], &attribute) != NULL &&
				dwarf_formref_die(&attribute, &next) != NULL;
		if (!moved)
			return;
		*die = next;
	}
}

/* The scopes of the DIE at off, outermost first, without the unit itself. DIEs stand in the order
 * of their offsets, so each level is left at the last one before off. */
static int scopes_of(struct dwarf_names *names, Dwarf_Die *die, Dwarf_Die scopes[MAX_NESTING])
{
	int num = 0;
	Dwarf_Off off = dwarf_dieoffset(die);
	Dwarf_Die parent;
	if (dwarf_diecu(die, &parent, NULL, NULL) == NULL)
		return 0;
	for (;;) {
		Dwarf_Die child, next;
		if (dwarf_child(&parent, &child) != 0 || dwarf_dieoffset(&child) > off)
			break;
		for (;;) {
			Dwarf_Off here = dwarf_dieoffset(&child);
			int result = dwarf_siblingof(&child, &next);
			if (result < 0 || (result == 0 && dwarf_dieoffset(&next) <= here)) {
				names->damaged = true;
				return 0;
			}
			if (result != 0 || dwarf_dieoffset(&next) > off)
				break;
			child = next;
		}
		if (dwarf_dieoffset(&child) == off)
			return num;
		if (num == MAX_NESTING)
			break;
		scopes[num++] = child;
		parent = child;
	}
	names->damaged = true;
	return 0;
}

static void add_scope(struct text *text, const char *name)
{
	if (text->size > 0)
		text_add(text, "::");
	text_add(text, name);
}

static struct dwarf_name scoped_name(struct dwarf_names *names, Dwarf_Die *function, int depth);

/* The text a scope adds; a function among the scopes brings its own scopes along. */
static void add_scope_of_die(struct dwarf_names *names, struct text *text, Dwarf_Die *scope,
			     int depth)
{
	const char *name = dwarf_diename(scope);
	struct dwarf_name function;
	switch (dwarf_tag(scope)) {
	case DW_TAG_namespace:
		add_scope(text, name != NULL ? name : "(anonymous namespace)");
		break;
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		add_scope(text, name != NULL ? name : "(anonymous class)");
		break;
	case DW_TAG_subprogram:
		function = scoped_name(names, scope, depth + 1);
		text_clear(text);
		if (function.text != NULL)
			add_scope(text, function.text);
		break;
	default:
		break;
	}
}

static struct dwarf_name scoped_name(struct dwarf_names *names, Dwarf_Die *function, int depth)
{
	Dwarf_Die scopes[MAX_NESTING];
	struct text text;
	const char *name = linkage_name(function);
	if (name != NULL) {
		name = demangle(names->demangler, name, strlen(name));
		return (struct dwarf_name){intern_copy(names->texts, name), DWARF_NAME_LINKAGE};
	}
	name = dwarf_diename(function);
	if (name == NULL || name[0] == '\0')
		return (struct dwarf_name){0};
	if (strnlen(name, DEMANGLE_MAX_SIZE + 1) > DEMANGLE_MAX_SIZE)
		name = arena_copy_bytes(names->texts->arena, name, DEMANGLE_MAX_SIZE);
	if (depth > 4 || !unit_is_cplusplus(function))
		return (struct dwarf_name){intern_copy(names->texts, name), DWARF_NAME_SOURCE};
	text_init(&text, names->texts->arena);
	Dwarf_Die declaration = *function;
	find_declaration(&declaration);
	int num = scopes_of(names, &declaration, scopes);
	for (int i = 0; i < num; i++)
		add_scope_of_die(names, &text, &scopes[i], depth);
	add_scope(&text, name);
	if (text.size > DEMANGLE_MAX_SIZE)
		text.bytes[DEMANGLE_MAX_SIZE] = '\0';
	return (struct dwarf_name){intern_copy(names->texts, text.bytes), DWARF_NAME_SCOPED};
}

struct dwarf_name dwarf_name_of(struct dwarf_names *names, Dwarf_Die *function)
{
	return scoped_name(names, function, 0);
}

bool dwarf_name_plainer(Dwarf_Die *a, Dwarf_Die *b)
{
	const char *x = dwarf_diename(a), *y = dwarf_diename(b);
	if (x == NULL || y == NULL)
		return x != NULL;
	size_t x_underscores = strspn(x, "_"), y_underscores = strspn(y, "_");
	if (x_underscores != y_underscores)
		return x_underscores < y_underscores;
	size_t x_size = strlen(x), y_size = strlen(y);
	return x_size != y_size ? x_size < y_size : strcmp(x, y) < 0;
}
