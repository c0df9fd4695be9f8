"""The progress of a run: complete as data, and one line per client for users."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.moved_clock import MovedClock
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.commands.effects import READING_CALL
from xpm_tui.commands.log import client_line, following
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS

NAMES = {"c1": "Kowhai Plumbing Pty Ltd", "c2": "ACME [/] Pty"}


class Heard:
    """Talk that keeps what it is given; nobody can be asked."""

    interactive = False

    def __init__(self) -> None:
        self.call = READING_CALL
        self.items: list[Mapping[str, Any]] = []
        self.lines: list[str] = []

    def say(self, sentence: str) -> None:
        self.lines.append(sentence)

    def progress(self, sentence: str) -> None:
        pass

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        self.items.append(item)
        if line:
            self.lines.append(line)

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        return None

    async def line(self, prompt: str) -> str | None:
        return None


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[OpenPractice]:
    home = find_home(str(tmp_path / "home"), {})
    with open_practice(home, person="mere", environ={}, clock=MovedClock()) as opened:
        opened.store.commit([Put(CLIENTS, Client(id=id_, name=name)) for id_, name in NAMES.items()])
        yield opened


def changed(field: str, record: str = "c1", *, key: str = "sync.change", side: str = "ignition") -> Event:
    return Event(key=key, run="r1", record=record, field=field, rule="fill", numbers={"side": side})


def line(*events: Event) -> str:
    return client_line(list(events), lambda id_: NAMES.get(id_, ""))


def test_three_fields_are_named_and_the_others_counted() -> None:
    fields = ("address", "phone", "fax", "website", "city")
    reported = line(changed("link", key="sync.link"), *map(changed, fields))
    assert reported == "r1 Kowhai Plumbing Pty Ltd: 6 changes (link, address, phone and 3 more)"


def test_a_field_of_several_contacts_is_named_once() -> None:
    reported = line(changed("contact_email", "c2/k3"), changed("contact_email", "c2/k4"))
    assert reported == "r1 ACME [/] Pty: 2 changes (contact e-mail)"


def test_one_change_keeps_its_own_sentence() -> None:
    assert line(changed("phone", side="xpm")).startswith("r1 Kowhai Plumbing Pty Ltd: phone updated in XPM")


def test_a_client_without_a_name_is_reported_by_its_id() -> None:
    assert line(changed("phone", "c9/k1"), changed("fax", "c9")) == "r1 c9: 2 changes (phone, fax)"


async def test_every_event_is_given_on_in_order_with_a_line_per_client(practice: OpenPractice) -> None:
    dialogue = Heard()
    sent = [
        Event(key="run.started", run="r1", numbers={"trigger": "hand"}),
        changed("link", key="sync.link"),
        *map(changed, ("phone", "fax")),
        changed("contact_email", "c1/k1"),
        changed("phone", "c2"),
        Event(key="sync.edited", run="r1", level="warning", record="c2", field="phone"),
        *(changed(field, "c2") for field in ("fax", "city")),
        Event(key="run.done", run="r1"),
    ]
    async with following(practice, dialogue):
        for event in sent:
            practice.events.emit(event)
    assert [(item["key"], item["field"]) for item in dialogue.items] == [(e.key, e.field) for e in sent]
    assert all(item["sentence"] for item in dialogue.items)
    reported = [each.partition(" r1 ")[2] for each in dialogue.lines]
    assert len(reported) == 6
    assert reported[1] == "Kowhai Plumbing Pty Ltd: 4 changes (link, phone, fax and 1 more)"
    assert reported[2].startswith("ACME [/] Pty: phone updated in Ignition")
    assert reported[3].startswith("WARNING ACME [/] Pty: phone was edited in XPM")
    assert reported[4] == "ACME [/] Pty: 2 changes (fax, city)"


async def test_what_is_held_back_goes_on_when_nothing_follows(practice: OpenPractice) -> None:
    dialogue = Heard()
    async with following(practice, dialogue):
        practice.events.emit(changed("phone"))
        practice.events.emit(changed("fax"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert [each.partition(" r1 ")[2] for each in dialogue.lines] == [
            "Kowhai Plumbing Pty Ltd: 2 changes (phone, fax)"
        ]
    assert len(dialogue.items) == 2
    assert len(dialogue.lines) == 1
