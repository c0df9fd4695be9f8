"""Which functions of the application layer write, and which modules of the console refer to them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support import source_code

PACKAGE = Path(__file__).parents[2] / "xpm_tui"
TUI = PACKAGE / "tui"

WRITES = (
    ("writable",),
    ("book", "commit"),
    ("book", "transact"),
    ("store", "commit"),
    ("store", "transact"),
    ("events", "emit"),
    ("settings", "set"),
    ("settings", "unset"),
)
"""The ends of the calls by which something is written."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def writing() -> frozenset[str]:
    """Return the dotted names of all functions and methods of the application layer that write.

    A function writes where it calls one of ``WRITES``, or refers to one that does.
    """
    found: set[str] = set()
    refers: dict[str, set[str]] = {}
    for path in sorted((PACKAGE / "application").rglob("*.py")):
        tree, here = parsed(path), dotted_name(path)
        names = imported(tree)
        for name, function in functions(tree):
            refers[f"{here}.{name}"] = set(references(function, names, here))
            if writes(function):
                found.add(f"{here}.{name}")
    while more := {name for name, others in refers.items() if name not in found and others & found}:
        found |= more
    return frozenset(found)


def bypasses(path: Path) -> set[str]:
    """Return what a module of the console writes by itself, beside every command."""
    tree = parsed(path)
    names = imported(tree)
    found = {name for name in references(tree, names, dotted_name(path)) if name in writing()}
    found = {name.removeprefix("xpm_tui.application.") for name in found}
    return found | {".".join(end) for end in own_writes(tree)}


def writes(node: ast.AST) -> bool:
    """Return whether one of ``WRITES`` is called."""
    return any(True for _ in own_writes(node))


def own_writes(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield those of ``WRITES`` that are called."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            chain = parts(each.func)
            yield from (end for end in WRITES if chain[-len(end) :] == end)


def references(node: ast.AST, names: dict[str, str], here: str) -> Iterator[str]:
    """Yield the dotted name of everything that is referred to, called or not.

    A name that is bound inside is looked up by its annotation, so that methods are found too.
    """
    bound = locals_of(node)
    for each in ast.walk(node):
        if not isinstance(each, ast.Name | ast.Attribute) or not isinstance(each.ctx, ast.Load):
            continue
        first, *rest = parts(each) or ("",)
        if first in bound:
            first = bound[first]
            if not first or not rest:
                continue
        if first in names:
            yield ".".join((names[first], *rest))
        elif first:
            yield ".".join((here, first, *rest))


def locals_of(node: ast.AST) -> dict[str, str]:
    """Return the parameters and variables of a function and of those inside it, with their annotated type."""
    found: dict[str, str] = {}
    for each in ast.walk(node):
        if (
            isinstance(each, ast.Name)
            and isinstance(each.ctx, ast.Store)
            and not isinstance(node, ast.Module)
        ):
            found.setdefault(each.id, "")
        elif isinstance(each, ast.arg):
            found[each.arg] = each.annotation.id if isinstance(each.annotation, ast.Name) else ""
    return found


def imported(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for."""
    return {
        alias.asname or alias.name: f"{each.module}.{alias.name}"
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield functions and methods, a method as ``Class.method``."""
    for each in tree.body:
        if isinstance(each, Function):
            yield each.name, each
        elif isinstance(each, ast.ClassDef):
            yield from ((f"{each.name}.{own.name}", own) for own in each.body if isinstance(own, Function))


def parts(node: ast.expr) -> tuple[str, ...]:
    """Return ``a.b.c`` as its names; what ``a`` is an attribute of is left out where it is no name."""
    if isinstance(node, ast.Attribute):
        return (*parts(node.value), node.attr)
    return (node.id,) if isinstance(node, ast.Name) else ()


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return source_code.parsed(path.read_text(encoding="utf-8"))


def dotted_name(path: Path) -> str:
    """Return the dotted name of a module."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
