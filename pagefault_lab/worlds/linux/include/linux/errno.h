/* errno.h - why something failed; functions return these numbers negated. */
#ifndef _LINUX_ERRNO_H
#define _LINUX_ERRNO_H

#define EPERM           1       /* not permitted */
#define ENOENT          2       /* no such file, or module */
#define ESRCH           3       /* no such process */
#define EINTR           4       /* interrupted by a signal */
#define EIO             5       /* input or output failed */
#define ENXIO           6       /* no such device or address */
#define E2BIG           7       /* too many arguments */
#define EBADF           9       /* not an open file */
#define ECHILD          10      /* no child processes */
#define EAGAIN          11      /* try again later */
#define ENOMEM          12      /* out of memory */
#define EACCES          13      /* access denied */
#define EFAULT          14      /* bad address */
#define EBUSY           16      /* in use */
#define EEXIST          17      /* it exists already */
#define ENODEV          19      /* no such device */
#define EINVAL          22      /* invalid argument */
#define ENOSPC          28      /* no room left */
#define ERANGE          34      /* the result does not fit */
#define ENOSYS          38      /* there is no such function */

#endif
