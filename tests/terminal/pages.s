# The heap's first page has no frame yet, the page behind the heap never will.
        incl    user_heap
        movl    user_hole, %eax
