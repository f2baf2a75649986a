/* ptrace.h - what lies on the kernel stack while the kernel works for somebody. */
#ifndef _ASM_PTRACE_H
#define _ASM_PTRACE_H

struct pt_regs {
        long    ebx;            /* pushed by the entry code */
        long    ecx;
        long    edx;
        long    esi;
        long    edi;
        long    ebp;
        long    eax;
        int     xds;            /* of the selectors the lower 16 bits count */
        int     xes;
        long    orig_eax;       /* the error code, or a system call's number */
        long    eip;            /* pushed by the processor */
        int     xcs;
        long    eflags;
        long    esp;            /* these two only if it came from CPL 3 */
        int     xss;
};

#define user_mode(regs)         (((regs)->xcs & 3) != 0)
#define instruction_pointer(regs) ((regs)->eip)

#endif
