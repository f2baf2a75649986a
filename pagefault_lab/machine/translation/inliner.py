"""Puts the operands of one instruction into the source of its function, and folds what is then constant."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.machine import flags
from pagefault_lab.machine.operands import Memory
from pagefault_lab.machine.registers import ESP
from pagefault_lab.machine.translation.pending_flags import PendingFlags
from pagefault_lab.machine.translation.places import indented, offset_text
from pagefault_lab.machine.translation.template import Template

if TYPE_CHECKING:
    from pagefault_lab.machine.decoder import Instruction
    from pagefault_lab.machine.translation.writer import Writer

FLAG_RULES: Final = {
    "flags_add": flags.ADD,
    "flags_subtract": flags.SUBTRACT,
    "flags_logic": flags.LOGIC,
    "flags_increment": flags.INCREMENT,
    "flags_decrement": flags.DECREMENT,
}


class Inliner(ast.NodeTransformer):
    """Puts one instruction's operands into its function's body."""

    def __init__(self, template: Template, instruction: Instruction, number: int, writer: Writer) -> None:
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
            elif method in FLAG_RULES:
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
        rule = FLAG_RULES[method]
        size = int(texts[-1])
        lines = []
        for place, text in enumerate(texts[:-1]):
            if not text.isidentifier() and not text.isdigit():
                name = self.writer.fresh("f")
                lines.append(f"{name} = {text}")
                texts[place] = name
        left, right, result = (["0", "0"] + texts[:-1])[-3:]
        found = PendingFlags(rule, left, right, result, size, self.writer.flags)
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


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _folded(node: Any) -> Any:
    """The node as a constant, if all its parts are."""
    parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    if all(isinstance(part, ast.Constant) for part in parts):
        return ast.Constant(eval(compile(ast.fix_missing_locations(ast.Expression(node)), "<folded>", "eval"), {}))
    return node
