"""What the words of a command can be: each annotation parses its part of the line and completes it.

    Count       a number of at least 1, as an expression       int
    Number      an expression                                  int
    Address     an expression, cut to 32 bits                  int
    CodeAddress  the same, perhaps with gdb's `*` before it     int
    Start       an Address, where another one may follow        int
    Expression  an expression that is not yet evaluated        lab.expressions.Expression
    Step        the same, for a number of steps                lab.expressions.Expression
    Datum       an expression, or a text in double quotes      int or bytes
    Frame       an Address, a physical one                     int
    Rights      letters of r w u s, as in walks                Rights
    Access      `read|write|fetch ADDRESS`, read if not said    AccessTo
    Circumstance  user, supervisor, cpl=N, wp=N, some of them   Circumstances
    Format      gdb's /8xw behind the command's name           Format
    Word        what stands before the next blank              str
    Name        a symbol's name                                str
    Path        a file's name, perhaps in quotes               pathlib.Path
    SvgPath     the same, one that ends in .svg                pathlib.Path
    Vector      a Number, where one may follow                 int
    Target      an Address, where one may follow               int
    ModuleFile  a Path, an option of insmod, or NAME=VALUE     pathlib.Path, str or Setting
    ModuleWord  the same, said otherwise in the usage
    ModuleName  a word, the name of a module that is loaded    str
    TraceWord   a Path, the kind of a step, `ring N`, `range START END`, `touching START END`, or `last STEPS`
                                                               pathlib.Path, lab.wanted.Wanted, or int
    Rest        all that is left, at least one character       str
    Topic       the same, something that help explains         str
    WorldName   a word, the name of a world                    str
    PartName    a word, a part of the lesson                   str
    Condition   `if EXPRESSION`                                lab.expressions.Expression
    CodePlace   what `b` takes (lab/breakpoints/making.py)    lab.breakpoints.Breakpoint
    Watchable   `[-l] [phys] EXPRESSION [+BYTES]`              Watched
    Catchable   the name of an event, and what it takes        (name, arguments, words)
    Assignment  `EXPRESSION = EXPRESSION`, or += and the like  (target, source)
    Length      `+BYTES` or an end address                     Length
    Literal["read", "write"]   one of these words

A parameter with a default may be left out, also in the middle if the word fits only a later one. `*numbers: Number`
takes as many as there are. Commas between words count as blanks.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pagefault_lab.commands.parameters import accesses, files, modules, names, stops, traces, values
from pagefault_lab.lab import expressions
from pagefault_lab.lab.formats import AccessTo, Circumstances, Setting, Watched

if TYPE_CHECKING:
    from pagefault_lab.lab.breakpoints import Breakpoint
    from pagefault_lab.lab.wanted import Wanted

Count: TypeAlias = Annotated[int, values.Count()]
Number: TypeAlias = Annotated[int, values.Number()]
Address: TypeAlias = Annotated[int, values.Address()]
CodeAddress: TypeAlias = Annotated[int, values.CodeAddress()]
Expression: TypeAlias = Annotated[expressions.Expression, values.Expression()]
Start: TypeAlias = Annotated[int, values.Start()]
Step: TypeAlias = Annotated[expressions.Expression, values.Step()]
Datum: TypeAlias = Annotated["int | bytes", values.Datum()]
Frame: TypeAlias = Annotated[int, accesses.Frame()]
Access: TypeAlias = Annotated[AccessTo, accesses.Access()]
Circumstance: TypeAlias = Annotated[Circumstances, accesses.Circumstance()]
Condition: TypeAlias = Annotated[expressions.Expression, values.Condition()]
CodePlace: TypeAlias = Annotated["Breakpoint", stops.CodePlace()]
Watchable: TypeAlias = Annotated[Watched, stops.Watchable()]
Catchable: TypeAlias = Annotated["tuple[str, tuple[expressions.Expression | int, ...], str]", stops.Catchable()]
Assignment: TypeAlias = Annotated[tuple[expressions.Expression, expressions.Expression], values.Assignment()]
Word: TypeAlias = Annotated[str, names.Word()]
Name: TypeAlias = Annotated[str, names.Name()]
Path: TypeAlias = Annotated[pathlib.Path, files.Path()]
SvgPath: TypeAlias = Annotated[pathlib.Path, files.SvgPath()]
Vector: TypeAlias = Annotated[int, files.Vector()]
Target: TypeAlias = Annotated[int, files.Target()]
ModuleFile: TypeAlias = Annotated["pathlib.Path | str | Setting", modules.ModuleWord("FILE")]
ModuleWord: TypeAlias = Annotated["pathlib.Path | str | Setting", modules.ModuleWord("FILE|NAME=VALUE")]
ModuleName: TypeAlias = Annotated[str, modules.ModuleName()]
TraceWord: TypeAlias = Annotated["pathlib.Path | Wanted | int", traces.TraceWord()]
Rest: TypeAlias = Annotated[str, names.Rest()]
Topic: TypeAlias = Annotated[str, names.Topic()]
WorldName: TypeAlias = Annotated[str, names.World()]
PartName: TypeAlias = Annotated[str, names.Part()]
