"""Every class of input ends as ``docs/input.md`` says, row by row."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.application.fixtures import PracticeFixture
from tests.support.profile import count
from tests.xero import replies
from tests.xero.replies import uuid
from tools.reference.input_outcomes import OUTCOMES, ROWS, XPM, InputRow
from xpm_tui.application.practice import list_state
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.domain.errors import BadReply, Refused, UnreadableRecord
from xpm_tui.domain.xpm import FAULTS, XpmClient
from xpm_tui.sandbox.faults import Fault
from xpm_tui.xero.client import practice
from xpm_tui.xero.codec.xml_reader import Reader, read_list, read_single

ONE, TWO, SIX = replies.client(1), replies.client(2), replies.client(6)


def among(*records: str) -> bytes:
    """A list of clients with sound ones around them."""
    return replies.clients(ONE, *records, SIX)


def bare(inner: str, name: str = "Rata Ltd", number: int = 2) -> str:
    """A client with a UUID, a name and something odd."""
    return f"<Client><UUID>{uuid(number)}</UUID><Name>{name}</Name>{inner}</Client>"


CONTACT = replies.contact(5)
EXAMPLES: Mapping[str, tuple[bytes, ...]] = {
    "order": (among("<Client><New><Deep/></New><Name>A</Name>" f"<UUID>{uuid(2)}</UUID></Client>"),),
    "form": (
        b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><!-- a & b -->"
        + among(bare("<Address><![CDATA[1 & 2 &#11; St]]></Address>")),
    ),
    "capitals": (among(bare("<IsDeleted>1</IsDeleted>").replace(uuid(2), uuid(2).upper())),),
    "c1": (among(bare("<City>A\x85&#146;\u202e\U0001f42b&#x1F42B;</City>")),),
    "field-missing-uuid": (
        among(bare("<JobManager><Name>Sam</Name></JobManager>")),
        among(bare("<AccountManager><Name>Sam</Name></AccountManager>")),
        among(bare("<Contacts><Contact><Name>Jo</Name></Contact></Contacts>")),
        among(bare("<Groups><Group><Name>G</Name></Group></Groups>")),
    ),
    "field-bad-uuid": (among(bare("<Contacts><Contact><UUID>7</UUID></Contact></Contacts>")),),
    "field-unnamed-member": (among(bare("<Groups><Group/></Groups>")),),
    "field-twice": (among(bare(f"<Contacts>{CONTACT}{CONTACT}</Contacts>")),),
    "field-two-values": (among(bare("<Phone>1</Phone><Phone>2</Phone>")),),
    "field-not-text": (among(bare("<Fax>1<b>2</b></Fax>")),),
    "field-not-yes-or-no": (
        among(bare("<GSTRegistered>Registered</GSTRegistered>")),
        among(bare(f"<Contacts>{CONTACT.replace('<IsPrimary>Yes', '<IsPrimary>Perhaps')}</Contacts>")),
    ),
    "field-character": (*(
        among(bare(f"<Address>12 {odd} St</Address>"))
        for odd in ("\x0b", "\x00", "&#x0B;", "&#0;", "&#55357;&#56842;", "&#xFFFE;", "\ufffe", "\ufdd0",
                    "&#x110000;", "&nbsp;", "& ")
    ), among(bare("<Address>12 #HERE St</Address>")).replace(b"#HERE", b"\xed\xa0\xbd")),
    "record-missing-uuid": (
        among("<Client><Name>Rata Ltd</Name></Client>"),
        among("<Client/>"),
    ),
    "record-bad-uuid": (among("<Client><UUID>1407</UUID><Name>A</Name></Client>"),),
    "record-missing-name": (
        among(bare("", name="")),
        among(bare("", name="  ")),
        among(f"<Client><UUID>{uuid(2)}</UUID></Client>"),
    ),
    "record-twice": (among(TWO, TWO), among(TWO, bare("<City>B</City>"), TWO)),
    "record-two-values": (among(bare("<Name>Other</Name>")),),
    "record-not-text": (among(bare("", name="A<b>c</b>")),),
    "record-not-yes-or-no": (
        among(bare("<IsArchived>Maybe</IsArchived>")),
        among(bare("<IsProspect>2</IsProspect>")),
    ),
    "record-missing-number": (),
    "record-not-a-number": (),
    "record-not-a-date": (),
    "record-character": (among(bare("", name="A&#x0B;")), among(bare("").replace(uuid(2), f"{uuid(2)}&#1;"))),
    "single": (replies.response(bare("", name="")),),
    "cut": (among(TWO)[:-9],),
    "malformed": (
        among(TWO).replace(b"</Name>", b"", 1),
        replies.clients(ONE, f"<Deep>{TWO}</Deep>"),
    ),
    "outside": (
        replies.clients(ONE, "\x0b", TWO),
        replies.clients(ONE).replace(b"<Clients>", b"\x0b<Clients>"),
    ),
    "not-xml": (b"", b"hello"),
    "web-page": (b"<!DOCTYPE html><html/>", b"<html/>"),
    "doctype": (b"<!DOCTYPE Response [<!ENTITY a 'b'>]><Response/>",),
    "encoding": (
        among(bare("<City>caf#HERE</City>")).replace(b"#HERE", b"\xe9"),
        among().decode().encode("utf-16"),
        b'<?xml version="1.0" encoding="cp1252"?><Response/>',
    ),
    "type": (b"<Other/>", b"<Response><Clients/></Response>", b"<Response><Status>OK</Status></Response>"),
    "large": (b"<Response>" + b"<a>" * 300 + b"</a>" * 300 + b"</Response>",),
    "error": (replies.error("No"),),
}  # fmt: skip
"""Bytes for every class of reply; the classes of whole lists are tried with the sandbox below."""

LISTS = {"list-401-missing", "list-401-granted", "list-403", "list-500"}


def read(body: bytes, step: int) -> tuple[list[XpmClient], Reader[XpmClient]]:
    """Read a list in pieces of one size."""
    reader, found = Reader(practice.CLIENTS), list[XpmClient]()
    for at in range(0, len(body), step):
        found += reader.feed(body[at : at + step])
    found += reader.finish()
    reader.close()
    return [client for client in found if client.uuid not in reader.repeated_keys], reader


def test_every_class_has_an_example_and_no_cell_is_blank() -> None:
    assert all(all(row.cells) for row in ROWS)
    assert {row.outcome for row in ROWS} == {*OUTCOMES}
    of_replies = {row.id for row in ROWS if row.source == XPM}
    assert of_replies == {*EXAMPLES, *LISTS}
    assert {f"record-{kind}" for kind in FAULTS} - of_replies == {"record-unnamed-member"}


@pytest.mark.parametrize("row", [row for row in ROWS if row.id in EXAMPLES], ids=lambda row: row.id)
def test_a_reply_ends_as_the_page_says(row: InputRow) -> None:
    for body in EXAMPLES[row.id]:
        if row.id == "single":
            with pytest.raises(UnreadableRecord) as single:
                read_single(practice.CLIENT, body)
            assert uuid(2) in single.value.message
            assert single.value.hint
            continue
        for step in (1, 7, 100_000):
            if row.outcome == "refused":
                with pytest.raises((BadReply, Refused)) as caught:
                    read(body, step)
                assert str(caught.value.exit_code) == row.exits
                continue
            clients, reader = read(body, step)
            sound = {client.uuid for client in clients}
            assert {uuid(1), uuid(6)} <= sound, (body, step)
            if row.outcome == "understood":
                assert (reader.quarantined, len(clients)) == ([], 3), (body, step)
                continue
            aside, *others = reader.quarantined
            assert all(one.faults[0].kind == "twice" for one in others)
            kind = row.id.partition("-")[2]
            assert [fault.kind for fault in aside.faults] == [kind], (body, step)
            assert aside.remedy == row.remedy
            assert aside.whole is (row.outcome == "record")
            assert (uuid(2) in sound) is (row.outcome == "field")
            assert aside.uuid or aside.name or aside.place == 2


def test_a_job_with_an_odd_date_or_number_is_set_aside_alone() -> None:
    good = replies.job()
    odd = [
        good.replace("J000412", "J2").replace("<StartDate>2026-07-01", "<StartDate>soon", 1),
        good.replace("J000412", "J3").replace("<EstimatedMinutes>180", "<EstimatedMinutes>many", 1),
        good.replace("<ID>J000412</ID>", "<ID></ID>"),
    ]
    body = f"<Response><Status>OK</Status><Jobs>{good}{''.join(odd)}</Jobs></Response>".encode()
    jobs = read_list(practice.JOBS, body)
    assert [job.number for job in jobs] == ["J000412"]
    assert [(one.number, one.faults[0].kind) for one in jobs.quarantined] == [
        ("J2", "not-a-date"), ("J3", "not-a-number"), ("", "missing-number"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "fault", "scopes", "says"),
    [
        ("list-401-missing", "", "granular", "the login lacks the scope practicemanager.read"),
        ("list-401-granted", "401-scope", "both", "developer tier"),
        ("list-403", "403", "both", "HTTP 403), although the login has the scope"),
        ("list-500", "500", "both", "Job templates could not be read."),
    ],
)
async def test_a_list_ends_as_the_page_says(
    tmp_path: Path, row: str, fault: str, scopes: str, says: str
) -> None:
    assert row in LISTS
    env = PracticeFixture(tmp_path, clients=12, scopes=scopes)
    if fault:
        env.sandbox.faults.add(Fault(fault, endpoint="template.api/list"))
    await env.connect()
    (note,) = (each for each in (await refresh(env.practice)).notes if each.list == "templates")
    state = list_state(env.practice.snapshot(), "templates")
    assert says in note.sentence
    assert (state.note, state.at) == (note.sentence, None)
    assert ("correlation id" in note.sentence) is bool(fault)
    env.close()


ODD = [example for row in ROWS if row.outcome in ("field", "record") for example in EXAMPLES.get(row.id, ())
       if row.id != "single" and example.count(b"</Client>") == 3]  # fmt: skip
JUNK = [
    b"&#x0B;",
    b"\x0b",
    b"&nbsp;",
    b"\xff",
    b"<",
    b"</Client>",
    b"&#56842;",
    b"<![CDATA[",
    b"\xef\xbf\xbe",
    b"",
]


def test_odd_records_never_take_a_sound_one_along() -> None:
    """Lists of sound and odd records, cut into pieces of any size, some with junk in the middle."""
    dice = random.Random(20261129)
    body_of = [example.split(b"</Client>")[1] + b"</Client>" for example in ODD]
    for _ in range(count(400, 1_000_000)):
        sound = [replies.bare_client(n, f"Søn & {n}").encode() for n in range(10, 10 + dice.randint(1, 4))]
        records = [*sound, dice.choice(body_of)]
        dice.shuffle(records)
        body = b"<Response><Status>OK</Status><Clients>" + b"".join(records) + b"</Clients></Response>"
        broken = dice.random() < 0.3
        if broken:
            at = dice.randrange(len(body))
            body = body[:at] + dice.choice(JUNK) + body[at:]
        try:
            clients, reader = read(body, dice.randint(1, 900))
        except (BadReply, Refused):
            assert broken, body
            continue
        assert reader.count == len(records) or broken, body
        whole = sum(1 for one in reader.quarantined if one.whole)
        assert len(clients) + whole == reader.count, body
        if not broken:
            assert len(reader.quarantined) == 1, body
            assert {uuid(n) for n in range(10, 10 + len(sound))} <= {client.uuid for client in clients}, body
