/*
 * lecture.c - the lecture's lab as a kernel module, in C with assembler text inside: an IDT of our own, whose gate 14
 * leads here. Each page fault is logged in one line, then the kernel's own handler does what it always did.
 *
 *      insmod lecture.c        a new IDT is built and activated
 *      dmesg                   a line for each fault since
 *      rmmod lecture           the old IDT is active again, and our page is free
 *
 * lecture.s is the same in assembly, step by step and instruction by instruction; its comments tell of the hazards.
 * Those here are about what is different in C: the compiler does not read the assembler text. It sees no use of a name
 * in there, so what is named only there must be `used`, or it may be thrown away; and it sees no call in there, so what
 * is called there must be asmlinkage, or it may expect its argument in a register.
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
static unsigned long    old_isr __attribute_used__;     /* where the old gate 14 leads */
static unsigned long    count;                          /* how many faults were logged */

/* By the error code: Supervisor or User, Read or Write, Absent or Protection. */
static const char *const causes[8] = { "sra", "srp", "swa", "swp", "ura", "urp", "uwa", "uwp" };

/* A function without a prologue, since its caller is the processor: its type and value are set by assembler text. */
asmlinkage void isr0x0E(void);

asm("   .text                           \n"
    "   .type   isr0x0E, @function      \n"
    "isr0x0E:                           \n"
    "   pushal                          \n"
    "   pushl   %ds                     \n"
    "   pushl   %es                     \n"

    "   mov     %ss, %eax               \n"     /* kernel data: CS and SS were set by the CPU, DS and ES are by us */
    "   mov     %eax, %ds               \n"
    "   mov     %eax, %es               \n"
    "   cld                             \n"     /* DF is still the user's */

    "   pushl   %esp                    \n"
    "   call    handler                 \n"
    "   addl    $4, %esp                \n"

    "   popl    %es                     \n"
    "   popl    %ds                     \n"
    "   popal                           \n"
    "   jmp     *%ss:old_isr            \n"     /* DS is the user's again: it may be null */
    "   .previous                       \n");   /* the section in which the compiler believes to be */

/*
 * tos[15] SS      tos[14] ESP                                          the processor, only if it came from CPL 3
 * tos[13] EFLAGS  tos[12] CS   tos[11] EIP  tos[10] error code         the processor
 * tos[9] EAX      tos[8] ECX   tos[7] EDX   tos[6] EBX                 pushal
 * tos[5] ESP      tos[4] EBP   tos[3] ESI   tos[2] EDI                 pushal; this ESP is the address of tos[10]
 * tos[1] DS       tos[0] ES                                            isr0x0E
 */
static asmlinkage __attribute_used__ void handler(unsigned long *tos)
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
