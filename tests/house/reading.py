"""Reading the house: its modules, and what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]


@attrs.frozen
class Source:
    """One module of the house: its dotted name, its text, and whether it is an ``__init__.py``."""

    name: str
    text: str
    is_package: bool = False

    @property
    def tree(self) -> ast.Module:
        """The module, parsed."""
        return ast.parse(self.text, self.name)


def sources(package: Path) -> tuple[Source, ...]:
    """Return every module of the package in a folder named like it."""
    return tuple(_source(path, package.parent) for path in sorted(package.rglob("*.py")))


def _source(path: Path, above: Path) -> Source:
    parts = path.relative_to(above).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    return Source(name, path.read_text(encoding="utf-8"), is_package)


def imported(source: Source) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of all that a module imports, ``from`` names included.

    What is imported only for type checkers is left out; what is imported inside a function, or by
    a name written out for ``import_module``, is not.
    """
    for node in _run(source.tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(names=names):
                above = _above(source, node)
                yield from ((node.lineno, f"{above}.{alias.name}") for alias in names)
            case ast.Call(func=called, args=[ast.Constant(value=str(name)), *_]):
                if last(called) in {"import_module", "__import__"}:
                    yield node.lineno, name


def _run(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and last(child.test) == "TYPE_CHECKING":
            yield from (inner for other in child.orelse for inner in (other, *_run(other)))
        else:
            yield child
            yield from _run(child)


def _above(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.name.split(".")
    kept = len(parts) - node.level + source.is_package
    return ".".join((*parts[:kept], *filter(None, [node.module])))


def last(node: ast.AST) -> str:
    """Return the last name of a chain: ``now`` of ``clock.now``; empty if it is none."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def dotted(node: ast.AST, known: Mapping[str, str]) -> str:
    """Return what a chain of names stands for: ``datetime.datetime.now`` for ``dt.now``, say."""
    match node:
        case ast.Name(id=name):
            return known.get(name, name)
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value, known)}.{name}"
    return "?"


def aliases(source: Source) -> dict[str, str]:
    """Return what imported names stand for: ``datetime.datetime`` for ``dt``, say."""
    found: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        if isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found
