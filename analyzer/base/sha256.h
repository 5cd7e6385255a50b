/* sha256.h - SHA-256 (FIPS 180-4) of bytes in memory: for what has to be named by its hash. */
#ifndef CORELEAKS_BASE_SHA256_H
#define CORELEAKS_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32 };

void sha256(const void *bytes, size_t size, uint8_t ret[SHA256_SIZE]);

#endif
