/* pgtable.h - page directories and page tables: 1024 entries each. */
#ifndef _ASM_PGTABLE_H
#define _ASM_PGTABLE_H

#include <asm/page.h>

#define PGDIR_SHIFT     22              /* a page table serves 4 MiB */
#define PTRS_PER_PGD    1024
#define PTRS_PER_PTE    1024

#define _PAGE_PRESENT   0x001
#define _PAGE_RW        0x002
#define _PAGE_USER      0x004
#define _PAGE_PWT       0x008
#define _PAGE_PCD       0x010
#define _PAGE_ACCESSED  0x020
#define _PAGE_DIRTY     0x040
#define _PAGE_PSE       0x080
#define _PAGE_GLOBAL    0x100

#define VMALLOC_START   0xC2800000UL
#define VMALLOC_END     0xFFFFE000UL

typedef struct { unsigned long pte_low; } pte_t;
typedef struct { unsigned long pgd; } pgd_t;

#define pte_val(x)              ((x).pte_low)
#define pgd_val(x)              ((x).pgd)
#define pgd_index(address)      ((unsigned long)(address) >> PGDIR_SHIFT)
#define pte_index(address)      ((unsigned long)(address) >> PAGE_SHIFT & (PTRS_PER_PTE - 1))

extern pgd_t swapper_pg_dir[PTRS_PER_PGD];      /* the kernel's own; tasks have the upper quarter of it in theirs */

/* The TLB forgets one address, or everything. */
#define __flush_tlb_one(address) \
        __asm__ __volatile__("invlpg %0" : : "m" (*(char *)(address)) : "memory")
#define __flush_tlb() do { \
        unsigned long __cr3; \
        __asm__ __volatile__("movl %%cr3, %0; movl %0, %%cr3" : "=r" (__cr3) : : "memory"); \
} while (0)

#endif
