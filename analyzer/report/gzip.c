#include "report/gzip.h"

#include <assert.h>
#include <zlib.h>

static voidpf gzip_alloc(voidpf arena, uInt num, uInt size)
{
	return arena_alloc_array(arena, num, size);
}

/* All is released with the arena. */
static void gzip_free(voidpf arena, voidpf memory)
{
	(void)arena;
	(void)memory;
}

void gzip_add(struct text *out, const struct text *in)
{
	enum { GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8, PIECE_SIZE = 64 * 1024, MAX_IN = 1 << 30 };
	z_stream stream = {.zalloc = gzip_alloc, .zfree = gzip_free, .opaque = out->arena};
	unsigned char *piece = arena_alloc(out->arena, PIECE_SIZE);
	int result = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
				  MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
	/* Its only other failures are wrong arguments and another zlib than the header's. */
	assert(result == Z_OK);
	size_t used = 0;
	do {
		if (stream.avail_in == 0 && used < in->size) {
			size_t left = in->size - used;
			stream.next_in = (Bytef *)(in->bytes + used);
			stream.avail_in = left < MAX_IN ? (uInt)left : MAX_IN;
			used += stream.avail_in;
		}
		stream.next_out = piece;
		stream.avail_out = PIECE_SIZE;
		result = deflate(&stream, used == in->size ? Z_FINISH : Z_NO_FLUSH);
		text_add_bytes(out, piece, PIECE_SIZE - stream.avail_out);
	} while (result != Z_STREAM_END);
	deflateEnd(&stream);
}
