/* protobuf.h - writes the wire format of Protocol Buffers (encoding of version 3) into text:
 * numbers, byte strings and messages, each with the number of its field. */
#ifndef CORELEAKS_REPORT_PROTOBUF_H
#define CORELEAKS_REPORT_PROTOBUF_H

#include "base/text.h"

/* A varint, whatever its type (int64 negative: its two's complement); 0 is left out. */
void protobuf_number(struct text *out, uint32_t field, uint64_t value);
/* A string, a message or packed numbers; written even when empty. */
void protobuf_bytes(struct text *out, uint32_t field, const void *bytes, size_t size);
void protobuf_message(struct text *out, uint32_t field, const struct text *message);
/* One of packed numbers: no field of its own. */
void protobuf_packed(struct text *out, uint64_t value);

#endif
