# uaccess.s - reading memory that may not be there. The instructions that do so are listed in extable.s.

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
