# ksymtab.s - what a module may use: for each exported name a record of its address and a pointer to its letters. No
# other name of the kernel's is known to a module that is loaded.

        .macro  EXPORT name
        .text                           # the letters lie behind all code, so that the records are in a row
.L__kstrtab_\name:
        .asciz  "\name"
        .data
__ksymtab_\name:
        .long   \name, .L__kstrtab_\name
        .endm

        .data
        .balign 4, 0
OBJECT __start___ksymtab
        EXPORT  printk
        EXPORT  panic

        EXPORT  memcpy
        EXPORT  memmove
        EXPORT  memset
        EXPORT  memcmp
        EXPORT  strlen
        EXPORT  strcmp

        EXPORT  __get_free_pages
        EXPORT  __get_free_page
        EXPORT  get_free_page
        EXPORT  get_zeroed_page
        EXPORT  free_pages
        EXPORT  free_page
        EXPORT  vmalloc
        EXPORT  vfree
        EXPORT  vmalloc_sync_all
        EXPORT  mem_map
        EXPORT  swapper_pg_dir

        EXPORT  current
        EXPORT  task
        EXPORT  jiffies

        EXPORT  idt_table
        EXPORT  idt_descr
        EXPORT  gdt_table
        EXPORT  init_tss
        EXPORT  page_fault
        EXPORT  sys_call_table
        EXPORT  module_list
OBJECT __stop___ksymtab
