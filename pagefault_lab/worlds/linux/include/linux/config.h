/* config.h - how the kernel was configured: there is one way only. */
#ifndef _LINUX_CONFIG_H
#define _LINUX_CONFIG_H

#endif
