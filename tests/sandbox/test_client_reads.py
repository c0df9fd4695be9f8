"""client.api, reading: order, parts, flags, paging, search, time."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from lxml import etree

from tests.sandbox.fixtures import SandboxFixture, tags, texts
from tests.support.profile import count
from xpm_tui.sandbox.clock import MINUTE, stamp
from xpm_tui.sandbox.queries import read_token, write_token

BUSINESS = ("TaxNumber", "BusinessStructure", "AgencyStatus")
WIRE_ORDER = """
UUID Name Title Gender FirstName MiddleName LastName OtherName Email DateOfBirth Address City Region
PostCode Country PostalAddress PostalCity PostalRegion PostalPostCode PostalCountry Phone Fax
Website ReferralSource ExportCode IsProspect IsArchived IsDeleted AccountManager JobManager Type
BillingClient TaxNumber CompanyNumber BusinessNumber BranchNumber BusinessStructure BalanceMonth
GSTRegistered PrepareGST GSTPeriod GSTBasis ProvisionalTaxBasis ProvisionalTaxRatio
SignedTaxAuthority TaxAgent AgencyStatus ReturnType PrepareActivityStatement PrepareTaxReturn
AutoBasOptInCriteria BankBsb BankAccountName BankAccountNumber BankName ActiveAtoClient ClientCode
Contacts Notes Groups Relationships WebUrl
""".split()


async def test_the_list_is_compact_ordered_and_whole() -> None:
    env = await SandboxFixture.ready()
    text = (await env.call("GET", "client.api/list")).read().decode()
    root = etree.fromstring(text)
    assert text.startswith('<Response api-method="List"><Status>OK</Status><Clients><Client><UUID>')
    assert "\n<" not in text
    names = texts(root, "Clients/Client/Name")
    assert len(names) == 12
    assert names == sorted(names, key=str.casefold)
    assert "Yes" in texts(root, "Clients/Client/IsArchived")
    assert "Yes" in texts(root, "Clients/Client/IsDeleted")


@pytest.mark.parametrize(
    "path", ["client.api/list", "client.api/list?detailed=true", "client.api/paged-list"]
)
async def test_elements_keep_the_wire_order(path: str) -> None:
    env = await SandboxFixture.ready(250)
    root = await env.xml("GET", path)
    for client in root.iterfind("Clients/Client"):
        places = [WIRE_ORDER.index(tag) for tag in tags(client)]
        assert places == sorted(places)


async def test_which_reply_gives_which_parts() -> None:
    env = await SandboxFixture.ready()
    uuid = env.case("complete")[0]
    expected = {
        "client.api/list": (True, True, False),
        "client.api/list?detailed=true": (True, True, True),
        "client.api/paged-list": (False, False, False),
        "client.api/search?query=kowhai": (True, True, False),
        "client.api/search?query=KOWHAI&detailed=true": (True, True, True),
        f"client.api/get/{uuid}": (True, True, True),
    }
    for path, (business, contacts, extras) in expected.items():
        root = await env.xml("GET", path)
        (client,) = (row for row in root.iter("Client") if row.findtext("UUID") == uuid and len(row) > 2)
        found = tags(client)
        assert all((tag in found) == business for tag in BUSINESS), path
        assert ("Contacts" in found) == contacts, path
        assert all((tag in found) == extras for tag in ("Notes", "Groups", "Relationships")), path
        assert found[-1] == "WebUrl"


async def test_empty_text_is_a_pair_empty_list_closes_itself_null_is_absent() -> None:
    env = await SandboxFixture.ready()
    (uuid,) = env.case("name only")
    text = (await env.call("GET", f"client.api/get/{uuid}")).read().decode()
    assert "<Phone></Phone>" in text
    assert "<Contacts />" in text
    assert "<Email>" not in text
    assert "BusinessStructure" not in text


async def test_a_list_of_none() -> None:
    env = await SandboxFixture.ready()
    text = (await env.call("GET", "client.api/search?query=nobody+here")).read()
    assert text == b'<Response api-method="Search"><Status>OK</Status><Clients /></Response>'


async def test_search_is_part_of_name_any_case_with_archived_without_deleted() -> None:
    env = await SandboxFixture.ready()
    root = await env.xml("GET", "client.api/search?query=harbour%20CAF%C3%89")
    assert sorted(texts(root, "Clients/Client/IsArchived")) == ["No", "Yes"]
    root = await env.xml("GET", "client.api/search?query=Gone%20Holdings")
    assert texts(root, "Clients/Client/Name") == []
    assert (await env.error("GET", "client.api/search"))[0] == 400


async def test_unknown_client_by_switch() -> None:
    env = await SandboxFixture.ready()
    path = "client.api/get/00000000-0000-4000-8000-000000000000"
    assert await env.error("GET", path) == (200, "Invalid client identifier")
    env.sandbox.switches = env.sandbox.switches.changed({"unknown_uuid": "400"})
    assert await env.error("GET", path) == (400, "Invalid client identifier")
    env.sandbox.switches = env.sandbox.switches.changed({"unknown_uuid": "404-json"})
    response = await env.call("GET", path)
    assert (response.status, response.header("Content-Type")) == (404, "application/json")


async def test_uuid_in_any_case_finds_the_client() -> None:
    env = await SandboxFixture.ready()
    uuid = env.case("complete")[0]
    root = await env.xml("GET", f"client.api/get/{uuid.upper()}")
    assert root.findtext("Client/UUID") == uuid
    assert "/Client/140" in (root.findtext("Client/WebUrl") or "")


async def test_modified_since_gives_archived_and_deleted_too() -> None:
    env = await SandboxFixture.ready()
    env.sandbox.clock.advance(20 * MINUTE)
    now = env.sandbox.clock.now()
    changed = [env.case("same name")[0], env.case("deleted")[0], env.case("archived twin")[1]]
    for uuid in changed:
        await env.control("POST", "colleague", {"client": uuid, "set": {"phone": "1"}})
    for name in ("modifiedsince", "modifiedSince"):
        root = await env.xml("GET", f"client.api/list?{name}={stamp(now)}")
        assert sorted(texts(root, "Clients/Client/UUID")) == sorted(changed)
    later = await env.xml("GET", f"client.api/list?modifiedsince={stamp(now + 1)}")
    assert texts(later, "Clients/Client/UUID") == []
    assert (await env.error("GET", "client.api/list?modifiedsince=yesterday"))[0] == 400


async def test_paging_parameters_of_list_are_ignored() -> None:
    env = await SandboxFixture.ready()
    root = await env.xml("GET", "client.api/list?page=2&pagesize=1")
    assert len(texts(root, "Clients/Client/UUID")) == 12


@pytest.mark.parametrize("size", [1, 7, 50, 500])
async def test_pages_together_are_the_active_clients(size: int) -> None:
    env = await SandboxFixture.ready(120, minute_limit=1000)
    path = f"client.api/paged-list?pageSize={size}"
    seen: list[str] = []
    while path:
        root = await env.xml("GET", path)
        page = texts(root, "Clients/Client/UUID")
        assert len(page) <= size
        seen += page
        following = root.findtext("Pagination/Links/Next") or ""
        assert following == "" or following.startswith(
            f"{env.sandbox.urls.api}/practicemanager/3.1/client.api/"
        )
        path = following.partition("/3.1/")[2]
    active = [
        row.uuid for row in env.sandbox.practice.clients_in_order() if not row.archived and not row.deleted
    ]
    assert seen == active


@pytest.mark.parametrize("query", ["pageSize=0", "pageSize=501", "pageSize=x", "pageToken=nonsense"])
async def test_bad_pages(query: str) -> None:
    env = await SandboxFixture.ready()
    assert (await env.error("GET", f"client.api/paged-list?{query}"))[0] == 400


@given(st.integers(0, 10**9))
@settings(max_examples=count(100, 5000))
def test_page_tokens_come_back(offset: int) -> None:
    assert read_token(write_token(offset)) == offset


async def test_all_contacts_page_and_one_contact() -> None:
    env = await SandboxFixture.ready()
    root = await env.xml("GET", "client.api/contacts?pageSize=500")
    assert len(texts(root, "Contacts/Contact/UUID")) == len(env.sandbox.practice.contacts)
    company, holdings = env.case("shared contact")
    shared = env.sandbox.practice.clients[company].contacts[0].contact
    for client, position in ((company, "Director"), (holdings, "Shareholder")):
        root = await env.xml("GET", f"client.api/contact/{shared}?clientUuid={client}")
        assert root.findtext("Contact/Position") == position
    stranger = env.case("same name")[0]
    assert (await env.error("GET", f"client.api/contact/{shared}?clientUuid={stranger}"))[0] == 200


async def test_tax_numbers_are_masked() -> None:
    env = await SandboxFixture.ready(60)
    root = await env.xml("GET", "client.api/list")
    numbers = [number for number in texts(root, "Clients/Client/TaxNumber") if number]
    assert numbers
    assert all("*" in number and sum(map(str.isdigit, number)) == 3 for number in numbers)


async def test_web_url_beside_the_status_by_switch() -> None:
    env = await SandboxFixture.ready(web_url_place="beside")
    root = await env.xml("GET", f"client.api/get/{env.case('complete')[0]}")
    assert tags(root) == ["Status", "WebUrl", "Client"]
    assert root.find("Client/WebUrl") is None


async def test_pretty_replies_say_the_same() -> None:
    env = await SandboxFixture.ready()
    compact = await env.xml("GET", "client.api/list?detailed=true")
    env.sandbox.switches = env.sandbox.switches.changed({"pretty_xml": True})
    text = (await env.call("GET", "client.api/list?detailed=true")).read()
    assert text.startswith(b"<?xml")
    indented = etree.fromstring(text, etree.XMLParser(remove_blank_text=True))
    leaves = [(row.tag, row.text) for row in indented.iter() if not len(row) and row.text]
    assert leaves == [(row.tag, row.text) for row in compact.iter() if not len(row) and row.text]


async def test_list_and_get_say_the_same() -> None:
    env = await SandboxFixture.ready(60, minute_limit=100)
    root = await env.xml("GET", "client.api/list?detailed=true")
    for client in root.iterfind("Clients/Client"):
        alone = await env.xml("GET", f"client.api/get/{client.findtext('UUID')}")
        assert etree.tostring(alone[1]) == etree.tostring(client)


async def test_xml_and_json_say_the_same() -> None:
    env = await SandboxFixture.ready(60)
    root = await env.xml("GET", "client.api/list?detailed=true")
    env.accept = "application/json"
    rows = json.loads((await env.call("GET", "client.api/list?detailed=true")).read())["clients"]
    for client, row in zip(root.iterfind("Clients/Client"), rows, strict=True):
        assert len(client) == len(row)
        assert [client.findtext(name) for name in ("UUID", "Name", "Phone", "WebUrl")] == [
            row[name] for name in ("uuid", "name", "phone", "webUrl")
        ]
        assert texts(client, "Contacts/Contact/Email") == [contact["email"] for contact in row["contacts"]]


async def test_a_list_under_way_is_a_snapshot() -> None:
    env = await SandboxFixture.ready(250)
    response = await env.call("GET", "client.api/list?detailed=true")
    first = next(response.body)
    for _ in range(40):
        env.sandbox.colleague.edit_something(env.sandbox.clock.now())
    root = etree.fromstring(first + response.read())
    assert len(texts(root, "Clients/Client/UUID")) == 250
    assert not [name for name in texts(root, "Clients/Client/Name") if "renamed" in name]
