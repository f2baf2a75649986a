# uaccess.s - memory of the user, which may not be there. The instructions that touch it are listed in extable.s.

        .text
# copy_from_user(to, from, count): how many bytes could not be copied. An absent page of a good area is no failure: the
# fault handler brings it, and the copy goes on where it was, since every iteration of rep is restartable.
ENTRY copy_from_user
        pushl   %esi
        pushl   %edi
        movl    12(%esp), %edi
        movl    16(%esp), %esi
        movl    20(%esp), %ecx
        movl    %ecx, %eax
        movl    $TASK_SIZE, %edx        # all of it must be the user's: the kernel could read more than the user may
        subl    %ecx, %edx
        jb      1f
        cmpl    %edx, %esi
        ja      1f
copy_from_user_load:
        rep movsb
copy_from_user_end:
        movl    %ecx, %eax
1:      popl    %edi
        popl    %esi
        ret

# copy_to_user(to, from, count): the other direction. A page that a task shares since fork() is copied by the way.
ENTRY copy_to_user
        pushl   %esi
        pushl   %edi
        movl    12(%esp), %edi
        movl    16(%esp), %esi
        movl    20(%esp), %ecx
        movl    %ecx, %eax
        movl    $TASK_SIZE, %edx
        subl    %ecx, %edx
        jb      1f
        cmpl    %edx, %edi
        ja      1f
copy_to_user_store:
        rep movsb
copy_to_user_end:
        movl    %ecx, %eax
1:      popl    %edi
        popl    %esi
        ret

# strncpy_from_user(to, from, count, limit): copy up to the first zero, but no more than count bytes. Returns the length
# without the zero; count, if there was none; -EFAULT, if a byte cannot be read or does not lie below the limit.
ENTRY strncpy_from_user
        pushl   %ebx
        pushl   %esi
        movl    16(%esp), %esi
        xorl    %ebx, %ebx              # EBX: how many so far
1:      cmpl    20(%esp), %ebx
        jae     3f
        leal    (%esi, %ebx), %eax
        cmpl    24(%esp), %eax
        jae     2f
        pushl   %eax
        call    probe_byte
        popl    %edx                    # the argument; addl would lose the carry
        jc      2f
        movl    12(%esp), %edx
        movb    %al, (%edx, %ebx)
        testb   %al, %al
        jz      3f
        incl    %ebx
        jmp     1b
2:      movl    $-EFAULT, %ebx
3:      movl    %ebx, %eax
        popl    %esi
        popl    %ebx
        ret

# probe_byte(address), probe_long(address): what is there, in EAX; carry set if it cannot be read.
ENTRY probe_byte
        movl    4(%esp), %edx
probe_byte_load:
        movzbl  (%edx), %eax
        clc
        ret

ENTRY probe_long
        movl    4(%esp), %edx
probe_long_load:
        movl    (%edx), %eax
        clc
        ret

probe_failed:
        stc
        ret
