#include "stack/dwarf_lines.h"

#include "stack/dwarf_units.h"

#include <dwarf.h>
#include <stdlib.h>

enum { MAX_DEPTH = 256 };

/* The function around an address. */
struct owner {
	Dwarf_Die die;
	struct range range; /* the part of it that holds the address; {0, 0}: not found */
};

/* A compilation unit and those of the addresses that lie in it. */
struct unit {
	struct dwarf_session *session;
	Dwarf_Die die;	       /* root of the functions: the split unit's when there is one */
	Dwarf_Die line_die;    /* has the line table */
	const char *folder;    /* where the compiler ran; NULL unknown */
	const uint64_t *addrs; /* ascending */
	uint32_t num;
	struct owner *owners; /* parallel */
	uint64_t budget;      /* DIEs that may still be visited */
};

/* Code inlined at an address, outermost first. */
struct chain {
	struct owner owner;
	Dwarf_Die inlined[MAX_DEPTH];
	uint32_t num;
};

/* Moves to the next sibling. DIEs must move forward in the file, or hostile ones never end. */
static bool die_next(struct unit *unit, Dwarf_Die *die)
{
	Dwarf_Die next;
	int result = dwarf_siblingof(die, &next);
	if (result == 0 && unit->budget > 0 && dwarf_dieoffset(&next) > dwarf_dieoffset(die)) {
		unit->budget--;
		*die = next;
		return true;
	}
	if (result <= 0) {
		unit->budget = 0;
		dwarf_session_damaged(unit->session);
	}
	return false;
}

static bool die_child(struct unit *unit, Dwarf_Die *die, Dwarf_Die *ret)
{
	int result = dwarf_child(die, ret);
	if (result < 0)
		dwarf_session_damaged(unit->session);
	return result == 0 && unit->budget > 0;
}

/* The function with the smallest part around an address wins. */
static void unit_claim(struct unit *unit, Dwarf_Die *function)
{
	struct range range;
	Dwarf_Addr base;
	for (ptrdiff_t off = 0;
	     dwarf_session_next_range(unit->session, function, &off, &base, &range);) {
		uint32_t i = dwarf_units_lower_bound(unit->addrs, unit->num, range.low);
		for (; i < unit->num && unit->addrs[i] < range.high; i++) {
			struct owner *owner = &unit->owners[i];
			uint64_t old = owner->range.high - owner->range.low;
			uint64_t size = range.high - range.low;
			if (old == 0 || size < old ||
			    (size == old && dwarf_name_plainer(function, &owner->die)))
				*owner = (struct owner){*function, range};
		}
	}
}

/* Functions stand at the top of the unit and in namespaces; deep looks into everything else. */
static void unit_find_owners(struct unit *unit, Dwarf_Die *parent, bool deep, int depth)
{
	Dwarf_Die die;
	if (depth > MAX_DEPTH || !die_child(unit, parent, &die))
		return;
	do {
		int tag = dwarf_tag(&die);
		if (tag == DW_TAG_subprogram)
			unit_claim(unit, &die);
		if (deep || tag == DW_TAG_namespace || tag == DW_TAG_module)
			unit_find_owners(unit, &die, deep, depth + 1);
	} while (die_next(unit, &die));
}

static bool unit_all_owned(const struct unit *unit)
{
	for (uint32_t i = 0; i < unit->num; i++)
		if (unit->owners[i].range.high == 0)
			return false;
	return true;
}

/* Goes down from parent to the innermost code that holds addr. */
static bool find_inlined(struct unit *unit, uint64_t addr, Dwarf_Die *parent, struct chain *chain,
			 int depth)
{
	Dwarf_Die die;
	struct range range;
	if (depth > MAX_DEPTH || !die_child(unit, parent, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);
		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block &&
		    tag != DW_TAG_subprogram && tag != DW_TAG_try_block &&
		    tag != DW_TAG_catch_block && tag != DW_TAG_common_block)
			continue;
		if (!dwarf_session_covers(unit->session, &die, addr, &range)) {
			/* Old GCC wraps code in blocks that have no addresses themselves. */
			if (tag == DW_TAG_lexical_block && !dwarf_hasattr(&die, DW_AT_low_pc) &&
			    !dwarf_hasattr(&die, DW_AT_ranges) &&
			    find_inlined(unit, addr, &die, chain, depth + 1))
				return true;
			continue;
		}
		/* A function written inside another one is a function of its own. */
		if (tag == DW_TAG_subprogram) {
			chain->owner = (struct owner){die, range};
			chain->num = 0;
		} else if (tag == DW_TAG_inlined_subroutine && chain->num < MAX_DEPTH) {
			chain->inlined[chain->num++] = die;
		}
		find_inlined(unit, addr, &die, chain, depth + 1);
		return true;
	} while (die_next(unit, &die));
	return false;
}

static bool line_usable(Dwarf_Line *line)
{
	bool end;
	return line != NULL && dwarf_lineendsequence(line, &end) == 0 && !end;
}

static int line_number(Dwarf_Line *line)
{
	int number = 0;
	return dwarf_lineno(line, &number) == 0 && number > 0 ? number : 0;
}

/* Index of the last row at or before addr; num: none. */
static size_t find_row(Dwarf_Lines *lines, size_t num, uint64_t addr)
{
	size_t low = 0, high = num;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		Dwarf_Addr here;
		if (dwarf_lineaddr(dwarf_onesrcline(lines, middle), &here) != 0)
			return num;
		if (here <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? low - 1 : num;
}

/* Compilers give line 0 to code that comes from no line or from several. The row before it then
 * tells the place as long as the file is the same. */
static size_t skip_line_zero(Dwarf_Lines *lines, size_t row)
{
	const char *file = dwarf_linesrc(dwarf_onesrcline(lines, row), NULL, NULL);
	for (size_t i = row; file != NULL; i--) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i);
		if (!line_usable(line) || dwarf_linesrc(line, NULL, NULL) != file)
			break;
		if (line_number(line) != 0)
			return i;
		if (i == 0)
			break;
	}
	return row;
}

/* The row of the line table that addr belongs to; NULL none. */
static Dwarf_Line *find_line(Dwarf_Lines *lines, size_t num, uint64_t addr)
{
	Dwarf_Addr here, other;
	size_t row = find_row(lines, num, addr);
	if (row == num || !line_usable(dwarf_onesrcline(lines, row)))
		return NULL;
	row = skip_line_zero(lines, row);
	Dwarf_Line *best = dwarf_onesrcline(lines, row);
	if (dwarf_lineaddr(best, &here) != 0)
		return NULL;
	/* Of several rows for one address the last counts, but one that begins a statement says
	 * more than one that does not: as GDB 13 has it. */
	for (size_t i = row + 1; i > 0; i--) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i - 1);
		bool statement;
		if (!line_usable(line) || dwarf_lineaddr(line, &other) != 0 || other != here ||
		    line_number(line) == 0)
			break;
		if (dwarf_linebeginstatement(line, &statement) == 0 && statement)
			return line;
	}
	return best;
}

/* As the source was named to the compiler: without the folder that libdw puts in front. */
static const char *unit_file_name(struct unit *unit, struct intern *texts, const char *path)
{
	size_t length = unit->folder != NULL ? strlen(unit->folder) : 0;
	if (path == NULL || path[0] == '\0')
		return NULL;
	if (length > 0 && path[0] == '/' && strncmp(path, unit->folder, length) == 0 &&
	    path[length] == '/' && path[length + 1] != '\0')
		path += length + 1;
	if (strnlen(path, DEMANGLE_MAX_SIZE + 1) > DEMANGLE_MAX_SIZE)
		path = arena_copy_bytes(texts->arena, path, DEMANGLE_MAX_SIZE);
	return intern_copy(texts, path);
}

static void unit_set_line(struct unit *unit, struct intern *texts, Dwarf_Lines *lines,
			  size_t num_lines, uint64_t addr, struct dwarf_frame *frame)
{
	Dwarf_Line *line = find_line(lines, num_lines, addr);
	if (line == NULL || line_number(line) == 0)
		return;
	frame->line = (uint32_t)line_number(line);
	frame->file = unit_file_name(unit, texts, dwarf_linesrc(line, NULL, NULL));
}

/* Where the code of die, inlined, was called from. */
static void unit_set_call(struct unit *unit, struct intern *texts, Dwarf_Die *die,
			  struct dwarf_frame *frame)
{
	Dwarf_Attribute attribute;
	Dwarf_Word line = 0, file = 0;
	Dwarf_Files *files;
	size_t num_files;
	if (dwarf_attr(die, DW_AT_call_line, &attribute) == NULL ||
	    dwarf_formudata(&attribute, &line) != 0 || line == 0 || line > UINT32_MAX)
		return;
	frame->line = (uint32_t)line;
	if (dwarf_attr(die, DW_AT_call_file, &attribute) != NULL &&
	    dwarf_formudata(&attribute, &file) == 0 &&
	    dwarf_getsrcfiles(&unit->die, &files, &num_files) == 0 && file < num_files)
		frame->file = unit_file_name(unit, texts, dwarf_filesrc(files, file, NULL, NULL));
}

static void unit_emit(struct unit *unit, struct dwarf_names *names, Dwarf_Lines *lines,
		      size_t num_lines, uint32_t index, struct dwarf_hit *hit)
{
	uint64_t addr = unit->addrs[index];
	struct chain chain = {.owner = unit->owners[index]};
	bool owned = chain.owner.range.high != 0;
	if (owned)
		find_inlined(unit, addr, &chain.owner.die, &chain, 0);
	struct dwarf_frame *frames =
		arena_alloc_array(unit->session->arena, chain.num + 1, sizeof(*frames));
	unit_set_line(unit, names->texts, lines, num_lines, addr, &frames[0]);
	for (uint32_t i = 0; i < chain.num; i++) {
		Dwarf_Die *die = &chain.inlined[chain.num - 1 - i];
		frames[i].function = dwarf_name_of(names, die);
		unit_set_call(unit, names->texts, die, &frames[i + 1]);
	}
	if (owned) {
		frames[chain.num].function = dwarf_name_of(names, &chain.owner.die);
		frames[chain.num].low = chain.owner.range.low;
	}
	if (owned || frames[0].line != 0)
		*hit = (struct dwarf_hit){frames, chain.num + 1};
}

static bool unit_init(struct unit *unit, struct dwarf_session *session, Dwarf_Off off)
{
	Dwarf_Off next;
	size_t header_size;
	Dwarf_Attribute attribute;
	unit->session = session;
	if (dwarf_offdie(session->dwarf, off, &unit->line_die) == NULL)
		return false;
	unit->die = dwarf_session_whole_unit(session, &unit->line_die);
	/* No more DIEs than bytes, and each is seen at most by the search for owners, shallow and
	 * deep, and by the way down to each address. */
	Dwarf_Off start = dwarf_dieoffset(&unit->die) - dwarf_cuoffset(&unit->die);
	Dwarf *dwarf = dwarf_cu_getdwarf(unit->die.cu);
	if (dwarf_nextcu(dwarf, start, &next, &header_size, NULL, NULL, NULL) != 0 || next <= start)
		return false;
	unit->budget = (next - start) * (2 + (uint64_t)unit->num);
	if (dwarf_attr(&unit->line_die, DW_AT_comp_dir, &attribute) != NULL)
		unit->folder = dwarf_formstring(&attribute);
	return true;
}

/* hits: of the addresses of this unit, scattered among those of the module. */
static void unit_resolve(struct unit *unit, struct progress *progress, struct dwarf_names *names,
			 struct dwarf_hit *const *hits)
{
	Dwarf_Lines *lines = NULL;
	size_t num_lines = 0;
	unit->owners = arena_alloc_array(unit->session->arena, unit->num, sizeof(*unit->owners));
	unit_find_owners(unit, &unit->die, false, 0);
	if (!unit_all_owned(unit))
		unit_find_owners(unit, &unit->die, true, 0);
	if (dwarf_hasattr(&unit->line_die, DW_AT_stmt_list) &&
	    dwarf_getsrclines(&unit->line_die, &lines, &num_lines) != 0) {
		dwarf_session_damaged(unit->session);
		num_lines = 0;
	}
	for (uint32_t i = 0; i < unit->num; i++) {
		if (!progress_tick(progress, "symbols", i, unit->num))
			return;
		unit_emit(unit, names, lines, num_lines, i, hits[i]);
	}
	if (names->damaged)
		dwarf_session_damaged(unit->session);
}

/* An address of the module and where its result goes. */
struct request {
	Dwarf_Off unit_off;
	uint64_t addr;
	struct dwarf_hit *hit;
};

static int request_compare(const void *a, const void *b)
{
	const struct request *x = a, *y = b;
	if (x->unit_off != y->unit_off)
		return x->unit_off < y->unit_off ? -1 : 1;
	return (x->addr > y->addr) - (x->addr < y->addr);
}

static void resolve_units(struct dwarf_session *session, struct progress *progress,
			  struct dwarf_names *names, const struct request *requests, uint32_t num)
{
	uint64_t *addrs = arena_alloc_array(session->arena, num, sizeof(*addrs));
	struct dwarf_hit **hits =
		arena_alloc_array(session->arena, num, sizeof(struct dwarf_hit *));
	for (uint32_t i = 0; i < num; i++) {
		addrs[i] = requests[i].addr;
		hits[i] = requests[i].hit;
	}
	for (uint32_t first = 0, next; first < num; first = next) {
		Dwarf_Off off = requests[first].unit_off;
		for (next = first + 1; next < num && requests[next].unit_off == off;)
			next++;
		struct unit unit = {.addrs = addrs + first, .num = next - first};
		if (off == 0)
			continue;
		if (unit_init(&unit, session, off))
			unit_resolve(&unit, progress, names, hits + first);
		else
			dwarf_session_damaged(session);
	}
}

static void find_in_session(struct dwarf_session *session, struct progress *progress,
			    struct dwarf_names *names, const uint64_t *addrs, uint32_t num,
			    struct dwarf_hit *hits)
{
	Dwarf_Off *unit_offs = arena_alloc_array(session->arena, num, sizeof(*unit_offs));
	struct request *requests = arena_alloc_array(session->arena, num, sizeof(*requests));
	dwarf_units_find(session, progress, addrs, num, unit_offs);
	for (uint32_t i = 0; i < num; i++)
		requests[i] = (struct request){unit_offs[i], addrs[i], &hits[i]};
	qsort(requests, num, sizeof(*requests), request_compare);
	resolve_units(session, progress, names, requests, num);
}

void dwarf_lines_find(struct arena *arena, struct gaps *gaps, struct elf_files *files,
		      struct elf_file *file, struct progress *progress, struct intern *texts,
		      struct demangler *demangler, const uint64_t *addrs, uint32_t num,
		      struct dwarf_hit *hits)
{
	struct dwarf_session *session = arena_alloc(arena, sizeof(*session));
	struct dwarf_names names = {.texts = texts, .demangler = demangler};
	jmp_buf *outer = arena->trap, trap;
	/* When memory runs out, libdw's part is given back before the analysis ends. */
	if (setjmp(trap) != 0) {
		dwarf_session_close(session);
		arena->trap = outer;
		if (outer == NULL)
			abort();
		longjmp(*outer, 1);
	}
	arena->trap = &trap;
	if (dwarf_session_open(session, arena, gaps, files, file))
		find_in_session(session, progress, &names, addrs, num, hits);
	dwarf_session_close(session);
	arena->trap = outer;
}
