/* compiler.h - what one has to tell the compiler now and then. */
#ifndef _LINUX_COMPILER_H
#define _LINUX_COMPILER_H

#define likely(x)               __builtin_expect(!!(x), 1)
#define unlikely(x)             __builtin_expect(!!(x), 0)

/* It is used where the compiler does not look: in assembler text. */
#define __attribute_used__      __attribute__((used))
#define __used                  __attribute__((used))

/* Memory may have changed, and has to be read again. */
#define barrier()               __asm__ __volatile__("" : : : "memory")

#endif
