"""A class that nobody teaches: what its honest, careless and hostile students hand in. Also for tests/benchmarks."""

from collections.abc import Iterator
from contextlib import suppress
from zlib import compress

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab import __version__
from pagefault_lab.lab.recording import Line, Recording, Writer, digest_of
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.lesson import Ask, Lesson, Predict, Task
from pagefault_lab.tutor.quoting import fill
from pagefault_lab.tutor.reading import read_lesson
from pagefault_lab.tutor.submission import about, write
from pagefault_lab.tutor.variants import seed_of
from pagefault_lab.worlds import digest

LESSON = """\
+++
format = 1
key = "small-class"
title = "For a small class"
minutes = 5
budget = 20_000
[variants]
number = { from = 100, to = 999 }
nth = { from = 0, to = 3 }
place = { value = "user_heap + $nth * 0x1000 + 64" }
+++
# For a small class

```lab
movl $1,%ecx
```

```task
id = "number"
points = 1
text = "Put {{/d $number}} into EAX."
goal = "eax == $number"
answer = "movl ${{/d $number}},%eax"
hints = ["It is a move."]
[[messages]]
when = "ever(fault(14, cr2 == $number))"
say = "Without the `$`, {{/d $number}} is an address."
[[wrong]]
lines = "movl {{/d $number}},%eax"
earns = 0
[[wrong]]
lines = "movl ${{/d $number}},%ebx"
earns = 0
```

Now the heap.

```task
id = "touch"
text = "Write {{/d $number}} to {{/x $place}}."
answer = '''
movl ${{/d $number}},%eax
movl %eax,{{/x $place}}
c
'''
hints = ["A write.", "And then go on."]
[[goals]]
holds = "ever(fault(14, error & 2))"
points = 2
text = "a write has faulted"
[[goals]]
holds = "[$place] == $number"
points = 3
text = "the number is there"
[[messages]]
when = "ever(fault(14)) && !ever(fault(14, error & 2))"
say = "That was a read."
[[wrong]]
lines = "movl {{/x $place}},%eax"
earns = 0
[[wrong]]
lines = "movl %eax,{{/x $place}}"
earns = 2
```

```ask
id = "code"
points = 2
question = "Which bit tells a write?"
answer = "2"
choices = ["P", "W/R", "U/S"]
hints = ["It is the second."]
```

```predict
id = "foresight"
points = 1
lines = "pushl $1"
asks = ["fault", "esp"]
```
"""


def small_lesson() -> Lesson:
    return read_lesson(LESSON, "small-class.md")


# --- those who take it


def begun(lesson: Lesson, student: str, seed: str | None = None) -> Attempt:
    seed = seed_of(student, lesson.key) if seed is None else seed
    attempt = Attempt(lesson, seed)
    attempt.recording.lesson = about(lesson, student, seed)
    do(attempt.begin(0))
    return attempt


def do(values: Iterator[object]) -> None:
    for _ in values:
        pass


def type_lines(attempt: Attempt, *lines: str) -> None:
    for line in lines:
        with suppress(Problem):  # it is told, and no part of the attempt
            do(attempt.execute(line))


def take(lesson: Lesson, student: str, skill: int) -> Attempt:
    """Someone takes a lesson: at exercise number n rightly where bit n of `skill` is set."""
    attempt = begun(lesson, student)
    for number in range(len(lesson.parts)):
        solve(attempt, rightly=bool(skill >> number & 1))
        if not attempt.is_last:
            type_lines(attempt, "lesson next")
    return attempt


def solve(attempt: Attempt, rightly: bool) -> None:
    match exercise := attempt.exercise:
        case Task():
            lines = exercise.answer if rightly or not exercise.wrong else exercise.wrong[0].lines
            assert lines is not None
            if not rightly:
                type_lines(attempt, "lesson hint")
            type_lines(attempt, *(fill(line, attempt.scope()) for line in lines.lines))
        case Ask():
            assert exercise.question.answer is not None
            right = exercise.question.answer.value(attempt.scope())
            type_lines(attempt, f"say {right if rightly else 1}")
        case Predict():
            type_lines(attempt, *(["say no", "say 0"] if rightly else ["say yes", "say 1"]))


def handed_in(lesson: Lesson, number: int) -> bytes:
    """What student number `number` hands in: of fifty, forty are honest, seven are careless, three are hostile."""
    name, kind = f"Student {number:03}", number % 50
    if kind < 40:
        return write(take(lesson, name, 0xFFFF if kind % 2 else 0x5DB6 ^ kind))
    if kind < 44:
        return write(take(lesson, name, kind))
    if kind < 47:
        return careless(lesson, name)[kind - 44]
    hostile = list(hostile_lines())
    place = number // 50 * 3 + kind - 47
    return forged(lesson, name, [hostile[place % len(hostile)]] * 3)


def careless(lesson: Lesson, name: str) -> list[bytes]:
    """Files that are not as they were written."""
    text = write(take(lesson, name, 0))
    return [text[: len(text) * 2 // 3], text.replace(b"movl", b"movw", 1), b"%PDF-1.4\n"]


# --- those who forge


def forged(
    lesson: Lesson, student: str, lines: list[str | Line], seed: str | None = None, contents: tuple[bytes, ...] = ()
) -> bytes:
    """A submission with any lines, as someone writes it who knows the format."""
    seed = seed_of(student, lesson.key) if seed is None else seed
    recording = Recording(lesson.world, __version__, digest(lesson.world))
    recording.lesson = about(lesson, student, seed)
    recording.contents = {digest_of(data): data for data in contents}
    given = tuple(recording.contents)
    recording.inputs = [each if isinstance(each, Line) else Line(each, 0, None, given) for each in lines]
    writer = Writer()
    text = writer.head(recording) + b"".join(writer.input(each, recording.contents) for each in recording.inputs)
    return text + writer.note("all points, of course") + writer.end()


def bomb(size: int) -> bytes:
    """A file's contents that are small as long as nobody expands them."""
    return compress(bytes(size), 9)


def hostile_lines() -> Iterator[str]:
    """Lines that want to take long, or to reach the computer that grades them."""
    yield "jmp ."
    yield "1: jmp 1b"
    yield "p " + "(" * 55 + "1" + ")" * 55
    yield "p " + "+".join(["count(fault(14, error & 4))"] * 8)
    yield "p at(0, at(0, at(0, eax)))"
    yield "who eax"
    yield "whatif cr0.wp=1"
    yield "x/65536xb 0xc0100000"
    yield "b *0 if count(fault) == at(-1, eax)"
    yield ".rept 19000; nop; .endr"
    yield ".fill 60000000"
    yield ".macro again; again; .endm; again"
    yield 'insmod "/etc/passwd.s"'
    yield "insmod evil.c"
    yield "load /etc/passwd"
    yield "save /tmp/pagefault-lab-was-here"
    yield "trace html /tmp/pagefault-lab-was-here.html"
    yield "trace on /tmp/pagefault-lab-was-here"
    yield "picture walk 0 /tmp/pagefault-lab-was-here.svg"
    yield '.include "/etc/passwd"'
    yield '.incbin "/etc/passwd"'
    yield "lesson answer"
    yield "lesson goto 99999999999999999999"
    yield "world bare"
    yield "si 1000000000"
    yield "\x1b]0;title\x07"
    yield "p \ud800"
    yield "quit"
