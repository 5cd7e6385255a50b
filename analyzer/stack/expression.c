#include "stack/expression.h"

#include <dwarf.h>

enum { STACK_DEPTH = 64, MAX_STEPS = 1000 };

struct machine {
	uint64_t values[STACK_DEPTH];
	uint32_t depth;
	const struct registers *registers;
	struct image *image;
};

static bool machine_push(struct machine *machine, uint64_t value)
{
	if (machine->depth >= STACK_DEPTH)
		return false;
	machine->values[machine->depth++] = value;
	return true;
}

static bool machine_push_register(struct machine *machine, uint64_t number, uint64_t offset)
{
	if (number >= NUM_REGISTERS || (machine->registers->known >> number & 1) == 0)
		return false;
	return machine_push(machine, machine->registers->values[number] + offset);
}

static bool machine_binary(struct machine *machine, uint8_t atom)
{
	if (machine->depth < 2)
		return false;
	uint64_t y = machine->values[--machine->depth];
	uint64_t *top = &machine->values[machine->depth - 1];
	uint64_t x = *top;
	switch (atom) {
	case DW_OP_plus:
		*top = x + y;
		return true;
	case DW_OP_minus:
		*top = x - y;
		return true;
	case DW_OP_mul:
		*top = x * y;
		return true;
	case DW_OP_and:
		*top = x & y;
		return true;
	case DW_OP_or:
		*top = x | y;
		return true;
	case DW_OP_xor:
		*top = x ^ y;
		return true;
	case DW_OP_shl:
		*top = y < 64 ? x << y : 0;
		return true;
	case DW_OP_shr:
		*top = y < 64 ? x >> y : 0;
		return true;
	case DW_OP_shra:
		*top = (uint64_t)((int64_t)x >> (y < 64 ? y : 63));
		return true;
	case DW_OP_eq:
		*top = x == y;
		return true;
	case DW_OP_ne:
		*top = x != y;
		return true;
	case DW_OP_lt:
		*top = (int64_t)x < (int64_t)y;
		return true;
	case DW_OP_le:
		*top = (int64_t)x <= (int64_t)y;
		return true;
	case DW_OP_gt:
		*top = (int64_t)x > (int64_t)y;
		return true;
	case DW_OP_ge:
		*top = (int64_t)x >= (int64_t)y;
		return true;
	default:
		return false;
	}
}

static bool machine_deref(struct machine *machine, uint64_t size)
{
	uint64_t value = 0;
	if (machine->depth < 1 || size == 0 || size > sizeof(value))
		return false;
	uint64_t *top = &machine->values[machine->depth - 1];
	if (image_read(machine->image, *top, &value, size) != size)
		return false;
	*top = value;
	return true;
}

/* Operations on the stack alone. */
static bool machine_stack(struct machine *machine, const Dwarf_Op *op)
{
	uint64_t *values = machine->values, swap;
	uint32_t depth = machine->depth;
	switch (op->atom) {
	case DW_OP_nop:
		return true;
	case DW_OP_dup:
		return depth >= 1 && machine_push(machine, values[depth - 1]);
	case DW_OP_over:
		return depth >= 2 && machine_push(machine, values[depth - 2]);
	case DW_OP_pick:
		return op->number < depth && machine_push(machine, values[depth - 1 - op->number]);
	case DW_OP_drop:
		machine->depth -= depth > 0;
		return depth > 0;
	case DW_OP_swap:
		if (depth < 2)
			return false;
		swap = values[depth - 1];
		values[depth - 1] = values[depth - 2];
		values[depth - 2] = swap;
		return true;
	case DW_OP_neg:
		if (depth > 0)
			values[depth - 1] = -values[depth - 1];
		return depth > 0;
	case DW_OP_not:
		if (depth > 0)
			values[depth - 1] = ~values[depth - 1];
		return depth > 0;
	case DW_OP_plus_uconst:
		if (depth > 0)
			values[depth - 1] += op->number;
		return depth > 0;
	default:
		return machine_binary(machine, op->atom);
	}
}

static bool machine_step(struct machine *machine, const Dwarf_Op *op)
{
	uint8_t atom = op->atom;
	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		return machine_push(machine, (uint64_t)atom - DW_OP_lit0);
	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		return machine_push_register(machine, (uint64_t)atom - DW_OP_breg0, op->number);
	switch (atom) {
	case DW_OP_bregx:
		return machine_push_register(machine, op->number, op->number2);
	case DW_OP_addr:
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return machine_push(machine, op->number);
	case DW_OP_deref:
		return machine_deref(machine, sizeof(uint64_t));
	case DW_OP_deref_size:
		return machine_deref(machine, op->number);
	default:
		return machine_stack(machine, op);
	}
}

/* Index of the operation a jump leads to; num when it leaves the expression. */
static uint32_t jump_target(const struct cfi_expression *expression, uint32_t from)
{
	/* A jump counts from the end of its own 3 bytes. */
	uint64_t off =
		expression->ops[from].offset + 3 + (uint64_t)(int16_t)expression->ops[from].number;
	for (uint32_t i = 0; i < expression->num; i++)
		if (expression->ops[i].offset == off)
			return i;
	return expression->num;
}

bool expression_evaluate(const struct cfi_expression *expression, const struct registers *registers,
			 struct image *image, const uint64_t *cfa, uint64_t *ret)
{
	struct machine machine = {.registers = registers, .image = image};
	uint32_t at = 0;
	if (cfa != NULL)
		machine_push(&machine, *cfa);
	for (uint32_t steps = 0; at < expression->num; steps++) {
		const Dwarf_Op *op = &expression->ops[at++];
		if (steps == MAX_STEPS)
			return false;
		if (op->atom == DW_OP_skip) {
			at = jump_target(expression, at - 1);
		} else if (op->atom == DW_OP_bra) {
			if (machine.depth == 0)
				return false;
			if (machine.values[--machine.depth] != 0)
				at = jump_target(expression, at - 1);
		} else if (op->atom == DW_OP_call_frame_cfa && cfa != NULL) {
			if (!machine_push(&machine, *cfa))
				return false;
		} else if (!machine_step(&machine, op)) {
			return false;
		}
	}
	if (machine.depth == 0)
		return false;
	*ret = machine.values[machine.depth - 1];
	return true;
}
