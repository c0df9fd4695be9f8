"""client.api, writing: what is kept, cleared, refused; contacts and their links; groups and staff."""

from __future__ import annotations

from xml.sax.saxutils import escape

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from lxml import etree

from tests.sandbox.fixtures import SandboxFixture, texts
from tests.support.profile import count

UNKNOWN = "00000000-0000-4000-8000-000000000000"
XML_TEXT = st.text(
    st.characters(
        exclude_categories=["Cs"], exclude_characters=[chr(code) for code in (*range(32), 0xFFFE, 0xFFFF)]
    ),
    min_size=1,
    max_size=60,
)


async def add(env: SandboxFixture, body: str) -> etree._Element:
    root = await env.xml("POST", "client.api/add", f"<Client>{body}</Client>")
    found = root.find("Client")
    assert found is not None
    return found


async def test_a_name_is_enough_and_brings_no_tax_block() -> None:
    env = await SandboxFixture.ready()
    text = (await env.call("POST", "client.api/add", "<Client><Name>New Ltd</Name></Client>")).read().decode()
    assert text.startswith('<Response api-method="Add"><Status>OK</Status><Client><UUID>')
    assert "<Email>" not in text
    assert "TaxNumber" not in text
    root = await env.xml("GET", "client.api/list")
    assert "New Ltd" in texts(root, "Clients/Client/Name")
    assert len(env.sandbox.practice.clients) == 13


async def test_everything_sent_comes_back_in_the_replys_own_words() -> None:
    env = await SandboxFixture.ready()
    person = next(iter(env.sandbox.practice.staff))
    client = await add(
        env,
        "<Name>Whole Ltd</Name><Email>a@b.example</Email><Address>1 St\nBack</Address><City>Hobart</City>"
        "<PostalCity>Perth</PostalCity><Phone>1</Phone><Fax>2</Fax><WebSite>https://w.example</WebSite>"
        f"<ReferralSource>R</ReferralSource><ExportCode>007</ExportCode><AccountManagerUUID>{person}"
        f"</AccountManagerUUID><JobManagerUUID>{person.upper()}</JobManagerUUID>"
        "<TaxNumber>12 345 678</TaxNumber>"
        "<BusinessStructure>Company</BusinessStructure><BalanceMonth>Jun</BalanceMonth><GSTRegistered>Yes"
        "</GSTRegistered><GSTPeriod>2</GSTPeriod><GSTBasis>Payment</GSTBasis><ClientCode>W1</ClientCode>"
        "<IsProspect>Yes</IsProspect><Contacts><Contact><Name>A</Name><IsPrimary>Yes</IsPrimary></Contact>"
        "<Contact><Name>B</Name><IsPrimary>Yes</IsPrimary><Position>CFO</Position></Contact></Contacts>",
    )
    expected = {
        "Email": "a@b.example",
        "Address": "1 St\nBack",
        "City": "Hobart",
        "PostalCity": "Perth",
        "Website": "https://w.example",
        "ExportCode": "007",
        "AccountManager/Name": "Ana Silva",
        "JobManager/UUID": person,
        "TaxNumber": "** *** 678",
        "BalanceMonth": "6",
        "GSTPeriod": "2 Monthly",
        "GSTBasis": "Payment",
        "ClientCode": "W1",
        "IsProspect": "Yes",
    }
    assert {name: client.findtext(name) for name in expected} == expected
    assert texts(client, "Contacts/Contact/Name") == ["A", "B"]
    assert texts(client, "Contacts/Contact/IsPrimary") == ["No", "Yes"]


async def test_update_keeps_what_is_absent_and_clears_what_is_empty() -> None:
    env = await SandboxFixture.ready()
    uuid = env.case("complete")[0]
    before = await env.xml("GET", f"client.api/get/{uuid}")
    await env.xml("PUT", "client.api/update", f"<Client><UUID>{uuid}</UUID><Name>Renamed Ltd</Name></Client>")
    after = await env.xml("GET", f"client.api/get/{uuid}")
    changed = [
        row.tag
        for row, other in zip(before[1], after[1], strict=True)
        if etree.tostring(row) != etree.tostring(other)
    ]
    assert changed == ["Name"]
    more = "<Phone/><Email></Email><JobManagerUUID/>"
    body = f"<Client><UUID>{uuid}</UUID><Name>Renamed Ltd</Name>{more}</Client>"
    root = await env.xml("PUT", "client.api/update", body)
    assert root.findtext("Client/Phone") == ""
    assert root.find("Client/Email") is None
    assert root.find("Client/JobManager") is None
    assert root.findtext("Client/AccountManager/Name") == "Ana Silva"
    assert len(texts(root, "Client/Contacts/Contact")) == 2


async def test_update_moves_the_modification_time() -> None:
    env = await SandboxFixture.ready()
    uuid = env.case("same name")[0]
    env.sandbox.clock.advance(60)
    await env.xml("PUT", "client.api/update", f"<Client><UUID>{uuid}</UUID><Name>J</Name></Client>")
    assert env.sandbox.practice.clients[uuid].modified == env.sandbox.clock.now()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("POST client.api/add", "<Client><Email>x</Email></Client>", 400),
        ("POST client.api/add", "<Client><Name>  </Name></Client>", 400),
        ("POST client.api/add", "<Job><Name>x</Name></Job>", 400),
        ("POST client.api/add", "<Client><Name>x</Client>", 400),
        ("POST client.api/add", "", 400),
        ("POST client.api/add", "<Client><Name>x</Name><GSTRegistered>true</GSTRegistered></Client>", 400),
        ("POST client.api/add", "<Client><Name>x</Name><GSTPeriod>3</GSTPeriod></Client>", 400),
        ("POST client.api/add", "<Client><Name>x</Name><BalanceMonth>13</BalanceMonth></Client>", 400),
        (
            "POST client.api/add",
            f"<Client><Name>x</Name><JobManagerUUID>{UNKNOWN}</JobManagerUUID></Client>",
            200,
        ),
        ("POST client.api/add", "<Client><Name>x</Name><Contacts><Contact/></Contacts></Client>", 400),
        ("PUT client.api/update", f"<Client><UUID>{UNKNOWN}</UUID><Name>x</Name></Client>", 200),
        ("PUT client.api/archive", f"<Client><UUID>{UNKNOWN}</UUID></Client>", 200),
        ("POST client.api/delete", "<Client></Client>", 400),
    ],
)
async def test_what_is_refused_changes_nothing(path: str, body: str, status: int) -> None:
    env = await SandboxFixture.ready()
    before = dict(env.sandbox.practice.clients), dict(env.sandbox.practice.contacts)
    method, name = path.split()
    assert (await env.error(method, name, body))[0] == status
    assert (env.sandbox.practice.clients, env.sandbox.practice.contacts) == before


async def test_a_doctype_is_refused() -> None:
    env = await SandboxFixture.ready()
    body = '<!DOCTYPE a [<!ENTITY b "c">]><Client><Name>&b;</Name></Client>'
    assert (await env.error("POST", "client.api/add", body))[0] == 400


async def test_archive_answers_the_client_delete_the_status() -> None:
    env = await SandboxFixture.ready()
    one, two = env.case("same name")
    root = await env.xml("PUT", "client.api/archive", f"<Client><UUID>{one}</UUID></Client>")
    assert root.findtext("Client/IsArchived") == "Yes"
    response = await env.call("POST", "client.api/delete", f"<Client><UUID>{two}</UUID></Client>")
    assert response.read() == b'<Response api-method="Delete"><Status>OK</Status></Response>'
    assert env.sandbox.practice.clients[two].deleted
    assert (
        await env.error("PUT", "client.api/update", f"<Client><UUID>{two}</UUID><Name>x</Name></Client>")
    )[1] == "Invalid client identifier"


@given(XML_TEXT)
@settings(max_examples=count(60, 3000), deadline=None)
async def test_any_text_that_xml_can_carry_survives(text: str) -> None:
    env = await SandboxFixture.ready(0)
    client = await add(env, f"<Name>n</Name><ReferralSource>{escape(text)}</ReferralSource>")
    listed = await env.xml("GET", "client.api/list")
    assert client.findtext("ReferralSource") == text
    assert listed.findtext("Clients/Client/ReferralSource") == text


async def test_contact_add_update_delete() -> None:
    env = await SandboxFixture.ready()
    client = env.case("same name")[0]
    owner = f"<Client><UUID>{client}</UUID></Client>"
    body = f"<Contact>{owner}<Name>New One</Name><IsPrimary>Yes</IsPrimary></Contact>"
    root = await env.xml("POST", "client.api/contact", body)
    uuid = root.findtext("Contact/UUID") or ""
    assert root.get("api-method") == "Contact"
    whole = await env.xml("GET", f"client.api/get/{client}")
    assert texts(whole, "Client/Contacts/Contact/IsPrimary") == ["No", "Yes"]
    path = f"client.api/contact/{uuid}?clientUuid={client}"
    body = "<Contact><Name>New One</Name><Email>n@e.example</Email><Position>CEO</Position></Contact>"
    root = await env.xml("PUT", path, body)
    assert (root.findtext("Contact/Email"), root.findtext("Contact/Position")) == ("n@e.example", "CEO")
    assert root.findtext("Contact/IsPrimary") == "Yes"
    root = await env.xml("DELETE", path)
    assert root.findtext("Contact/IsDeleted") == "Yes"
    whole = await env.xml("GET", f"client.api/get/{client}")
    assert uuid not in texts(whole, "Client/Contacts/Contact/UUID")
    assert (await env.error("PUT", path, "<Contact><Name>x</Name></Contact>"))[
        1
    ] == "Invalid contact identifier"
    env.sandbox.switches = env.sandbox.switches.changed({"deleted_contacts_listed": True})
    whole = await env.xml("GET", f"client.api/get/{client}")
    assert texts(whole, "Client/Contacts/Contact/IsDeleted")[-1] == "Yes"


async def test_position_and_primary_belong_to_the_link() -> None:
    env = await SandboxFixture.ready()
    company, holdings = env.case("shared contact")
    shared = env.sandbox.practice.clients[company].contacts[0].contact
    body = "<Contact><Name>Jo Tane</Name><Position>Chair</Position><IsPrimary>No</IsPrimary></Contact>"
    await env.xml("PUT", f"client.api/contact/{shared}?clientUuid={holdings}", body)
    links = [
        next(link for link in env.sandbox.practice.clients[uuid].contacts if link.contact == shared)
        for uuid in (company, holdings)
    ]
    assert [(link.position, link.primary) for link in links] == [("Director", True), ("Chair", False)]
    stranger = env.case("deleted")[0]
    assert (await env.error("PUT", f"client.api/contact/{shared}?clientUuid={stranger}", body))[0] == 200


async def test_existing_contacts_are_linked_at_most_ten() -> None:
    env = await SandboxFixture.ready()
    client = env.case("name only")[0]
    uuids = list(env.sandbox.practice.contacts)[:2]
    rows = "".join(f"<Contact><UUID>{uuid}</UUID><IsPrimary>Yes</IsPrimary></Contact>" for uuid in uuids)
    path = f"client.api/client/{client}/contacts"
    root = await env.xml("POST", path, f"<Client><Contacts>{rows}</Contacts></Client>")
    assert [child.tag for child in root[1]] == ["UUID", "Contacts"]
    assert texts(root, "Client/Contacts/Contact/IsPrimary") == ["No", "Yes"]
    assert (await env.error("POST", path, f"<Client><Contacts>{rows * 6}</Contacts></Client>"))[0] == 400


async def test_groups() -> None:
    env = await SandboxFixture.ready()
    one, two = env.case("same name")
    body = f"<Group><Name>New & Co</Name><Taxable>Yes</Taxable><ClientUUID>{one}</ClientUUID></Group>"
    root = await env.xml("POST", "clientgroup.api/add", body.replace("&", "&amp;"))
    uuid = root.findtext("Group/UUID")
    assert texts(root, "Group/Clients/Client/UUID") == [one]
    body = f'<Group><UUID>{uuid}</UUID><add uuid="{two}"/><remove uuid="{one.upper()}"/></Group>'
    root = await env.xml("PUT", "clientgroup.api/members", body)
    assert texts(root, "Group/Clients/Client/UUID") == [two]
    root = await env.xml("GET", "clientgroup.api/list")
    assert "New & Co" in texts(root, "Groups/Group/Name")
    assert root.find("Groups/Group/Clients") is None
    await env.xml("POST", "clientgroup.api/delete", f"<Group><UUID>{uuid}</UUID></Group>")
    assert env.sandbox.practice.clients[two].groups == ()
    assert (await env.error("GET", f"clientgroup.api/get/{uuid}"))[1] == "Invalid client group identifier"


async def test_a_group_needs_a_client() -> None:
    env = await SandboxFixture.ready()
    assert (await env.error("POST", "clientgroup.api/add", "<Group><Name>x</Name></Group>"))[0] == 400


async def test_staff_add_answers_get() -> None:
    env = await SandboxFixture.ready()
    root = await env.xml(
        "POST", "staff.api/add", "<Staff><Name>Zed New</Name><Email>z@x.example</Email></Staff>"
    )
    uuid = root.findtext("Staff/UUID")
    assert root.get("api-method") == "Get"
    listed = await env.xml("GET", "staff.api/list")
    assert texts(listed, "StaffList/Staff/Name")[-1] == "Zed New"
    await env.xml("POST", "staff.api/delete", f"<Staff><UUID>{uuid}</UUID></Staff>")
    listed = await env.xml("GET", "staff.api/list")
    assert uuid not in texts(listed, "StaffList/Staff/UUID")


async def test_new_records_show_minutes_later() -> None:
    env = await SandboxFixture.ready(create_lag=180)
    client = await add(env, "<Name>Late Ltd</Name>")
    uuid = client.findtext("UUID")
    for path in ("client.api/list", "client.api/search?query=late", "client.api/paged-list"):
        assert uuid not in texts(await env.xml("GET", path), "Clients/Client/UUID")
    assert (await env.xml("GET", f"client.api/get/{uuid}")).findtext("Client/Name") == "Late Ltd"
    env.sandbox.clock.advance(180)
    for path in ("client.api/list", "client.api/search?query=late", "client.api/paged-list"):
        assert uuid in texts(await env.xml("GET", path), "Clients/Client/UUID")
