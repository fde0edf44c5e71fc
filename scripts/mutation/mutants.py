"""Mutants of one module: every small change of its syntax tree, made in its text so that all other lines stay."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

__all__ = ["Mutant", "mutants"]

OPPOSITES: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OTHER_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
REMOVABLE = ast.Assign, ast.AugAssign, ast.Expr, ast.Raise, ast.Delete, ast.Break, ast.Continue
WORDY = frozenset({"debug", "info", "warning", "error", "exception"})  # methods of a logger: words, not behaviour


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a module: ``old`` at ``start`` (an offset in its UTF-8 text) becomes ``new``."""

    line: int
    place: str
    """The qualified name of the function or class, empty at the top of the module."""
    start: int
    old: str
    new: str

    @property
    def change(self) -> str:
        """The change in one line."""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{old} -> {new}"

    def apply(self, source: str) -> str:
        """Return *source* with this change."""
        text = source.encode()
        end = self.start + len(self.old.encode())
        return (text[: self.start] + self.new.encode() + text[end:]).decode()


def mutants(source: str) -> list[Mutant]:
    """Return every mutant of *source* in the order of its lines."""
    return sorted(_Maker(source).all(), key=lambda mutant: (mutant.line, mutant.start, mutant.new))


class _Maker:
    def __init__(self, source: str) -> None:
        self._text = source.encode()
        self._tree = ast.parse(source)
        names = (node for node in ast.walk(self._tree) if isinstance(node, ast.Name))
        self._bindings = Counter(name.id for name in names if isinstance(name.ctx, ast.Store))
        self._bindings.update(node.arg for node in ast.walk(self._tree) if isinstance(node, ast.arg))
        self._starts = [0]
        for line in self._text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def all(self) -> Iterator[Mutant]:
        yield from self._walk(self._tree, "")

    def _walk(self, node: ast.AST, place: str) -> Iterator[Mutant]:
        if isinstance(node, ast.JoinedStr) or _is_wordy(node):
            return  # Python 3.11 has no true positions inside of an f-string
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            place = f"{place}.{node.name}".lstrip(".")
        for mutant in self._changes(node):
            yield replace(mutant, place=place)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self._walk(child, place)

    def _changes(self, node: ast.AST) -> Iterator[Mutant]:
        match node:
            case ast.Compare(ops=[op]):
                for other in OPPOSITES[type(op)]:
                    yield self._changed(node, ops=[other()])
            case ast.BoolOp(op=op):
                yield self._changed(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
                for skipped in range(len(node.values)):
                    values = [value for number, value in enumerate(node.values) if number != skipped]
                    yield self._replaced(
                        node, f"({ast.unparse(ast.BoolOp(op, values) if len(values) > 1 else values[0])})"
                    )
            case ast.UnaryOp(op=ast.Not() | ast.USub()):
                yield self._replaced(node, f"({ast.unparse(node.operand)})")
            case ast.BinOp(op=op) if type(op) in OTHER_OPERATORS:
                yield self._changed(node, op=OTHER_OPERATORS[type(op)]())
            case ast.AugAssign(op=op) if type(op) in OTHER_OPERATORS:
                yield self._changed(node, op=OTHER_OPERATORS[type(op)](), is_statement=True)
            case ast.Constant(value=bool() | int() | float() as value):
                yield self._replaced(node, repr(_other(value)))
            case ast.If() | ast.While() | ast.IfExp() if not _is_flipped(node.test):
                yield self._replaced(node.test, f"(not ({ast.unparse(node.test)}))")
            case ast.Return(value=ast.expr() as value) if ast.unparse(value) not in ("None", "False"):
                yield self._replaced(value, "None")
        if isinstance(node, REMOVABLE) and not _is_docstring(node) and not self._is_only_binding(node):
            yield self._replaced(node, "pass")

    def _is_only_binding(self, node: ast.AST) -> bool:
        """Whether nothing else gives the name that *node* assigns to: without it, any test ends in a NameError."""
        return isinstance(node, ast.Assign) and all(
            isinstance(target, ast.Name) and self._bindings[target.id] == 1 for target in node.targets
        )

    def _changed(self, node: ast.expr | ast.stmt, *, is_statement: bool = False, **fields: object) -> Mutant:
        other = copy.copy(node)
        for name, value in fields.items():
            setattr(other, name, value)
        text = ast.unparse(other)
        return self._replaced(node, text if is_statement else f"({text})")

    def _replaced(self, node: ast.expr | ast.stmt, new: str) -> Mutant:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[node.end_lineno - 1] + node.end_col_offset
        return Mutant(node.lineno, "", start, self._text[start:end].decode(), new)


def _other(value: float) -> float:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value * 2 + 1


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_flipped(node: ast.expr) -> bool:
    """Whether a mutant of *node* itself is its negation."""
    return isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


def _is_wordy(node: ast.AST) -> bool:
    """Whether *node* is a call of a logger or a block for the type checker only."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in WORDY
        and ast.unparse(node.value.func.value) in ("log", "self._log")
    )
