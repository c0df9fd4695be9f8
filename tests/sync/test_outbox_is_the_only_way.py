"""Only the outbox writes to XPM: a call of a writing method anywhere else fails this test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import xpm_tui
from tests.support.source_code import parsed
from xpm_tui.domain.ports import PORT_ERRORS, WRITE_ERRORS, WRITES, XpmJobsPort

ROOT = Path(next(iter(xpm_tui.__path__)))
OUTBOX = Path("sync/outbox.py")
ADAPTERS = ("xero", "sandbox")
"""The client of the wire defines these methods; the sandbox imports nothing of ours."""


def bypasses(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of every use of a writing method: as an attribute, or by name through ``getattr``."""
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Attribute) and node.attr in WRITES:
            # A function of ours may have the same name where it is imported from a module of ours.
            if not (isinstance(node.value, ast.Name) and node.value.id in MODULES_OF_OURS):
                yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            for argument in node.args[1:2]:
                if isinstance(argument, ast.Constant) and argument.value in WRITES:
                    yield node.lineno, str(argument.value)


MODULES_OF_OURS = {"edits"}
"""``application/clients/edits.py`` has an ``add_contact`` that adds one to the store."""


def test_only_the_outbox_writes_to_xpm() -> None:
    found = {}
    for file in sorted(ROOT.rglob("*.py")):
        place = file.relative_to(ROOT)
        if place == OUTBOX or place.parts[0] in ADAPTERS:
            continue
        uses = [*bypasses(file.read_text(encoding="utf-8"))]
        if uses:
            found[str(place)] = uses
    assert found == {}


def test_the_outbox_sends_every_kind_of_write() -> None:
    source = (ROOT / OUTBOX).read_text(encoding="utf-8")
    assert {name for _, name in bypasses(source)} == WRITES


def test_the_port_says_which_methods_write() -> None:
    raising = {name for name, errors in PORT_ERRORS[XpmJobsPort].items() if errors == WRITE_ERRORS}
    assert raising == WRITES


@pytest.mark.parametrize(
    "source",
    [
        "await practice.update_client(uuid, name, {})",
        "send = lambda: self._practice.add_job(name='x')",
        "write = practice.assign",
        "await getattr(practice, 'add_staff')(name='x')",
    ],
)
def test_a_call_that_bypasses_the_outbox_is_found(source: str) -> None:
    wrapped = f"async def run():\n    {source}\n"
    assert [*bypasses(wrapped)]
