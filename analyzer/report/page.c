#include "report/page.h"

#include "base/sha256.h"
#include "report/escape.h"

#include <string.h>

/* The files themselves, as they stand beside this one. */
__asm__(".pushsection .rodata, \"a\"\n"
	"page_style: .incbin \"analyzer/report/page.css\"\n"
	".byte 0\n"
	"page_script: .incbin \"analyzer/report/page.js\"\n"
	".byte 0\n"
	".popsection\n");
extern const char page_style[] __attribute__((visibility("hidden")));
extern const char page_script[] __attribute__((visibility("hidden")));

/* 'sha256-…', as a content security policy names what it allows (CSP level 2). */
static void add_hash(struct text *out, const char *content)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t hash[SHA256_SIZE + 1] = {0}; /* a multiple of three */
	char base64[45];
	sha256(content, strlen(content), hash);
	for (int i = 0; i < 11; i++) {
		uint32_t three = (uint32_t)hash[3 * i] << 16 | (uint32_t)hash[3 * i + 1] << 8 |
				 hash[3 * i + 2];
		for (int k = 0; k < 4; k++)
			base64[4 * i + k] = digits[three >> (18 - 6 * k) & 63];
	}
	base64[43] = '=';
	base64[44] = '\0';
	text_addf(out, "'sha256-%s'", base64);
}

void page_begin(struct text *out, const char *title)
{
	text_add(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		      "script-src ");
	add_hash(out, page_script);
	text_add(out, "; style-src ");
	add_hash(out, page_style);
	text_add(out, "; base-uri 'none'; form-action 'none'\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
	escape_xml(out, title);
	text_add(out, "</title>\n<style>");
	text_add(out, page_style);
	text_add(out, "</style>\n</head>\n<body>\n");
}

void page_end(struct text *out)
{
	text_add(out, "<script>");
	text_add(out, page_script);
	text_add(out, "</script>\n</body>\n</html>\n");
}
