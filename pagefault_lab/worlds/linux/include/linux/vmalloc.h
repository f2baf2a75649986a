/*
 * vmalloc.h - memory that is in one piece by its linear addresses only.
 *
 * A task's page directory learns of it when the task's first fault there asks for it, or when vmalloc_sync_all is
 * called.
 */
#ifndef _LINUX_VMALLOC_H
#define _LINUX_VMALLOC_H

#include <linux/types.h>

void *vmalloc(unsigned long size);
void vfree(void *address);
void vmalloc_sync_all(void);

#endif
