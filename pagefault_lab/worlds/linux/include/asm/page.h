/* page.h - pages, and where all of physical memory is mapped. */
#ifndef _ASM_PAGE_H
#define _ASM_PAGE_H

#define PAGE_SHIFT      12
#define PAGE_SIZE       (1UL << PAGE_SHIFT)
#define PAGE_MASK       (~(PAGE_SIZE - 1))
#define PAGE_OFFSET     0xC0000000UL

#define __pa(address)   ((unsigned long)(address) - PAGE_OFFSET)
#define __va(physical)  ((void *)((unsigned long)(physical) + PAGE_OFFSET))

#endif
