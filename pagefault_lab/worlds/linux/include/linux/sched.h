/* sched.h - tasks. */
#ifndef _LINUX_SCHED_H
#define _LINUX_SCHED_H

#include <linux/kernel.h>
#include <linux/types.h>
#include <asm/page.h>
#include <asm/ptrace.h>
#include <asm/system.h>

#define NR_TASKS        8
#define TASK_SIZE       PAGE_OFFSET     /* what lies below belongs to the user */

/* Only the beginning of it, at the low end of the task's kernel stack. */
struct task_struct {
        pid_t           pid;
        char            comm[16];
        unsigned long   *pgd;           /* its page directory; 0 if it has none of its own */
};

extern struct task_struct *current;
extern struct task_struct *task[NR_TASKS];
extern volatile unsigned long jiffies;  /* how often the timer has interrupted */

#endif
