"""Reading replies: correct, or refused with the place of the fault."""

from __future__ import annotations

from datetime import date

import pytest

from tests.xero import replies
from tests.xero.replies import uuid
from xpm_tui.domain.errors import BadReply, EditConflict, RecordMissing, Refused
from xpm_tui.domain.xpm import RecordReference, XpmClient
from xpm_tui.xero.client import practice
from xpm_tui.xero.codec import xml_reader
from xpm_tui.xero.codec.xml_reader import Reader, Shape, read_single, read_status
from xpm_tui.xero.error_body import RequestInfo


def read_list(body: bytes, step: int = 7, shape: Shape[XpmClient] = practice.CLIENTS) -> list[XpmClient]:
    """Read a list in small pieces."""
    reader = Reader(shape, RequestInfo("GET client.api/list"))
    out = []
    for at in range(0, len(body), step):
        out += reader.feed(body[at : at + step])
    out += reader.finish()
    reader.close()
    return out


def fault(body: bytes) -> str:
    """The sentence with which a list is refused."""
    with pytest.raises(BadReply) as caught:
        read_list(body)
    return caught.value.message


def test_a_detailed_client_is_read_in_full() -> None:
    (client,) = read_list(replies.clients(replies.client(1)))
    assert client.uuid == uuid(1)
    assert client.number == "14071234"
    assert client.address == "Unit 4\n12 Jetty Rd"
    assert client.postcode == "0800"
    assert client.tax_registered is True
    assert client.structure == "Company"
    assert client.partner == RecordReference(uuid(901), "Ana Silva")
    assert client.manager == RecordReference(uuid(902), "Tom Reid")
    assert client.groups == (RecordReference(uuid(700), "Kowhai Group"),)
    assert client.billing_client is None
    assert client.tax_number is not None
    assert client.tax_number.shown == "******789"
    (contact,) = client.contacts
    assert (contact.name, contact.email, contact.position, contact.primary) == (
        "Jo Tane", "jo@kowhai.example", "Director", True,
    )  # fmt: skip


def test_absent_and_empty_are_the_same_and_groups_missing_are_none() -> None:
    (client,) = read_list(replies.clients(replies.bare_client(3, "Bare")))
    assert client.email == ""
    assert client.phone == ""
    assert client.tax_registered is None
    assert client.groups == ()
    plain = replies.clients(f"<Client><UUID>{uuid(3)}</UUID><Name>Bare</Name></Client>")
    assert read_list(plain)[0].groups is None


def test_upper_case_uuids_bom_declaration_comments_and_pretty_print() -> None:
    body = (
        b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\n<!-- x --><?pi y?>\n'
        b"<Response>\n  <Status> OK </Status>\n  <Clients>\n    <Client>\n"
        b"      <Name>A<!-- c -->B</Name>\n      <UUID>\n 6F2B1C50-91D7-4F2E-8A3B-000000000001 </UUID>\n"
        b"      <IsArchived>yes</IsArchived><Phone>\n   </Phone><New><Deep>1</Deep></New>\n"
        b"    </Client>\n  </Clients>\n</Response>\n"
    )
    (client,) = read_list(body)
    assert (client.uuid, client.name, client.archived, client.phone) == (uuid(1), "AB", True, "")


def test_text_is_nfc_with_line_feeds() -> None:
    body = replies.clients(
        f"<Client><UUID>{uuid(1)}</UUID><Name>Ma\u0304ori &amp; Sons 会計 🐨</Name>"
        "<Address>1&#13;\n2</Address></Client>"
    )
    (client,) = read_list(body, step=1)
    assert client.name == "M\u0101ori & Sons 会計 🐨"
    assert client.address == "1\n2"


def test_web_address_beside_the_status_counts_for_a_single_record() -> None:
    record = f"<Client><UUID>{uuid(1)}</UUID><Name>A</Name></Client>"
    url = "<WebUrl>https://practicemanager.xero.com/client/42</WebUrl>"
    for inner in (url + record, record + url):
        assert read_single(practice.CLIENT, replies.response(inner)).number == "42"


def test_an_unmasked_tax_number_is_masked_at_the_door() -> None:
    body = replies.clients(
        f"<Client><UUID>{uuid(1)}</UUID><Name>A</Name><TaxNumber>123456782</TaxNumber></Client>"
    )
    tax = read_list(body)[0].tax_number
    assert tax is not None
    assert tax.shown == "******782"


def test_empty_list_and_single_member() -> None:
    assert read_list(replies.clients()) == []
    assert len(read_list(replies.clients(replies.client(1)))) == 1


def test_a_job_is_read() -> None:
    job = read_single(practice.JOB, replies.response(replies.job()))
    assert (job.number, job.state, job.category, job.start, job.due) == (
        "J000412", "Planned", "Compliance", date(2026, 7, 1), date(2026, 10, 31),
    )  # fmt: skip
    assert job.tasks is not None
    assert [(t.name, t.minutes, t.task_uuid) for t in job.tasks] == [("Prepare workpapers", 180, uuid(502))]
    assert [s.name for s in job.assigned] == ["Tom Reid"]
    plain = read_single(practice.JOB, replies.response(replies.job(detailed=False)))
    assert plain.tasks is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is empty"),
        (b"   ", "is empty"),
        (b"hello", "not XML"),
        (b'<!DOCTYPE html><html><body>Bad gateway</body></html>', "web page"),
        (b"<html><body>Bad gateway</body></html>", "web page"),
        (b'<!DOCTYPE Response [<!ENTITY a "x">]><Response><Status>OK</Status></Response>', "DOCTYPE"),
        (b'<?xml version="1.0"?><!-- a --><!DOCTYPE Response><Response/>', "DOCTYPE"),
        (b"<Other><Status>OK</Status></Other>", "root Other"),
        ('<Response><Status>OK</Status><Clients/></Response>'.encode("utf-16"), "UTF-16"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><Response/>', "iso-8859-1"),
        (b"<Response><Clients/></Response>", "has no Status"),
        (b"<Response><Status>MAYBE</Status><Clients/></Response>", "neither OK nor ERROR"),
        (b"<Response><Status>OK</Status></Response>", "has no Clients"),
        (b"<Response><Status>OK</Status><Clients></Clients>", "broken or cut off"),
        (b"<Response><Status>OK</Status><Clients/></Response><x/>", "broken or cut off"),
        (b"<Response><Status>OK</Status><Clients>&foo;</Clients></Response>", "broken or cut off"),
        (b"<Response><Status>OK</Status><Clients>\xff</Clients></Response>", "broken or cut off"),
        ("<Response><Status>OK</Status><Clients>M\xe3ori</Clients></Response>".encode("latin-1"), "broken"),
        (b"<Response>" + b"<a>" * 300 + b"</a>" * 300 + b"</Response>", "broken or cut off"),
    ],
)  # fmt: skip
def test_what_is_no_reply_is_refused(body: bytes, says: str) -> None:
    assert says in fault(body)


def test_a_record_in_an_unexpected_place_is_refused() -> None:
    message = fault(replies.clients(replies.client(1), f"<Deep>{replies.client(2)}</Deep>"))
    assert "Client after record 1" in message
    assert "is in an unexpected place" in message


def test_a_cut_anywhere_is_refused_and_never_short() -> None:
    body = replies.clients(replies.client(1), replies.client(2))
    for at in range(0, len(body) - 1, 11):
        with pytest.raises(BadReply):
            read_list(body[:at], step=64)


def test_sizes_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_reader, "RECORD_LIMIT", 4096)
    reader = Reader(practice.CLIENTS, limit=20_000)
    reader.feed(b"<Response><Status>OK</Status><Clients><Client>")
    with pytest.raises(BadReply, match="record larger"):
        reader.feed(b"<Note>" + b"x" * 5000 + b"</Note>")
    with pytest.raises(BadReply, match="is larger"):
        Reader(practice.CLIENTS, limit=20).feed(b"<Response><Status>OK</Status>")


def test_a_text_beyond_ten_megabytes_is_refused() -> None:
    with pytest.raises(BadReply, match="broken or cut off"):
        read_list(replies.clients(f"<Client><Name>{'x' * 11_000_000}</Name></Client>"), step=65536)


def test_an_error_envelope_is_a_refusal_with_its_words() -> None:
    asked = RequestInfo("POST job.api/delete", write=True, status=200, correlation="c-1")
    with pytest.raises(Refused) as caught:
        read_status(replies.error("Invalid state code"), asked)
    assert caught.value.words == "Invalid state code"
    assert (caught.value.asked, caught.value.correlation) == ("POST job.api/delete", "c-1")
    with pytest.raises(RecordMissing):
        read_status(replies.error("Invalid job identifier"), asked)
    with pytest.raises(EditConflict):
        read_status(replies.error("Busy"), RequestInfo("PUT client.api/update", write=True, status=409))
    with pytest.raises(Refused) as other:
        read_status(replies.error("Invalid job template identifier"), asked)
    assert not isinstance(other.value, RecordMissing)


def test_memory_of_read_records_is_given_back() -> None:
    reader = Reader(practice.CLIENTS)
    reader.feed(b"<Response><Status>OK</Status><Clients>")
    for n in range(1, 60):
        reader.feed(replies.client(n).encode())
    assert reader._list is not None
    assert len(reader._list) <= 2
