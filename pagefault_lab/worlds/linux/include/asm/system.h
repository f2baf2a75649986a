/* system.h - the interrupt flag, and control registers. */
#ifndef _ASM_SYSTEM_H
#define _ASM_SYSTEM_H

#include <asm/segment.h>

#define cli()                   __asm__ __volatile__("cli" : : : "memory")
#define sti()                   __asm__ __volatile__("sti" : : : "memory")
#define save_flags(x)           __asm__ __volatile__("pushfl; popl %0" : "=g" (x) : : "memory")
#define restore_flags(x)        __asm__ __volatile__("pushl %0; popfl" : : "g" (x) : "memory", "cc")

#define local_irq_disable()     cli()
#define local_irq_enable()      sti()
#define local_irq_save(x)       do { save_flags(x); cli(); } while (0)
#define local_irq_restore(x)    restore_flags(x)

#define __read_control(register) ({ \
        unsigned long __value; \
        __asm__ __volatile__("movl %%" #register ", %0" : "=r" (__value) : : "memory"); \
        __value; \
})
#define read_cr0()              __read_control(cr0)
#define read_cr2()              __read_control(cr2)
#define read_cr3()              __read_control(cr3)
#define write_cr0(x)            __asm__ __volatile__("movl %0, %%cr0" : : "r" (x) : "memory")

#endif
