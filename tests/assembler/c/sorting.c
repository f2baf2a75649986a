/* Arrays, recursion, pointers to functions, static data. */
typedef unsigned int word;
typedef int (*compare)(const void *, const void *);

static word seed = 12345;
static int table[64];
const char *const names[] = { "alpha", "beta", "gamma", "delta\n\t\"quoted\"" };

static word next(void)
{
    seed = seed * 1103515245u + 12345u;
    return seed >> 16 & 0x7fff;
}

int ascending(const void *left, const void *right)
{
    int a = *(const int *)left, b = *(const int *)right;
    return a < b ? -1 : a > b;
}

static void swap(char *left, char *right, word size)
{
    while (size--) {
        char kept = *left;
        *left++ = *right;
        *right++ = kept;
    }
}

void sort(void *base, word count, word size, compare order)
{
    char *first = base;
    word i, last = 0;
    if (count < 2)
        return;
    swap(first, first + count / 2 * size, size);
    for (i = 1; i < count; i++)
        if (order(first + i * size, first) < 0)
            swap(first + ++last * size, first + i * size, size);
    swap(first, first + last * size, size);
    sort(first, last, size, order);
    sort(first + (last + 1) * size, count - last - 1, size, order);
}

int main(void)
{
    int i, inversions = 0;
    for (i = 0; i < 64; i++)
        table[i] = (int)next() - 0x4000;
    sort(table, 64, sizeof *table, ascending);
    for (i = 1; i < 64; i++)
        inversions += table[i - 1] > table[i];
    return inversions + names[seed % 4][0];
}
