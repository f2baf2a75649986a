/* desc.h - the processor's tables, and what IDTR and GDTR hold. */
#ifndef _ASM_DESC_H
#define _ASM_DESC_H

#include <asm/segment.h>

/* A descriptor, or a gate: 64 bits in two halves, the lower one first. */
struct desc_struct {
        unsigned long   a, b;
};

/* What sidt stores and lidt loads. */
struct Xgt_desc_struct {
        unsigned short  size;           /* the limit: the table's last byte */
        unsigned long   address;
} __attribute__((packed));

extern struct desc_struct gdt_table[];
extern struct desc_struct idt_table[256];       /* write-protected where IDTR has it, not here */
extern struct Xgt_desc_struct idt_descr;

#endif
