/*
 * module.h - what makes a file a kernel module.
 *
 * A module has a function init_module, which returns 0 or a negated error, and perhaps a cleanup_module. What it tells
 * about itself are texts "name=value" in a section that insmod reads and the kernel never sees.
 */
#ifndef _LINUX_MODULE_H
#define _LINUX_MODULE_H

#include <linux/config.h>
#include <linux/compiler.h>
#include <linux/init.h>
#include <linux/linkage.h>
#include <linux/stddef.h>

int init_module(void);
void cleanup_module(void);

#define __MODULE_JOIN2(a, b)    a##b
#define __MODULE_JOIN(a, b)     __MODULE_JOIN2(a, b)

#define __MODULE_INFO(name, text) \
        static const char __MODULE_JOIN(__module_##name##_, __LINE__)[] \
                __attribute__((section(".modinfo"), used)) = text

#define MODULE_LICENSE(text)            __MODULE_INFO(license, "license=" text)
#define MODULE_AUTHOR(text)             __MODULE_INFO(author, "author=" text)
#define MODULE_DESCRIPTION(text)        __MODULE_INFO(description, "description=" text)
#define MODULE_SUPPORTED_DEVICE(text)   __MODULE_INFO(device, "device=" text)

/*
 * A variable that insmod sets: `insmod module.c variable=5`. The type is a text: "b" a char, "h" a short, "i" an int,
 * "l" a long, "s" a char * for variable="some text".
 */
#define MODULE_PARM(variable, type) \
        __MODULE_INFO(parm_##variable, "parm_" #variable "=" type); \
        static void *const __module_address_##variable /* without it, a static that is never set would be a constant */ \
                __attribute__((section(".modinfo.addresses"), used)) = (void *)&variable
#define MODULE_PARM_DESC(variable, text) \
        __MODULE_INFO(parm_desc_##variable, "parm_desc_" #variable "=" text)

/* Modules do not use each other here: nobody counts users, and nobody sees a module's names. */
#define THIS_MODULE                     ((void *)0)
#define MOD_INC_USE_COUNT               do { } while (0)
#define MOD_DEC_USE_COUNT               do { } while (0)
#define EXPORT_NO_SYMBOLS
#define EXPORT_SYMBOL(name)

#endif
