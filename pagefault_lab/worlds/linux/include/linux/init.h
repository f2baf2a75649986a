/* init.h - where a module begins and ends. */
#ifndef _LINUX_INIT_H
#define _LINUX_INIT_H

/* Marks of what is needed at the start or the end only. A module is kept whole. */
#define __init
#define __exit
#define __initdata
#define __exitdata

/* insmod looks for init_module and cleanup_module: here are other names for the functions. */
#define module_init(function)   int init_module(void) __attribute__((alias(#function)))
#define module_exit(function)   void cleanup_module(void) __attribute__((alias(#function)))

#endif
