/* What compilers make several sections of: jump tables, pointers, strings, zeros, and what is weak or shared. */

extern int printk(const char *format, ...);

int zeros[40];
int shared_block;
static int counter = 3;
const char *const names[] = { "zero", "one", "two", "three", "four", "five" };
int (*table[3])(const char *, ...) = { printk, 0, printk };

__attribute__((weak)) int maybe(int x)
{
        return x + counter;
}

int choose(int x)
{
        switch (x) {
        case 0: return printk(names[0]);
        case 1: return maybe(zeros[2]);
        case 2: return shared_block++;
        case 3: counter += x; return counter;
        case 4: return printk("%d", x);
        case 5: return maybe(x) * 3;
        case 6: return table[0](names[x - 1]);
        case 7: return zeros[x];
        default: return -1;
        }
}
