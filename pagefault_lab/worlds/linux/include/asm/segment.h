/* segment.h - selectors: index << 3 | TI << 2 | RPL. */
#ifndef _ASM_SEGMENT_H
#define _ASM_SEGMENT_H

#define __KERNEL_CS     0x10
#define __KERNEL_DS     0x18
#define __USER_CS       0x23
#define __USER_DS       0x2B

#endif
