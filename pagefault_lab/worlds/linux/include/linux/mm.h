/*
 * mm.h - pages.
 *
 * Every function returns the page's linear address, PAGE_OFFSET above its physical one, or 0 if no page is left. Such
 * pages are mapped in every page directory, always. Without GFP_DMA memory above 16 MiB comes first.
 */
#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/page.h>
#include <asm/pgtable.h>

#define GFP_ATOMIC      0x020
#define GFP_KERNEL      0x1F0
#define GFP_DMA         0x001           /* one more bit: GFP_KERNEL | GFP_DMA */

unsigned long __get_free_pages(unsigned int gfp, unsigned int order);   /* 2^order pages in a row */
unsigned long __get_free_page(unsigned int gfp);
unsigned long get_free_page(unsigned int gfp);                          /* filled with zeros */
unsigned long get_zeroed_page(unsigned int gfp);                        /* the same */
void free_pages(unsigned long address, unsigned int order);
void free_page(unsigned long address);

#endif
