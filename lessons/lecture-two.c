/*
 * lecture-two.c - the lecture's module in two files: the C part. lecture-two.s is where the processor arrives.
 *
 *      insmod lecture-two.s lecture-two.c
 *
 * What the one file takes from the other is global, and the linker finds it. What assembly calls is asmlinkage: it
 * passes the argument on the stack. lecture.c is the same in one file, lecture.s says more about each step.
 */

#include <linux/module.h>
#include <linux/kernel.h>
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#define IDT_SIZE        (256 * 8)

static unsigned short   oldidtr[3], newidtr[3];         /* what sidt stores and lidt loads: limit, base in two halves */
static unsigned long    page;                           /* where our IDT lies */
static unsigned long    count;                          /* how many faults were logged */

/* By the error code: Supervisor or User, Read or Write, Absent or Protection. */
static const char *const causes[8] = { "sra", "srp", "swa", "swp", "ura", "urp", "uwa", "uwp" };

extern unsigned long    old_isr;                        /* where the old gate 14 leads: isr0x0E jumps there */
asmlinkage void         isr0x0E(void);
asmlinkage void         handler(unsigned long *tos);

/*
 * tos[15] SS      tos[14] ESP                                          the processor, only if it came from CPL 3
 * tos[13] EFLAGS  tos[12] CS   tos[11] EIP  tos[10] error code         the processor
 * tos[9] EAX      tos[8] ECX   tos[7] EDX   tos[6] EBX                 pushal
 * tos[5] ESP      tos[4] EBP   tos[3] ESI   tos[2] EDI                 pushal; this ESP is the address of tos[10]
 * tos[1] DS       tos[0] ES                                            isr0x0E
 */
asmlinkage void handler(unsigned long *tos)
{
        unsigned long cr2;

        asm volatile("mov %%cr2, %0" : "=r" (cr2));
        printk("%5lu %s[%d] cr2=%08lx eip=%08lx %s%s\n", ++count, current->comm, current->pid,
               cr2, tos[11], causes[tos[10] & 7], cr2 == tos[11] ? " x" : "");
}

int init_module(void)
{
        unsigned long long *oldidt, *newidt, gate_desc;
        unsigned long isr = (unsigned long)isr0x0E;
        unsigned short selector;

        /* A page that is mapped in every page directory, always: the processor needs the IDT at once. */
        page = get_free_page(GFP_KERNEL | GFP_DMA);
        if (!page)
                return -ENOMEM;

        asm volatile("sidt %0" : "=m" (oldidtr));
        asm volatile("sidt %0" : "=m" (newidtr));
        newidtr[1] = page;
        newidtr[2] = page >> 16;

        oldidt = (unsigned long long *)(oldidtr[1] | (unsigned long)oldidtr[2] << 16);
        newidt = (unsigned long long *)page;
        old_isr = (oldidt[14] & 0xFFFF) | (oldidt[14] >> 32 & 0xFFFF0000);
        memcpy(newidt, oldidt, IDT_SIZE);

        /* offset 31..16, P=1 DPL 0 interrupt gate, selector, offset 15..0 */
        asm("mov %%cs, %0" : "=r" (selector));
        gate_desc = isr >> 16;
        gate_desc = gate_desc << 16 | 0x8E00;
        gate_desc = gate_desc << 16 | selector;
        gate_desc = gate_desc << 16 | (isr & 0xFFFF);
        newidt[14] = gate_desc;

        vmalloc_sync_all();             /* isr0x0E must be mapped in every page directory, too */
        asm volatile("lidt %0" : : "m" (newidtr) : "memory");   /* not before all of the above is in memory */
        return 0;
}

void cleanup_module(void)
{
        asm volatile("lidt %0" : : "m" (oldidtr) : "memory");
        free_page(page);                /* only now: a freed page may be anybody's the next moment */
}

MODULE_LICENSE("GPL");
