#include "report/protobuf.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, MAX_VARINT_SIZE = 10 };

void protobuf_packed(struct text *out, uint64_t value)
{
	unsigned char bytes[MAX_VARINT_SIZE];
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		bytes[size++] = (unsigned char)(value | 0x80);
	bytes[size++] = (unsigned char)value;
	text_add_bytes(out, bytes, size);
}

void protobuf_number(struct text *out, uint32_t field, uint64_t value)
{
	if (value == 0)
		return;
	protobuf_packed(out, (uint64_t)field << 3 | WIRE_VARINT);
	protobuf_packed(out, value);
}

void protobuf_bytes(struct text *out, uint32_t field, const void *bytes, size_t size)
{
	protobuf_packed(out, (uint64_t)field << 3 | WIRE_BYTES);
	protobuf_packed(out, size);
	text_add_bytes(out, bytes, size);
}

void protobuf_message(struct text *out, uint32_t field, const struct text *message)
{
	protobuf_bytes(out, field, message->bytes, message->size);
}
