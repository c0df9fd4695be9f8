"""Times, counts, labels and errors are formatted in one place: the source is searched for a second one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.source_code import parsed
from xpm_tui.domain import labels

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "xpm_tui"
SOURCES = {
    str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] != "sandbox"
}

FORMATTER = "domain/formatting.py"
LABELS = "domain/labels.py"
PARAMETERS = "commands/parameter_labels.py"
PRESENTER = "diagnostics/error_presenter.py"

OTHER_TIMES = {
    "store/backup.py": "names of files",
    "store/admin.py": "names of folders",
    "tui/screenshot.py": "names of files",
    "cli/runner.py": "the crash file, ISO 8601, and its name",
    "cli/demo.py": "sample data",
    "deploy/job_spec.py": "job numbers, by a pattern that users set",
    "xero/client/practice.py": "the wire",
    "xero/codec/request_bodies.py": "the wire",
}
"""Who may format a time in another way, and what for: never for a user to read in a sentence or table."""


def test_one_pluraliser() -> None:
    assert list(_found(plurals, but={FORMATTER})) == []


def test_one_formatter_of_times() -> None:
    assert list(_found(times, but={FORMATTER, *OTHER_TIMES})) == []
    assert all(times(parsed(SOURCES[name])) for name in OTHER_TIMES), "an exception that is not needed"


def test_one_measure_of_width_and_one_wrapper() -> None:
    assert list(_found(widths, but={FORMATTER, "diagnostics/masking.py", "tui/terminal/encoder.py",
                                    "tui/terminal/screen_buffer.py"})) == []  # fmt: skip


def test_one_place_for_labels() -> None:
    assert list(_found(label_tables, but={LABELS, PARAMETERS})) == []


def test_one_presenter_of_errors() -> None:
    assert list(_found(error_texts, but={PRESENTER})) == []


@pytest.mark.parametrize(
    "code",
    [
        "f\"{n} client{'s' if n != 1 else ''}\"",
        'word = "job" if n == 1 else "jobs"',
        'f"{len(x):,} " + ("rows" if len(x) > 1 else "row")',
        'noun + "s"',
        'f"{n} clients"',
        'f"{len(found):,} jobs"',
        'one if number == 1 else one + "es"',
        'one if number == 1 else f"{one}s"',
    ],
)
def test_a_second_pluraliser_is_found(code: str) -> None:
    assert plurals(parsed(code))


@pytest.mark.parametrize(
    "code",
    ['at.strftime("%H:%M")', 'f"{at:%d %b}"', 'f"{hours} h ago"', 'f"{n} days ago"', 'format(at, "%Y")',
     'calendar.month_abbr[at.month]'],
)  # fmt: skip
def test_a_second_formatter_of_times_is_found(code: str) -> None:
    assert times(parsed(code))


@pytest.mark.parametrize(
    "code",
    [
        '{"linked": "● linked", "gone": "✗ gone"}',
        '{"first": ("● first overwrite", "accent"), "drift": ("≠ drift", "warn")}',
        '{"from_xpm": "XPM first", "to_xpm": "Ignition first"}',
        'dict(held="Held", failed="Failed")',
        '(("everything", "All of it"), ("name", "Names"))',
    ],
)
def test_a_second_table_of_labels_is_found(code: str) -> None:
    assert label_tables(parsed(code))


@pytest.mark.parametrize(
    "code",
    ['f"{trouble.message} {trouble.hint}"', '" ".join((wrong.message, wrong.hint))',
     '[trouble.message, trouble.hint]', '{"message": e.message, "hint": e.hint}'],
)  # fmt: skip
def test_a_second_presenter_is_found(code: str) -> None:
    assert error_texts(parsed(code))


def test_what_is_no_second_one_is_left_alone() -> None:
    harmless = parsed(
        'found[0] if len(found) == 1 else None\n{"linked": "good", "gone": "bad"}\n'
        'f"{name} clients"\nf"{a.message}"\n{"id": "ID", "done": "x"}\n'
    )
    assert not any(search(harmless) for search in (times, label_tables, error_texts))


# What is searched for


def plurals(tree: ast.AST) -> list[int]:
    """Return the lines that choose or make a plural."""
    found = []
    for node in ast.walk(tree):
        choice = isinstance(node, ast.IfExp) and _about_one(node.test) and _words(node.body, node.orelse)
        suffix = (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Add)
            and isinstance(node.right, ast.Constant)
            and node.right.value in ("s", "es", "ies")
        )
        if choice or suffix or (isinstance(node, ast.JoinedStr) and (_counted(node) or _ends_in_s(node))):
            found.append(node.lineno)  # type: ignore[attr-defined]
    return found


def times(tree: ast.AST) -> list[int]:
    """Return the lines that format a time or an age."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="strftime" | "month_abbr" | "day_abbr" | "ctime"):
                found.append(node.lineno)
            case ast.FormattedValue(format_spec=ast.JoinedStr(values=[ast.Constant(value=str(spec)), *_])):
                if "%" in spec.rstrip("%"):
                    found.append(node.lineno)
            case ast.Call(func=ast.Name(id="format"), args=[_, ast.Constant(value=str(spec))]):
                if "%" in spec:
                    found.append(node.lineno)
            case ast.JoinedStr(values=parts):
                texts = [part.value for part in parts if isinstance(part, ast.Constant)]
                units = ("h ago", "min ago", "s ago", "hours ago", "minutes ago", "days ago", "day ago")
                if any(str(text).strip().startswith(units) for text in texts):
                    found.append(node.lineno)
    return found


def widths(tree: ast.AST) -> list[int]:
    """Return the lines that measure or wrap a text by another library."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="rich.cells" | "textwrap") | ast.Attribute(attr="east_asian_width"):
                found.append(node.lineno)
            case ast.Import(names=[ast.alias(name="textwrap")]):
                found.append(node.lineno)
    return found


def label_tables(tree: ast.AST) -> list[int]:
    """Return the lines of a table from codes of the registry to texts: at least two codes of one kind."""
    found = []
    for node in ast.walk(tree):
        pairs: list[tuple[str, ast.expr]] = []
        match node:
            case ast.Dict(keys=keys, values=values):
                pairs = [
                    (key.value, value)
                    for key, value in zip(keys, values, strict=True)
                    if isinstance(key, ast.Constant) and isinstance(key.value, str)
                ]
            case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
                pairs = [(each.arg, each.value) for each in keywords if each.arg]
            case ast.Tuple(elts=items) | ast.List(elts=items):
                for item in items:
                    match item:
                        case ast.Tuple(elts=[ast.Constant(value=str(code)), value]):
                            pairs.append((code, value))
        texts = {code for code, value in pairs if _text(value)}
        if len(texts) >= 2 and len(texts) == len(pairs) and any(texts <= codes for codes in _tables()):
            found.append(node.lineno)  # type: ignore[attr-defined]
    return found


def error_texts(tree: ast.AST) -> list[int]:
    """Return the lines that put message and hint of one error together."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Tuple | ast.List | ast.Dict | ast.BinOp):
            used = {
                (ast.unparse(part.value), part.attr)
                for part in ast.walk(node)
                if isinstance(part, ast.Attribute) and part.attr in ("message", "hint")
            }
            if any((of, "hint") in used for of, attr in used if attr == "message"):
                found.append(node.lineno)
    return found


_STYLES = {"", "strong", "muted", "good", "warn", "bad", "match", "accent", "head"}
"""Styles of the console: a table of these is no table of labels."""


@cache
def _tables() -> tuple[frozenset[str], ...]:
    """Return the codes of each table of labels."""
    tables = (value for value in vars(labels).values() if isinstance(value, dict) and value)
    return tuple(frozenset(each) for each in tables if isinstance(next(iter(each.values())), labels.Label))


def _text(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=str(text)):
            # A code that stands for another code, such as a command's name, is no label.
            return text not in _STYLES and (" " in text or text[:1].isupper() or not text.isascii())
        case ast.Tuple(elts=[first, *_]):
            return _text(first)
    return False


def _about_one(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and any(
        isinstance(each, ast.Constant) and each.value in (1, 1.0) and each.value is not True
        for each in (test.left, *test.comparators)
    )


def _words(*branches: ast.expr) -> bool:
    """Whether the branches are two forms of one word."""

    one, other = (branch.value if isinstance(branch, ast.Constant) else None for branch in branches)
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    return bool({one, other} & {"s", "es"}) or one.strip()[:2] == other.strip()[:2]


_NOUNS = (
    "client", "contact", "job", "row", "record", "change", "call", "service", "proposal", "person", "day",
    "hour", "minute", "second", "line", "file", "link", "field", "value", "practice", "run", "step", "event",
    "template", "list", "member", "workflow", "occurrence", "backup", "conflict", "problem", "table",
)  # fmt: skip


def _counted(node: ast.JoinedStr) -> bool:
    """Whether a number stands before a noun that is always in the plural."""
    for value, after in zip(node.values, node.values[1:], strict=False):
        if not isinstance(value, ast.FormattedValue) or not isinstance(after, ast.Constant):
            continue
        word = str(after.value).split(" ")[1].rstrip(".,;:") if str(after.value).startswith(" ") else ""
        if word in {f"{noun}s" for noun in _NOUNS} | {"people", "categories", "matches"} and _numeric(value):
            return True
    return False


def _ends_in_s(node: ast.JoinedStr) -> bool:
    """Whether a noun gets its plural by an "s" behind it."""
    last = node.values[-1] if len(node.values) > 1 else None
    return isinstance(last, ast.Constant) and last.value in ("s", "es")


def _numeric(value: ast.FormattedValue) -> bool:
    spec = ast.unparse(value.format_spec) if value.format_spec else ""
    name = value.value
    sized = (
        isinstance(name, ast.Call) and isinstance(name.func, ast.Name) and name.func.id in ("len", "round")
    )
    known = isinstance(name, ast.Name) and name.id in ("n", "number", "count", "counted", "total", "left")
    return "," in spec or sized or known


def _found(search: object, *, but: set[str]) -> Iterator[str]:
    for name, text in SOURCES.items():
        if name not in but:
            yield from (f"{name}:{line}" for line in search(parsed(text)))  # type: ignore[operator]
