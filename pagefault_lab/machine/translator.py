"""Hot code turned into Python functions, from the instructions' own declarations.

The translator takes the source of each instruction's function and puts the operands in: `source.read(cpu)` becomes
`R[3]`, an immediate becomes its number, a memory operand the look-up in the fast paths with the processor's own method
behind it, and what is then constant is folded. What it cannot simplify it calls as it stands. So there is one
semantics; tests hold the two equal in lockstep.

A block starts at a fixed EIP and follows the code through jumps and calls inside one page, along both ways of a branch
as far as there is room; a return leaves it unless it goes where the call came from, and a branch to its own start makes
it a loop. Flags are stored only where somebody could look. A block is only run while CS is flat, SS is a
32-bit stack, nobody records, and neither TF, RF nor an interrupt is up; an instruction that could change any of this
(or the translation of addresses) is never part of one.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.machine import flags
from pagefault_lab.machine.decoder import Instruction, decode
from pagefault_lab.machine.delivery import deliver
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.memory import PAGE
from pagefault_lab.machine.operands import Immediate, Memory, Register8, Register16, Register32, Target
from pagefault_lab.machine.registers import ESP, MASK, SIGN, SS

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine

LONGEST: Final = 96  # instructions in a block, over all its paths
SHORTEST: Final = 3  # room for fewer is not worth to follow a branch


@dataclass(frozen=True, slots=True)
class Block:
    """A translated run of code. `run(budget)` executes it (several times if it loops to its own start) and gives the
    number of steps made; `budget` must be at least `length`."""

    run: Callable[[int], int]
    length: int
    addresses: frozenset[int]
    source: str


class _PageEnd(Exception):
    """The bytes of the page are used up."""


def translate(machine: Machine, eip: int, physical: int, journaling: bool = False) -> Block | None:
    """Translate the 32-bit code at EIP, whose first byte is at `physical`; None if its first instruction cannot be.

    A block that is `journaling` notes every instruction with the recorder and takes no fast path to memory.
    """
    return _Writer(machine, eip, physical, journaling).block()


@dataclass(frozen=True, slots=True)
class _Template:
    """An instruction function's source: parameter names, statements, its locals with the number of assignments to each,
    and the globals that it refers to."""

    parameters: tuple[str, ...]
    body: tuple[str, ...]
    locals: Counter[str]
    globals: Mapping[str, Any]


@cache
def _template(function: Callable[..., None]) -> _Template | None:
    """The function's source as a tree; None if there is none or its control flow cannot be put inline."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return None
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        return None
    body = definition.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    refused = (ast.Return, ast.For, ast.While, ast.Try, ast.With, ast.Lambda, ast.comprehension, ast.NamedExpr)
    if any(isinstance(node, refused) for statement in body for node in ast.walk(statement)):
        return None
    names = tuple(argument.arg for argument in definition.args.args)
    assigned = Counter(
        node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    return _Template(names, tuple(ast.unparse(statement) for statement in body), assigned, function.__globals__)


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@dataclass(frozen=True, slots=True)
class _Flags:
    """Status flags that were set but not stored: what `cpu.lazy` would hold, as texts over the block's locals.

    An increment keeps the carry of what was `before` it; None stands for what `cpu` holds.
    """

    rule: int
    left: str
    right: str
    result: str
    size: int
    before: _Flags | None = None

    def pending(self) -> str:
        """The value for `cpu.lazy`."""
        left = self.carry() if self.rule in (flags.INCREMENT, flags.DECREMENT) else self.left
        return f"({self.rule}, {left}, {self.right}, {self.result}, {self.size})"

    def carry(self) -> str:
        """CF as an expression that is 0 or 1."""
        sign = 8 * self.size - 1
        left, right, result = self.left, self.right, self.result
        if self.rule == flags.ADD:
            return f"(({left} & {right} | ({left} | {right}) & ~{result}) >> {sign} & 1)"
        if self.rule == flags.SUBTRACT:
            return f"((~{left} & {right} | (~{left} | {right}) & {result}) >> {sign} & 1)"
        if self.rule == flags.LOGIC:
            return "0"
        return self.before.carry() if self.before is not None else "cpu.carry"

    def condition(self, code: int) -> str | None:
        """A condition as an expression; None where the flags have to be worked out."""
        sign = SIGN[self.size]
        left, right, result = self.left, self.right, self.result
        negation = "not " if code & 1 else ""
        overflow = {
            flags.ADD: f"({left} ^ {result}) & ({right} ^ {result})",
            flags.SUBTRACT: f"({left} ^ {right}) & ({left} ^ {result})",
            flags.LOGIC: "0",
        }.get(self.rule)
        less = f"({result} ^ {overflow}) & {sign}" if overflow else None
        match code >> 1:
            case 1:
                return f"({negation}{self.carry()})"
            case 2:
                return f"({result} {'!=' if code & 1 else '=='} 0)"
            case 3:
                return f"({negation}({result} == 0 or {self.carry()}))"
            case 4:
                return f"({negation}{result} & {sign})"
            case 6 if less:
                return f"({negation}{less})"
            case 7 if less:
                return f"({negation}({result} == 0 or {less}))"
        return None


class _Inliner(ast.NodeTransformer):
    """Puts one instruction's operands into its function's body."""

    def __init__(self, template: _Template, instruction: Instruction, number: int, writer: _Writer) -> None:
        self.template = template
        self.number = number
        self.writer = writer
        self.known: dict[str, Any] = dict(zip(template.parameters[1:], instruction.arguments, strict=True))
        self.locals = template.locals
        self.depth = 0  # of conditions that are decided when the block runs
        self.jumped = False
        self.at_end = False
        self.followed: dict[str, list[str]] = {}
        self.taken: str | None = None  # where a conditional jump leads

    def statements(self) -> list[str]:
        """The instruction's statements as lines; flags that it leaves pending are the writer's."""
        lines: list[str] = []
        for place, text in enumerate(self.template.body, 1):
            (statement,) = ast.parse(text).body  # anew: it is changed on the way
            # a branch that has nothing to do behind its jump may leave the block right there
            last = place == len(self.template.body)
            self.at_end = last and isinstance(statement, ast.If) and len(statement.body) == 1
            texts = self.texts([statement])
            lines += self.writer.take_prelude()
            lines += texts
        if self.taken is not None:
            lines = ["taken = False", *lines, "if taken:", *indented(self.writer.leave(self.taken))]
        return lines

    def texts(self, statements: Iterable[ast.stmt]) -> list[str]:
        found: list[str] = []
        for statement in statements:
            result = self.visit(statement)
            if isinstance(result, ast.stmt):
                result = [result]
            for line in ast.unparse(ast.Module(result, [])).splitlines():
                followed = self.followed.get(line.lstrip())
                found += [line] if followed is None else indented(followed, len(line) - len(line.lstrip()))
        return found

    def text(self, node: ast.expr) -> str:
        return ast.unparse(self.visit(node))

    # --- operands and the processor's methods

    def _call(self, node: ast.expr) -> tuple[Any, str, list[ast.expr]] | None:
        """(operand or "cpu", method, arguments) if the node is a call of an operand's or the processor's method."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name):
                if owner.id in self.known:
                    return self.known[owner.id], node.func.attr, node.args[1:]
                if owner.id == "cpu" and not node.keywords:
                    return "cpu", node.func.attr, node.args
        return None

    def visit_Expr(self, node: ast.Expr) -> Any:
        call = self._call(node.value)
        if call is not None:
            owner, method, arguments = call
            lines = None
            if owner != "cpu":
                if method == "write":
                    lines = self.writer.write(owner, self.text(arguments[0]))
            elif method in _FLAG_RULES:
                lines = self._set_flags(method, [self.text(argument) for argument in arguments])
            elif method == "jump":
                lines = self._jump(self.text(arguments[0]))
            elif method == "push":
                lines = self.writer.push(*(self.text(argument) for argument in arguments))
            elif method == "move_stack":
                lines = f"R[{ESP}] = R[{ESP}] + {self.text(arguments[0])} & 0xFFFFFFFF"
            if lines is not None:
                return ast.parse(lines).body
        return self.generic_visit(node)

    def _set_flags(self, method: str, texts: list[str]) -> str:
        """Leave flags pending; in a condition's branch, store them at once."""
        rule = _FLAG_RULES[method]
        size = int(texts[-1])
        lines = []
        for place, text in enumerate(texts[:-1]):
            if not text.isidentifier() and not text.isdigit():
                name = self.writer.fresh("f")
                lines.append(f"{name} = {text}")
                texts[place] = name
        left, right, result = (["0", "0"] + texts[:-1])[-3:]
        found = _Flags(rule, left, right, result, size, self.writer.flags)
        if self.depth:
            self.writer.settle()
            lines.append(f"cpu.lazy = {found.pending()}")
        else:
            self.writer.flags = found
        return "\n".join(lines)

    def _jump(self, target: str) -> str:
        """A jump: the trace goes on there, or leaves where it is taken."""
        self.jumped = True
        if not target.isdigit():
            self.writer.foreign |= bool(self.depth)
            self.writer.goes_to = None
            return f"cpu.eip = {target}"
        if not self.depth:
            self.writer.goes_to = int(target)
            return ""
        if self.at_end:
            name = f"followed_{self.number}"  # stands in the tree for what goes on there
            self.followed[name] = self.writer.follow(int(target))
            return name
        self.taken = target
        return "taken = True"

    def visit_Call(self, node: ast.Call) -> Any:
        call = self._call(node)
        if call is not None:
            owner, method, arguments = call
            text = None
            if owner != "cpu":
                if method in ("read", "read_for_write"):
                    text = self.writer.read(owner, method)
                elif method == "offset" and isinstance(owner, Memory):
                    text = offset_text(owner)
            elif method == "condition":
                code = self.visit(arguments[0])
                if self.writer.flags is not None and isinstance(code, ast.Constant):
                    text = self.writer.flags.condition(int(str(code.value)))
                if text is None:
                    self.writer.settle()
                    text = f"cpu.condition({ast.unparse(code)})"
            elif method == "pop" and not self.depth and self.text(arguments[0]) == "4":
                value = self.writer.fresh("v")
                self.writer.prelude += [
                    f"{value} = {self.writer.peek_stack('0', '4')}",
                    f"R[{ESP}] = R[{ESP}] + 4 & 4294967295",
                ]
                text = value
            elif method == "peek_stack":
                text = self.writer.peek_stack(*(self.text(argument) for argument in arguments))
            if text is not None:
                return _expression(text)
        self.writer.calls = self.writer.foreign = True
        self.writer.settle()
        return self.generic_visit(node)

    # --- names and folding

    def visit_Assign(self, node: ast.Assign) -> Any:
        """A local that gets a number, and nothing else ever, is that number."""
        value = self.visit(node.value)
        (target,) = node.targets
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and self.locals[target.id] == 1:
            self.known[target.id] = value.value
            return []
        return ast.Assign([self.visit(target)], value, lineno=0)

    def visit_Name(self, node: ast.Name) -> Any:
        name = node.id
        if name in self.known:
            return self.writer.constant(self.known[name])
        if name in self.locals:
            return ast.Name(f"{name}_{self.number}", node.ctx)
        if name in self.template.globals and isinstance(node.ctx, ast.Load):
            return self.writer.constant(self.template.globals[name])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        owner = node.value
        if isinstance(owner, ast.Name) and owner.id in self.known:
            return self.writer.constant(getattr(self.known[owner.id], node.attr))
        if isinstance(owner, ast.Name) and owner.id == "cpu":
            pending = self.writer.flags
            if node.attr == "registers":
                return ast.Name("R", node.ctx)
            if node.attr == "eip" and isinstance(node.ctx, ast.Load) and not self.jumped:
                return ast.Constant(self.writer.next_eip)
            if node.attr == "carry" and pending is not None:
                return _expression(pending.carry())
            if node.attr == "zero" and pending is not None:
                return _expression(f"({pending.result} == 0)")
            if node.attr not in ("carry", "zero", "eip"):
                self.writer.calls = self.writer.foreign = True
                self.writer.settle()
            return node
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        node = ast.Subscript(self.visit(node.value), self.visit(node.slice), node.ctx)
        if isinstance(node.value, ast.Name) and isinstance(node.slice, ast.Constant):
            table = self.writer.namespace.get(node.value.id)
            if isinstance(table, dict | tuple):
                return self.writer.constant(table[node.slice.value])  # type: ignore[index]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        return _folded(self.generic_visit(node))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return _folded(self.generic_visit(node))

    def visit_Compare(self, node: ast.Compare) -> Any:
        return _folded(self.generic_visit(node))

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        test = self.visit(node.test)
        if isinstance(test, ast.Constant):
            return self.visit(node.body if test.value else node.orelse)
        return ast.IfExp(test, self.visit(node.body), self.visit(node.orelse))

    def visit_If(self, node: ast.If) -> Any:
        test = self.visit(node.test)
        if isinstance(test, ast.Constant):
            return self._all(node.body if test.value else node.orelse)
        before = self.writer.flags
        self.depth += 1
        body, other = self._all(node.body), self._all(node.orelse)
        self.depth -= 1
        if self.writer.flags is not before:
            self.writer.flags = None
        return ast.If(test, body or [ast.Pass()], other)

    def _all(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for statement in statements:
            result = self.visit(statement)
            found += [result] if isinstance(result, ast.stmt) else result
        return found


_FLAG_RULES: Final = {
    "flags_add": flags.ADD,
    "flags_subtract": flags.SUBTRACT,
    "flags_logic": flags.LOGIC,
    "flags_increment": flags.INCREMENT,
    "flags_decrement": flags.DECREMENT,
}


def _folded(node: Any) -> Any:
    """The node as a constant, if all its parts are."""
    parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    if all(isinstance(part, ast.Constant) for part in parts):
        return ast.Constant(eval(compile(ast.fix_missing_locations(ast.Expression(node)), "<folded>", "eval"), {}))
    return node


def offset_text(memory: Memory) -> str:
    """The effective address as an expression over the register list R."""
    parts = []
    if memory.base is not None:
        parts.append(f"R[{memory.base}]")
    if memory.index is not None:
        parts.append(f"R[{memory.index}]" + (f" * {memory.scale}" if memory.scale > 1 else ""))
    mask = MASK[memory.address_size]
    if not parts:
        return str(memory.displacement & mask)
    if memory.displacement:
        parts.append(str(memory.displacement))
    elif len(parts) == 1 and memory.index is None and memory.address_size == 4:
        return parts[0]
    return f"({' + '.join(parts)} & {mask})"


def indented(lines: list[str], by: int = 4) -> list[str]:
    """The lines, deeper."""
    return [" " * by + line for line in lines]


# How a value of so many bytes is cut out of its word: what else must hold for the fast path, and the value.
_CUT: Final = {
    4: (" and not {at} & 3", "{word}"),
    2: (" and {at} & 3 != 3", "{word} >> (({at} & 3) << 3) & 65535"),
    1: ("", "{word} >> (({at} & 3) << 3) & 255"),
}


class _Writer:
    """Writes a block's function."""

    def __init__(self, machine: Machine, eip: int, physical: int, journaling: bool) -> None:
        self.machine = machine
        self.journaling = journaling
        self.eip = eip
        self.frame = physical & 0xFFFFF000
        self.code = machine.memory.code[physical >> 12]
        self.addresses: list[int] = []  # of the instructions as they are written: `at` is an index into it
        self.made: list[int] = []  # and how many of its path were executed before each
        self.handlers: list[str] = []  # what stores the flags if the instruction `at` faults
        self.path: list[int] = []  # addresses of the instructions before the one being written, as they are executed
        self.room = LONGEST  # for so many more instructions
        self.names = count()
        self.namespace: dict[str, Any] = {}
        self.loops = False
        self.returns: list[int] = []  # where the calls of the trace come from, outermost first
        # of the instruction being written:
        self.next_eip = eip
        self.goes_to: int | None = None  # where the trace goes on; None if only the machine knows
        self.flags: _Flags | None = None  # set, but not yet stored in `cpu`
        self.prelude: list[str] = []  # what must come before the statement that is being written
        self.calls = False  # whether the instruction does something that may fault or be seen
        self.writes = False  # whether it writes memory
        self.foreign = False  # whether it does what is not written out here

    def fresh(self, prefix: str) -> str:
        return f"{prefix}{next(self.names)}"

    def constant(self, value: Any) -> ast.expr:
        """A number as it is; for another object, a name that the block knows it by."""
        if type(value) is int or isinstance(value, str):
            return ast.Constant(value)
        name = self.fresh("k")
        self.namespace[name] = value
        return ast.Name(name, ast.Load())

    def settle(self) -> None:
        """Store pending flags before the statement that is being written: it may look at them."""
        if self.flags is not None:
            self.prelude.append(f"cpu.lazy = {self.flags.pending()}")
            self.flags = None

    def take_prelude(self) -> list[str]:
        lines, self.prelude = self.prelude, []
        return lines

    # --- operands as text

    def read(self, operand: Any, method: str) -> str | None:
        """An expression for the operand's value; None if it has no short form."""
        match operand:
            case Register32(number):
                return f"R[{number}]"
            case Register16(number):
                return f"(R[{number}] & 65535)"
            case Register8(number):
                return f"(R[{number}] & 255)" if number < 4 else f"(R[{number - 4}] >> 8 & 255)"
            case Immediate(value):
                return str(value)
            case Target(displacement, size):
                return str(self.next_eip + displacement & MASK[size])
            case Memory(segment, size=size) if size in _CUT:
                pages = "READS" if method == "read" else "WRITES"
                return self._memory(pages, segment, offset_text(operand), size, f"{method}({segment}, {{}}, {size})")
        return None

    def _memory(self, pages: str, segment: int, offset: str, size: int, otherwise: str) -> str:
        self.calls = True
        if self.journaling:
            return otherwise.format(offset)
        at, page = self.fresh("a"), self.fresh("p")
        straddles, value = _CUT[size]
        word = f"{page}[{at} >> 2 & 1023]"
        return (
            f"({value.format(word=word, at=at)} if ({page} := {pages}[{segment}].get(({at} := {offset}) >> 12)) "
            f"is not None{straddles.format(at=at)} else {otherwise.format(at)})"
        )

    def peek_stack(self, distance: str, size: str) -> str | None:
        """The expression for `cpu.peek_stack`; blocks run on 32-bit stacks only."""
        if size != "4":
            return None
        offset = f"R[{ESP}]" if distance == "0" else f"(R[{ESP}] + {distance} & 4294967295)"
        return self._memory("READS", SS, offset, 4, f"peek_stack({distance}, 4)")

    def write(self, operand: Any, text: str) -> str:
        """Statements that store the value in the operand."""
        match operand:
            case Register32(number):
                return f"R[{number}] = {text}"
            case Register16(number):
                return f"R[{number}] = R[{number}] & 4294901760 | ({text})"
            case Register8(number) if number < 4:
                return f"R[{number}] = R[{number}] & 4294967040 | ({text})"
            case Register8(number):
                return f"R[{number - 4}] = R[{number - 4}] & 4294902015 | ({text}) << 8"
            case Memory(segment, size=size) if not self.journaling:
                otherwise = f"write({segment}, {{}}, {size}, {{}})"
                return self._store(segment, offset_text(operand), text, size, "", otherwise)
            case Memory(segment, size=size):
                self.calls = self.writes = True
                return f"write({segment}, {offset_text(operand)}, {size}, {text})"
        self.calls = True
        return f"{ast.unparse(self.constant(operand))}.write(cpu, {text})"

    def _store(self, segment: int, offset: str, text: str, size: int, then: str, otherwise: str) -> str:
        self.calls = self.writes = True
        at, page, value = self.fresh("a"), self.fresh("p"), self.fresh("v")
        fits = _CUT[size][0].format(at=at)
        word = f"{page}[{at} >> 2 & 1023]"
        if size == 4:
            store = f"    {word} = {value}\n"
        else:
            shift = f"(({at} & 3) << 3)"
            store = f"    {word} = {word} & ~({MASK[size]} << {shift}) | {value} << {shift}\n"
        return (
            f"{value} = {text}\n"
            f"if ({page} := WRITES[{segment}].get(({at} := {offset}) >> 12)) is not None{fits}:\n"
            f"{store}{then.format(at)}"
            f"else:\n    {otherwise.format(at, value)}"
        )

    def push(self, text: str, size: str) -> str:
        """Statements for `cpu.push`."""
        if size != "4" or self.journaling:
            self.calls = self.writes = True
            return f"push({text}, {size})"
        then = f"    R[{ESP}] = {{}}\n"
        return self._store(SS, f"R[{ESP}] - 4 & 4294967295", text, 4, then, "push({1}, 4)")

    # --- the trace

    def leave(self, eip: str | None = None, again: bool = True) -> list[str]:
        """Lines that leave the block behind the current instruction, for this EIP or for what `cpu.eip` holds.

        If that is the block's own start, they run it `again`.
        """
        made = len(self.path)
        lines = [f"cpu.lazy = {self.flags.pending()}"] if self.flags is not None else []
        if eip == str(self.eip) and again:
            self.loops = True
            return [
                *lines,
                f"steps += {made}",
                "if steps + LENGTH > budget:",
                f"    cpu.eip = {eip}",
                "    return steps",
                "continue",
            ]
        if eip is not None:
            lines.append(f"cpu.eip = {eip}")
        return [*lines, f"return steps + {made}"]

    def decode(self, eip: int) -> Instruction | None:
        """The instruction at EIP, read without effect; None if it cannot be decoded or leaves the page."""
        position = eip & 0xFFF

        def next_byte() -> int:
            nonlocal position
            if position == PAGE:
                raise _PageEnd
            position += 1
            return self.machine.memory.read(self.frame + position - 1, 1)

        try:
            instruction = decode(next_byte, 4)
        except (FaultRaised, _PageEnd):
            return None
        self.machine.keep_decoded(self.frame | eip & 0xFFF, 4, instruction)
        return instruction

    def block(self) -> Block | None:
        """The finished block; None if nothing can be in it."""
        lines = self.trace(self.eip)
        if not self.addresses:
            return None
        if self.loops:
            lines = ["while True:", *indented(lines)]
        source = [
            "def run(budget):",
            "    at = steps = 0",
            *(["    log = cpu.recorder.append"] if self.journaling else []),
            "    try:",
            *indented(lines, 8),
            "    except FaultRaised as raised:",
            *indented(self.handlers, 8),
            "        cpu.start = cpu.eip = EIPS[at]",
            "        cpu.retired -= 1",
            "        deliver(cpu, raised.fault)",
            "        return steps + MADE[at] + 1",
        ]
        length = max(self.made) + 1
        cpu = self.machine.cpu
        noting = self.journaling
        self.namespace.update(
            cpu=cpu, R=cpu.registers, READS=cpu.reads, WRITES=cpu.writes, read_for_write=cpu.read_for_write,
            read=cpu.note_read if noting else cpu.read, write=cpu.note_write if noting else cpu.write,
            push=cpu.note_push if noting else cpu.push, peek_stack=cpu.note_peek if noting else cpu.peek_stack,
            iterate=self.machine.iterate,
            FaultRaised=FaultRaised, deliver=deliver, EIPS=tuple(self.addresses), MADE=tuple(self.made), CODE=self.code,
            LENGTH=length,
        )  # fmt: skip
        exec(compile("\n".join(source), f"<block at {self.eip:#x}>", "exec"), self.namespace)
        return Block(self.namespace["run"], length, frozenset(self.addresses), "\n".join(source))

    def follow(self, eip: int) -> list[str]:
        """Lines for going on at the target of a branch that is taken: along it as far as there is room, then out."""
        share = self.room // 2
        if share < SHORTEST or eip in self.path:
            return self.leave(str(eip))
        kept = (self.flags, self.goes_to, self.next_eip, self.calls, self.writes, self.foreign, self.prelude)
        path, returns, room = self.path, self.returns, self.room
        self.path, self.returns, self.room, self.prelude = [*path], [*returns], share, []
        lines = self.trace(eip)
        self.path, self.returns, self.room = path, returns, room - (share - self.room)
        self.flags, self.goes_to, self.next_eip, self.calls, self.writes, self.foreign, self.prelude = kept
        return lines

    def trace(self, eip: int) -> list[str]:
        """Lines for the code from EIP on, until they leave the block."""
        lines: list[str] = []
        while self.room and eip >> 12 == self.eip >> 12 and eip not in self.path:
            instruction = self.decode(eip)
            if instruction is None:
                break
            number = len(self.addresses)
            before = self.flags
            self.addresses.append(eip)
            self.made.append(len(self.path))
            self.path.append(eip)
            self.room -= 1
            self.calls = self.writes = self.foreign = False
            self.goes_to = self.next_eip = eip + instruction.length & 0xFFFFFFFF
            repeats = bool(instruction.repeat and instruction.form.repeat)
            statements = self.called(instruction) if repeats else self.inlined(instruction, number)
            if self.foreign and instruction.form.transfers:
                for kept in (self.addresses, self.made, self.path):
                    kept.pop()
                self.flags = before
                self.prelude.clear()
                break
            if self.journaling:
                state = before.pending() if before is not None else "cpu.lazy or cpu.eflags"
                lines.append(f"log(({eip}, {state}, *R))")
            if self.calls:
                lines.append(f"at = {number}")
                if before is not None:
                    self.handlers += [f"if at == {number}:", f"    cpu.lazy = {before.pending()}"]
            lines += statements
            if repeats:
                here = self.leave(str(eip))
                lines += [f"if cpu.eip != {self.next_eip}:", *indented(here)]
            elif instruction.form.transfers and self.goes_to is None:
                if not self.returns:
                    return lines + self.leave()
                self.goes_to = self.returns.pop()
                lines += [f"if cpu.eip != {self.goes_to}:", *indented(self.leave())]
            elif self.writes:
                if self.goes_to != self.next_eip:
                    self.returns.append(self.next_eip)  # a jump that writes memory is a call
                # a write may have changed the very code that is running
                there = self.leave(str(self.goes_to), again=False)
                lines += [f"if CODE.generation != {self.code.generation}:", *indented(there)]
            eip = self.goes_to if self.goes_to is not None else self.next_eip
        return lines + self.leave(str(eip))

    def called(self, instruction: Instruction) -> list[str]:
        """Statements that leave the instruction to its function; of a repeated one, one iteration."""
        self.calls = self.writes = self.foreign = True
        self.settle()
        lines = self.take_prelude()
        if instruction.repeat and instruction.form.repeat:
            constant = ast.unparse(self.constant(instruction))
            start = self.path[-1]
            return [*lines, f"cpu.start = {start}", f"cpu.eip = {self.next_eip}", f"iterate({constant})"]
        function, *arguments = (
            ast.unparse(self.constant(value)) for value in (instruction.form.function, *instruction.arguments)
        )
        return [*lines, f"{function}({', '.join(['cpu', *arguments])})"]

    def inlined(self, instruction: Instruction, number: int) -> list[str]:
        """The statements of one instruction: its function's own, or a call of it."""
        template = _template(instruction.form.function)
        if template is None:
            return self.called(instruction)
        return _Inliner(template, instruction, number, self).statements()
