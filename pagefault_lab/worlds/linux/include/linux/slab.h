/* slab.h - there is no kmalloc in this kernel; whole pages are all there is. */
#ifndef _LINUX_SLAB_H
#define _LINUX_SLAB_H

#include <linux/mm.h>

#endif
