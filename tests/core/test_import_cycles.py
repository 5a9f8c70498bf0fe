"""Modules can be read in an order: none imports, in whatever way and place, one that leads back to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


def graph(source: Path) -> dict[str, set[str]]:
    """Return the modules below a folder, each with those that it names in an import, for type checkers too."""
    modules = {_name(path.relative_to(source)): path for path in source.rglob("*.py")}
    return {name: {*_imports(path, modules)} - {name} for name, path in modules.items()}


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path, modules: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in modules)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for each in node.names:
                submodule = f"{node.module}.{each.name}"
                name = submodule if submodule in modules else str(node.module)
                yield from {name} & modules.keys()


def test_no_module_imports_itself_by_others():
    """Imports of types and those inside functions count, too."""
    found = graph(SOURCE)
    assert len(found) > 300
    TopologicalSorter(found).prepare()


def test_a_cycle_is_found(tmp_path: Path):
    """One import among types and one inside a function make a cycle."""
    (tmp_path / "one.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from two import x\n")
    (tmp_path / "two.py").write_text("def run():\n    import one\n")
    with pytest.raises(CycleError, match="cycle"):
        TopologicalSorter(graph(tmp_path)).prepare()
