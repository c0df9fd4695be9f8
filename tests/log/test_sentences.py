"""Every key has a sentence, names are filled in from outside, and an unknown key is still shown."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import xpm_tui
from xpm_tui.domain.events import Event
from xpm_tui.log.sentences import SENTENCES, sentence

HOSTILE = "ACME [/] Pty {0.__class__} {by} %s \x1b[2J"


@pytest.mark.parametrize("key", sorted(SENTENCES))
def test_every_template_can_be_filled(key: str) -> None:
    names = [name for _, name, _, _ in string.Formatter().parse(SENTENCES[key]) if name is not None]
    assert all(name.isidentifier() for name in names)
    told = sentence(Event(key=key, numbers=dict.fromkeys(names, 2), by="mere", run="r1", record="c1"))
    assert "{" not in told
    assert told
    assert sentence(Event(key=key))  # an event that lost its parts still reads


def test_names_are_given_from_outside_and_never_read_as_a_template() -> None:
    event = Event(key="list.closed", rule=HOSTILE, numbers={"scope": HOSTILE})
    assert sentence(event).count(HOSTILE) == 2


def test_masking_is_giving_other_names() -> None:
    event = Event(key="unknown.key", record="c7", uuid="u-7")
    assert sentence(event, lambda _: "Hill Trust") == "unknown key: record Hill Trust, uuid Hill Trust"
    assert sentence(event, lambda _: "Client ?") == "unknown key: record Client ?, uuid Client ?"
    assert sentence(event) == "unknown key: record c7, uuid u-7"


def test_a_change_says_which_way_it_went_and_why() -> None:
    event = Event(
        key="sync.change", record="c1", field="contact_email", rule="drift", numbers={"side": "xpm"}
    )
    told = "Hill Trust: contact e-mail updated in XPM (edited in XPM)"
    assert sentence(event, lambda _: "Hill Trust") == told
    undone = Event(key="sync.link", record="c1", uuid="u", rule="undo")
    assert sentence(undone) == "c1 is no longer linked to u (undone)"
    assert sentence(Event(key="sync.resolved", record="c1", outcome="done")).endswith(": XPM had applied it")


def test_a_call_without_a_status_got_no_answer() -> None:
    event = Event(key="call", call="PUT client.api/update", status=503)
    assert sentence(event) == "PUT client.api/update answered 503"
    assert sentence(replace(event, status=0)) == "PUT client.api/update got no answer"


def test_every_key_that_is_reported_has_a_sentence() -> None:
    reported = set()
    for path in (Path(xpm_tui.__file__).parent).rglob("*.py"):
        reported |= set(re.findall(r"""Event\(\s*key="([^"{]+)\"""", path.read_text(encoding="utf-8")))
    assert len(reported) > 20
    assert reported - set(SENTENCES) == set()


@given(st.text(), st.dictionaries(st.text(), st.one_of(st.none(), st.booleans(), st.integers(), st.text())))
def test_any_event_reads(key: str, numbers: dict[str, object]) -> None:
    assert isinstance(sentence(Event(key=key, numbers=numbers)), str)  # type: ignore[arg-type]
