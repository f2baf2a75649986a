/* Strings, variable arguments, structures by value, shifts, signed and unsigned conversions, a big switch. */
typedef unsigned int word;
typedef __builtin_va_list arguments;

struct point { short x, y; signed char tag; long long weight; };
union bits { word value; struct { word low : 5, middle : 11, high : 16; } part; };

static char buffer[200];
static int length;
volatile int ready;

static void put(char c)
{
    if (length < (int)sizeof buffer - 1)
        buffer[length++] = c;
    buffer[length] = 0;
}

static void number(word value, word base, int width, int sign)
{
    char digits[33];
    int n = 0;
    if (sign && (int)value < 0) {
        put('-');
        value = -value;
    }
    do
        digits[n++] = "0123456789abcdef"[value % base];
    while (value /= base);
    while (n < width)
        digits[n++] = '0';
    while (n)
        put(digits[--n]);
}

int format(const char *text, ...)
{
    arguments list;
    __builtin_va_start(list, text);
    for (; *text; text++) {
        int width = 0;
        if (*text != '%') {
            put(*text);
            continue;
        }
        while (*++text >= '0' && *text <= '9')
            width = width * 10 + *text - '0';
        switch (*text) {
        case 'd': number(__builtin_va_arg(list, int), 10, width, 1); break;
        case 'u': number(__builtin_va_arg(list, word), 10, width, 0); break;
        case 'x': number(__builtin_va_arg(list, word), 16, width, 0); break;
        case 'o': number(__builtin_va_arg(list, word), 8, width, 0); break;
        case 'b': number(__builtin_va_arg(list, word), 2, width, 0); break;
        case 'c': put(__builtin_va_arg(list, int)); break;
        case 's': for (const char *s = __builtin_va_arg(list, const char *); *s; s++) put(*s); break;
        case '%': put('%'); break;
        case 0: return -1;
        default: put('?');
        }
    }
    __builtin_va_end(list);
    return length;
}

struct point turn(struct point p, int times)
{
    struct point q = p;
    while (times-- > 0) {
        short kept = q.x;
        q.x = -q.y;
        q.y = kept;
        q.tag ^= 0x80 | times;
        q.weight = q.weight * 3 + (q.weight >> 7) - (unsigned char)q.tag;
    }
    return q;
}

word mix(word value)
{
    union bits b;
    b.value = value << 13 | value >> 19;
    b.part.middle = b.part.low * 3;
    b.part.high += (short)value % 7 + (signed char)value / 3;
    return b.value ^ (value & 1 ? 0xedb88320u : 0) ^ (value > 0x80000000u ? ~value : -value);
}

int wait(void)
{
    int rounds = 0;
    while (!ready)
        rounds++;
    return format("%d rounds, %04x, %s", rounds, mix(rounds), "done");
}
