#include "proof/native_filter.h"

enum { KNOWN = 40 }; /* bits of an address below the sixth byte */

/* The sixth and all upper bytes of the addresses of all ranges, each value once. False: they are
 * too many. */
static bool collect(const struct range *ranges, uint32_t num, uint64_t values[NATIVE_FILTER_MAX],
		    uint32_t *num_ret)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < num; i++) {
		if (ranges[i].low >= ranges[i].high)
			continue;
		uint64_t first = ranges[i].low >> KNOWN, last = (ranges[i].high - 1) >> KNOWN;
		for (uint64_t value = first; value <= last; value++) {
			uint32_t at = 0;
			while (at < found && values[at] != value)
				at++;
			if (at == NATIVE_FILTER_MAX)
				return false;
			values[at] = value;
			found += at == found;
		}
	}
	*num_ret = found;
	return true;
}

static uint64_t turn_left(uint64_t word, uint32_t shift)
{
	return shift != 0 ? word << shift | word >> (64 - shift) : word;
}

void native_filter_init(struct native_filter *filter, const struct range *ranges, uint32_t num,
			bool every_byte, uint64_t guard, uint32_t shift)
{
	uint64_t values[NATIVE_FILTER_MAX] = {0};
	*filter = (struct native_filter){.every_byte = every_byte};
	for (uint32_t i = 0; i < NATIVE_FILTER_SIZE; i += 8) {
		filter->aligned[i] = UINT8_MAX;
		/* With a counter below it, as a tag is above it. */
		if (every_byte)
			filter->aligned[i + NATIVE_FILTER_COUNTER] = UINT8_MAX;
	}
	filter->useless = !collect(ranges, num, values, &filter->num_values);
	for (; filter->num_values < 2; filter->num_values++)
		values[filter->num_values] = values[0];
	uint64_t mask = turn_left(~((UINT64_C(1) << KNOWN) - 1), shift);
	filter->encoded_mask = (native_filter_halves)(native_filter_words){mask, mask};
	for (uint32_t i = 0; i < filter->num_values; i++) {
		uint64_t word = turn_left(values[i] << KNOWN ^ guard, shift) & mask;
		filter->encoded[i] = (native_filter_halves)(native_filter_words){word, word};
		for (uint32_t k = 0; k < NATIVE_FILTER_SIZE; k++)
			filter->sixth[i][k] = (uint8_t)values[i];
	}
}
