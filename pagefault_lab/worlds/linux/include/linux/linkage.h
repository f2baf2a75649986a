/* linkage.h - how a function takes its arguments. */
#ifndef _LINUX_LINKAGE_H
#define _LINUX_LINKAGE_H

/*
 * On the stack, whatever the compiler was told or finds quicker: what assembler text calls, or what is written in it,
 * has to be asmlinkage. The same function with regparm(3) would look for its first argument in EAX.
 */
#define asmlinkage      __attribute__((regparm(0)))

#endif
