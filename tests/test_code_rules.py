"""Rules for the code: what is loaded when, how long files are, what docstrings say."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.source_code import parsed

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "xpm_tui").rglob("*.py"))
LONGEST = 450


def loaded(code: str) -> set[str]:
    """Top-level packages in ``sys.modules`` after running ``code`` in an interpreter of its own."""
    script = (
        f"import sys\nfrom xpm_tui.lazy import unloaded_modules\n{code}\n"
        "print('\\n'.join(sorted({m.split('.')[0] for m in set(sys.modules) - unloaded_modules()})))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("room", ["domain", "files", "log", "settings", "sync", "commands", "application"])
def test_rooms_below_the_console_load_no_textual_and_no_http(room: str) -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in SOURCES
        if path.relative_to(ROOT).parts[1] == room and path.stem != "__init__"
    ]
    there = loaded("\n".join(f"import {module}" for module in modules))
    assert not there & {"textual", "httpx", "authlib"}


def test_a_file_can_be_read_in_one_go() -> None:
    wrong = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        tree = parsed(text)
        if text.count("\n") > LONGEST:
            wrong.append(f"{path.relative_to(ROOT)} has more than {LONGEST} lines")
        if not ast.get_docstring(tree):
            wrong.append(f"{path.relative_to(ROOT)} does not say what it is for")
        if path.name == "__init__.py" and path.parent.name != "xpm_tui" and len(tree.body) != 1:
            wrong.append(f"{path.relative_to(ROOT)} defines something")
    assert wrong == []


def test_no_public_thing_goes_without_a_word() -> None:
    bare = []
    for path in SOURCES:
        for node in parsed(path.read_text(encoding="utf-8")).body:
            if (
                isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                bare.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert bare == []


def functions_with_imports(path: Path) -> list[str]:
    """Where a file imports inside a function."""
    found = []
    for outer in ast.walk(parsed(path.read_text(encoding="utf-8"))):
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found += [
                f"{path.relative_to(ROOT)}:{inner.lineno}"
                for inner in ast.walk(outer)
                if isinstance(inner, (ast.Import, ast.ImportFrom))
            ]
    return found


def test_imports_wait_only_through_lazy_imports() -> None:
    """Only the entry points import inside a function: what they start would wait for the mechanism itself."""
    entries = {ROOT / "xpm_tui" / "__main__.py", ROOT / "xpm_tui" / "sandbox" / "__main__.py"}
    hidden = [place for path in SOURCES if path not in entries for place in functions_with_imports(path)]
    assert hidden == []


def test_what_waits_is_bound_as_a_module_and_nothing_else() -> None:
    """A name imported from a module would load it at once, so it would not wait."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in SOURCES}
    eager = []
    for path in SOURCES:
        for block in parsed(path.read_text(encoding="utf-8")).body:
            if not isinstance(block, ast.With) or ast.unparse(block.items[0]) != "lazy_imports()":
                continue
            for inner in block.body:
                if isinstance(inner, ast.ImportFrom):
                    eager += [
                        f"{path.relative_to(ROOT)}:{inner.lineno} {alias.name}"
                        for alias in inner.names
                        if f"{inner.module}.{alias.name}" not in names
                    ]
    assert eager == []
