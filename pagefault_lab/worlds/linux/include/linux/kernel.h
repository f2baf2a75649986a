/* kernel.h - the kernel's log, and its end. */
#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <stdarg.h>
#include <linux/compiler.h>
#include <linux/linkage.h>
#include <linux/stddef.h>

/* How urgent a line of the log is; written before the format: printk(KERN_INFO "text\n"). */
#define KERN_EMERG      "<0>"
#define KERN_ALERT      "<1>"
#define KERN_CRIT       "<2>"
#define KERN_ERR        "<3>"
#define KERN_WARNING    "<4>"
#define KERN_NOTICE     "<5>"
#define KERN_INFO       "<6>"
#define KERN_DEBUG      "<7>"

/* %d %i %u %x %X %o %p %s %c with - 0 # and a width; %s with a precision. */
asmlinkage int printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
void panic(const char *text) __attribute__((noreturn));

#endif
