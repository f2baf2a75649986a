/* stddef.h - NULL and offsetof. */
#ifndef _LINUX_STDDEF_H
#define _LINUX_STDDEF_H

#define NULL                    ((void *)0)
#define offsetof(type, member)  __builtin_offsetof(type, member)

#endif
