"""The rules of the house: each takes one module and yields a sentence for all that breaks it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.house.plan import (
    DOOR,
    FORBIDDEN_WORDS,
    IMPURE_MODULES,
    IMPURE_NAMES,
    LONGEST_FUNCTION,
    LONGEST_MODULE,
    PACKAGES,
    PURE,
    ROOMS,
    reachable,
    room,
    row,
)
from tests.house.reading import ROOT, Source, aliases, dotted, imported, last


def unplaced(source: Source) -> Iterator[str]:
    """Yield a sentence for a module that is in no room of the table."""
    if row(room(source.name)) not in ROOMS:
        place = room(source.name)
        yield f"{source.name} is in no room: place {place!r} in ROOMS of tests/house/plan.py"


def upward(source: Source) -> Iterator[str]:
    """Yield a sentence for each import that does not go down to a floor below."""
    own = room(source.name)
    allowed = reachable(row(own))
    for line, name in imported(source):
        target = _room_imported(name)
        if target in (None, own) or row(str(target)) in allowed:
            continue
        yield f"{source.name}:{line} imports {name}, which {own or 'the front door'} may not"


def _room_imported(name: str) -> str | None:
    if name.partition(".")[0] != "polysms":
        return None
    inside = room(name)
    if inside.startswith("providers.") and inside not in ROOMS and not _is_file(inside):
        return "providers"
    return inside if inside in ROOMS or _is_file(inside) else DOOR


def _is_file(place: str) -> bool:
    path = ROOT / "polysms" / Path(*place.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def misplaced(source: Source) -> Iterator[str]:
    """Yield a sentence for each package imported in a room that may not import it."""
    own = row(room(source.name))
    for line, name in imported(source):
        package = name.partition(".")[0]
        if package == "polysms" or package in sys.stdlib_module_names:
            continue
        if package not in PACKAGES:
            yield f"{source.name}:{line} imports {package}: place it in tests/house/plan.py"
            continue
        rooms = PACKAGES[package]
        if rooms is not None and own not in rooms:
            yield f"{source.name}:{line} imports {package}, which only {sorted(rooms)} may"


def impure(source: Source) -> Iterator[str]:
    """Yield a sentence for each way in which a pure room touches the world."""
    if row(room(source.name)) not in PURE:
        return
    for line, name in imported(source):
        parts = name.split(".")
        if any(".".join(parts[:end]) in IMPURE_MODULES for end in range(1, len(parts) + 1)):
            yield f"{source.name}:{line} imports {name}: a pure room is given it as an argument"
    known = aliases(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute) and dotted(node, known) in IMPURE_NAMES:
            yield f"{source.name}:{node.lineno} uses {dotted(node, known)}: a pure room is given it"


def oversized(source: Source) -> Iterator[str]:
    """Yield a sentence for a module or function that is too long; docstrings are not counted."""
    lines = len(source.text.splitlines())
    if lines > LONGEST_MODULE:
        yield f"{source.name} has {lines} lines: at most {LONGEST_MODULE}, then it is a folder"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = _length(node)
            if length > LONGEST_FUNCTION:
                yield f"{source.name}:{node.lineno} {node.name} has {length} lines"


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return lines
    return lines - ((first.end_lineno or first.lineno) - first.lineno + 1)


def undocumented(source: Source) -> Iterator[str]:
    """Yield a sentence for each public name without a docstring, the module itself included."""
    if source.text.strip() and ast.get_docstring(source.tree) is None:
        yield f"{source.name} has no docstring"
    yield from _undocumented(source.tree, source.name)


def _undocumented(parent: ast.Module | ast.ClassDef, name: str) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_") or _is_exempt(node):
            continue
        if ast.get_docstring(node) is None:
            yield f"{name}.{node.name} (line {node.lineno}) has no docstring"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node, f"{name}.{node.name}")


def _is_exempt(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a docstring stands elsewhere: beside the getter, or the implementation."""
    return any(last(mark) in {"overload", "setter", "override"} for mark in node.decorator_list)


def forbidden(text: str) -> Iterator[str]:
    """Yield each word of a text that no file of the project may hold."""
    return (word for word in FORBIDDEN_WORDS if word in text)
