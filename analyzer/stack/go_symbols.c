#include "stack/go_symbols.h"

enum { MAX_INLINED = 64 };

bool go_symbols_add(struct symbols *symbols, struct arena *arena, struct image *image,
		    const struct go_tables *tables, uint64_t lookup, struct symbol *ret)
{
	struct go_function function;
	uint64_t pc = lookup;
	if (!go_tables_find(tables, lookup, &function))
		return false;
	struct symbol symbol = {.first = symbols->frames.num};
	for (uint32_t depth = 0; depth < MAX_INLINED; depth++) {
		int32_t number = go_function_pcdata(&function, GO_PCDATA_INLINE, pc);
		struct symbol_frame frame = {.inlined = true};
		struct go_inlined call;
		go_function_line(&function, pc, &frame.file, &frame.line);
		if (number < 0 || !go_function_inlined(&function, image, (uint32_t)number, &call)) {
			frame.inlined = false;
			frame.function = go_function_name(&function);
			frame.low = function.low;
			frame.wrapper =
				tables->wrapper_id != 0 && function.id == tables->wrapper_id;
		} else {
			frame.function = call.name;
			frame.wrapper = tables->wrapper_id != 0 && call.id == tables->wrapper_id;
			pc = call.parent_pc;
		}
		frame.origin = go_build_info_origin(&tables->build_info, frame.function);
		*array_add(arena, &symbols->frames) = frame;
		symbol.num++;
		if (!frame.inlined)
			break;
	}
	symbols->frames.items[symbols->frames.num - 1].inlined = false;
	*ret = symbol;
	return true;
}
