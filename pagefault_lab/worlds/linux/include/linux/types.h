/* types.h - numbers of a known size. */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

#include <linux/stddef.h>

typedef signed char             s8;
typedef unsigned char           u8;
typedef signed short            s16;
typedef unsigned short          u16;
typedef signed int              s32;
typedef unsigned int            u32;
typedef signed long long        s64;
typedef unsigned long long      u64;

typedef s8      __s8;
typedef u8      __u8;
typedef s16     __s16;
typedef u16     __u16;
typedef s32     __s32;
typedef u32     __u32;
typedef s64     __s64;
typedef u64     __u64;

typedef u8      uint8_t;
typedef u16     uint16_t;
typedef u32     uint32_t;
typedef u64     uint64_t;

typedef __SIZE_TYPE__           size_t;
typedef __PTRDIFF_TYPE__        ptrdiff_t;
typedef int                     pid_t;

#endif
