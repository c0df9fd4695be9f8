"""CONTRIBUTING names what exists, the constraints cover every dependency, and the counts are right."""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    "CONTRIBUTING.md",
    "SECURITY.md",
    *sorted(f"docs/adr/{p.name}" for p in (ROOT / "docs/adr").glob("*.md")),
]
FOLDERS = (
    "xpm_tui/",
    "tests/",
    "docs/",
    "tools/",
    "styles/",
    ".ci/",
    "domain/",
    "store/",
    "sync/",
    "tui/",
    "xero/",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_module_that_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = {word for word in re.findall(r"[\w./-]+/[\w./-]*\w", text) if word.startswith(FOLDERS)}
    gone = [n for n in sorted(named) if not (ROOT / n).exists() and not (ROOT / "xpm_tui" / n).exists()]
    assert gone == []
    for module in re.findall(r"python -m ([\w.]+)", text):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module


def test_ci_installs_a_known_version_of_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(each for name in extras for each in extras[name])]
    names = {re.match(r"[\w-]+", each).group().lower() for each in asked} - {"xpm-tui"}  # type: ignore[union-attr]
    names |= {"socksio"} if "httpx[socks]" in asked else set()
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.M))
    assert names - pins.keys() == set()
    for name, version in re.findall(r"^([\w-]+)==(\S+)$", "\n".join(asked), re.M):
        assert pins[name] == version


@pytest.fixture(scope="module")
def words() -> ModuleType:
    """The script of CI."""
    spec = importlib.util.spec_from_file_location("words", ROOT / ".ci" / "words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SOURCE = '''"""A module docstring
of two lines."""

# a comment
LIMIT = 3
"""What it is."""


def shout(text):
    """Say anew."""
    return f"Begin {text} anew" + """Say it""" + "key"
'''


def test_code_lines_and_literals_leave_out_what_documents(words: ModuleType) -> None:
    tree = ast.parse(SOURCE)
    assert words.code_lines(SOURCE, tree) == 3
    assert [literal for _, literal in words.literals(tree)] == ["Begin … anew", "Say it"]


@pytest.mark.parametrize(("stem", "found"), [
    ("planning", False), ("string_matching", False), ("telling", True), ("settling", True), ("kept", True),
    ("undone", True), ("seed", False), ("links", False), ("rate_limited", True), ("ping", False),
])  # fmt: skip
def test_participles(words: ModuleType, stem: str, found: bool) -> None:
    assert words.is_participle(stem) is found


def test_names_are_used_once_and_none_is_retired(words: ModuleType) -> None:
    retired, places = words.retired("Retired names in code"), defaultdict[str, list[str]](list)
    for path in sorted(words.PACKAGE.rglob("*.py")):
        assert not words.is_participle(path.stem), path
        assert path.stem not in retired, path
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            places[name].append(path.name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
    assert not places.keys() & retired.keys()


def test_the_glossary_is_read(words: ModuleType) -> None:
    assert words.retired("Retired words")["begin anew"] == "start again"
    names = words.retired("Retired names in code")
    assert (names["Told"], names["Vault"]) == ("a class named …View", "TokenStore")


def test_a_page_is_read_without_code_and_addresses(words: ModuleType) -> None:
    page = "Say `anew` [here](anew.md).\n```sh\nanew\n```\nanew\n"
    assert list(words.prose(page)) == [(1, "Say  [here."), (5, "anew")]
