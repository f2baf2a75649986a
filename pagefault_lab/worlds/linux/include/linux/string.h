/* string.h - memory and text. Compilers call the first four on their own, too. */
#ifndef _LINUX_STRING_H
#define _LINUX_STRING_H

#include <linux/types.h>

void *memcpy(void *to, const void *from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *one, const void *other, size_t count);

size_t strlen(const char *text);
int strcmp(const char *one, const char *other);

#endif
