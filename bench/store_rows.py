"""The rows of the store's benchmark: the same for every store, computed from their number."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from xpm_tui.domain.identity import exact, name_key

TABLES = ("clients", "xpm_clients", "links", "base")
_SPACE = uuid.UUID("5f1d3c2a-0000-4000-8000-000000000000")
_WORDS = ("Kauri", "Harbour", "Tāne", "Southern", "Bright", "Fern", "Anchor", "Mānuka", "Ridge", "Plain")
_AGREED = (
    "name phone fax website address city region postcode country postal_address postal_city postal_region"
    " postal_postcode postal_country tax_registered groups partner manager"
).split()


def documents(table: str, size: int, start: int = 0) -> Iterator[dict[str, Any]]:
    """Rows ``start`` to ``start + size`` of a table, as JSON values."""
    return (_MAKE[table](number) for number in range(start, start + size))


def values_of(table: str, row: dict[str, Any]) -> dict[str, str]:
    """What a row can be found by."""
    if table == "links":
        return {"uuid": row["uuid"]}
    if table != "xpm_clients":
        return {}
    name = row["name"]
    return {
        "name": exact(name),
        "name_key": name_key(name),
        "number": row["number"],
        "code": row["code"].casefold(),
    }


def link_set(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The link and the base that setting one link writes."""
    return {**_link(number), "by": "bob", "origin": "pasted"}, _base(number)


def _name(number: int) -> str:
    first, second = _WORDS[number % 10], _WORDS[number // 10 % 10]
    return f"{first} {second} {number} Limited"


def _uuid(kind: str, number: int) -> str:
    return str(uuid.uuid5(_SPACE, f"{kind}{number}"))


def _address(number: int) -> dict[str, Any]:
    return {
        "phone": f"09 555 {number % 10_000:04}",
        "website": f"https://client{number}.example",
        "address": f"{number} Queen Street",
        "city": "Auckland",
        "postcode": "1010",
        "country": "New Zealand",
        "postal_address": f"PO Box {number}",
        "postal_city": "Auckland",
        "tax_registered": True,
        "structure": "Company",
    }


def _person(number: int) -> dict[str, Any]:
    return {
        "name": f"Person {number} Söhne",
        "email": f"person{number}@client{number}.example",
        "phone": "09 555 0001",
        "mobile": "021 555 0001",
        "salutation": "Dear Person",
        "primary": True,
    }


def _client(number: int) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "name": _name(number),
        "client_id": f"CLI-{number}",
        "contacts": [{"id": f"k{number}", **_person(number)}],
        "groups": ["Family", f"Group {number % 500}"],
        "partner": "t1",
        "manager": "t2",
        **_address(number),
    }


def _xpm_client(number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("client", number),
        "name": _name(number),
        "number": str(1_000_000 + number),
        "code": f"KAU{number:05}",
        "email": f"office@client{number}.example",
        "contacts": [{"uuid": _uuid("contact", number), **_person(number)}],
        "groups": [{"uuid": _uuid("group", number % 500), "name": f"Group {number % 500}"}],
        "partner": {"uuid": _uuid("staff", 1), "name": "Ana Lee"},
        "manager": {"uuid": _uuid("staff", 2), "name": "Bob Ray"},
        "web_url": f"https://practicemanager.example/Client/{1_000_000 + number}/Detail",
        "seen_at": "2026-11-22T00:00:00Z",
        **_address(number),
    }


def _link(number: int) -> dict[str, Any]:
    contact = {"contact": f"k{number}", "uuid": _uuid("contact", number)}
    return {
        "id": f"c{number}",
        "uuid": _uuid("client", number),
        "number": str(1_000_000 + number),
        "contacts": [contact],
        "at": "2026-11-22T00:00:00Z",
        "by": "ana",
        "run": "r1",
    }


def _base(number: int) -> dict[str, Any]:
    return {"id": f"c{number}", "agreed": _AGREED, "pairs": {"structure": ["Company", "Limited company"]}}


_MAKE = {"clients": _client, "xpm_clients": _xpm_client, "links": _link, "base": _base}
