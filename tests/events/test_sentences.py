"""Every key has a sentence, names are filled in from outside, and an unknown key still tells something."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpm_tui.events.keys import SENTENCES
from xpm_tui.events.sentences import nouned, sentence
from xpm_tui.model.events import Event

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


@pytest.mark.parametrize(
    ("number", "noun", "shown"),
    [
        (1, "call", "1 call"),
        (0, "call", "0 calls"),
        (1204, "call", "1,204 calls"),
        (3, "person/people", "3 people"),
    ],
)
def test_numbers_carry_their_noun(number: int, noun: str, shown: str) -> None:
    assert nouned(number, noun) == shown


@given(st.text(), st.dictionaries(st.text(), st.one_of(st.none(), st.booleans(), st.integers(), st.text())))
def test_any_event_reads(key: str, numbers: dict[str, object]) -> None:
    assert isinstance(sentence(Event(key=key, numbers=numbers)), str)  # type: ignore[arg-type]
