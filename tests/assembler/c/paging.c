/* What a small kernel does with page tables: bit fields, inline assembly, volatile memory, 64-bit arithmetic. */
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;
typedef unsigned long long u64;

#define PRESENT 1u
#define WRITABLE 2u
#define USER 4u

struct gate {
    u16 low, selector;
    u8 zero, type;
    u16 high;
} __attribute__((packed));

struct frame {
    u32 edi, esi, ebp, esp, ebx, edx, ecx, eax, vector, error, eip, cs, eflags, user_esp, ss;
};

extern u32 directory[1024];
extern void printk(const char *format, ...);
extern char end_of_kernel[];
struct gate idt[256];
static u32 next_free;
u64 faults;
int initialised = 1;

static inline u32 read_cr2(void)
{
    u32 value;
    __asm__ volatile("movl %%cr2,%0" : "=r"(value));
    return value;
}

static inline void invalidate(u32 address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void out(u16 port, u8 value)
{
    __asm__ volatile("outb %0,%1" : : "a"(value), "Nd"(port));
}

void set_gate(int vector, void (*handler)(void), u8 dpl)
{
    u32 address = (u32)handler;
    idt[vector].low = address;
    idt[vector].high = address >> 16;
    idt[vector].selector = 0x10;
    idt[vector].zero = 0;
    idt[vector].type = 0x8e | dpl << 5;
}

static u32 allocate(void)
{
    u32 *page, i;
    if (!next_free)
        next_free = ((u32)end_of_kernel + 4095) & ~4095u;
    page = (u32 *)next_free;
    for (i = 0; i < 1024; i++)
        page[i] = 0;
    next_free += 4096;
    return (u32)page;
}

int map(u32 linear, u32 physical, u32 rights)
{
    volatile u32 *entry = &directory[linear >> 22];
    u32 *table;
    if (!(*entry & PRESENT))
        *entry = allocate() | PRESENT | WRITABLE | USER;
    table = (u32 *)(*entry & ~4095u);
    if (table[linear >> 12 & 1023] & PRESENT)
        return -17;
    table[linear >> 12 & 1023] = (physical & 0xfffff000) | rights | PRESENT;
    invalidate(linear);
    return 0;
}

void page_fault(struct frame *frame)
{
    u32 address = read_cr2();
    faults += 0x100000001ull;
    switch (frame->error & 7) {
    case 0: printk("kernel read %08x\n", address); break;
    case 2: printk("kernel write %08x\n", address); break;
    case 4: map(address & ~0xfff, allocate(), USER); return;
    case 6: map(address & ~0xfff, allocate(), USER | WRITABLE); return;
    case 5: printk("user protection read\n"); break;
    case 7: printk("user protection write\n"); break;
    default: out(0xe9, '!'); out(0x3f8, address >> 24);
    }
    if (faults / 1000 > 7 || (long long)faults < 0)
        for (;;)
            __asm__ volatile("cli; hlt");
}
