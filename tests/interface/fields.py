"""The ``FIELD=VALUE`` names of the editing verbs: each is tried, and the verb's own hint names new ones."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.interface import practice, product
from tests.interface.golden import Tree, word
from tests.support.command import Inline
from tests.support.sandbox_process import sandbox_process

BEFORE = """
    import team team.csv
    import services services.csv
    import clients clients.csv
    import proposals proposals.csv
    team link --by-email
    proposals take o1 --repeat monthly
"""
CLIENT = {
    "name": "Another", "phone": "1", "fax": "2", "website": "https://a.example", "address": "1 Quay St",
    "city": "A", "region": "B", "postcode": "1010", "country": "New Zealand", "postal_address": "PO Box 1",
    "postal_city": "A", "postal_region": "B", "postal_postcode": "1010", "postal_country": "Australia",
    "tax_registered": "yes", "structure": "Company", "groups": "VIP", "partner": "t1", "manager": "t2",
    "state": "active", "client_id": "CLI-77",
}  # fmt: skip
CONTACT = {
    "name": "Ann", "email": "ann@a.example", "phone": "1", "mobile": "2", "salutation": "Ms",
    "addressee": "Ms Ann", "primary": "yes",
}  # fmt: skip
MEMBER = {"name": "Someone", "email": "someone@a.example", "access": "no", "active": "yes"}
SERVICE = {
    "name": "Advice", "description": "Some", "billing type": "once", "price": "12", "service id": "SVC-9",
}  # fmt: skip
PROPOSAL = {
    "number": "N-9", "reference": "R-9", "start": "2030-01-01", "end": "2030-12-31", "partner": "t1",
    "manager": "t2",
}  # fmt: skip
JOB = {
    "name": "Job", "description": "Some", "category": "", "budget": "12", "partner": "t1", "manager": "t2",
    "staff": "t1", "reference": "R", "templates": "Payroll", "due": "", "due_days": "30", "days_early": "2",
    "state": "", "automatic": "no", "start": "2030-01-31", "repeat": "monthly", "until": "2031-01-31",
}  # fmt: skip


def _less(values: dict[str, str], *names: str, prefix: str = "") -> dict[str, str]:
    return {prefix + name: value for name, value in values.items() if name not in names}


VERBS: dict[str, tuple[str, dict[str, str]]] = {
    "clients edit": ("clients edit c1", CLIENT),
    "clients edit CONTACT.": ("clients edit c1", _less(CONTACT, prefix="k1.")),
    "clients new": ("clients new New --anyway", _less(CLIENT, "name", "client_id") | {"client_id": "CLI-78"}),
    "clients new contact_": ("clients new New --anyway", _less(CONTACT, prefix="contact_")),
    "contacts add": ("contacts add c1 --anyway", CONTACT),
    "contacts edit": ("contacts edit c1 k1", CONTACT),
    "team new": ("team new New --anyway", _less(MEMBER, "name", "email") | {"email": "new@a.example"}),
    "team edit": ("team edit t1", MEMBER),
    "services new": ("services new New --anyway", _less(SERVICE, "name")),
    "services edit": ("services edit s1", SERVICE),
    "proposals new": ("proposals new New c6", PROPOSAL),
    "jobs edit": ("jobs edit w1", JOB),
}
"""By the name in the golden file: the words of a call, and a value for each field that it takes."""


def fields(folder: Path) -> Tree:
    """Every verb with the names that it takes."""
    practice.write_files(folder)
    tree: dict[str, str] = {}
    with sandbox_process(clients=12) as sandbox, practice.inside(folder), product.one_tree():
        practice.connect(folder / "home", sandbox)
        command = Inline(folder / "home", practice.environ(sandbox))
        for line in BEFORE.strip().splitlines():
            command(*line.split(), code=None)
        for name, (call, values) in VERBS.items():
            prefix = name.partition("contact_")[1] or ("k1." if name.endswith("CONTACT.") else "")
            own = {each.removeprefix(prefix) for each in values}
            taken = {each.removeprefix(prefix) for each in _taken(command, call, values)}
            new = _named(command, f"{call} {prefix}qzqzqz=1") - own
            taken |= new - {"name"} if " new" in call and not prefix else new
            tree[name] = " ".join(word(each) for each in taken)
    return tree


def _taken(command: Inline, call: str, values: dict[str, str]) -> list[str]:
    """The names that work: all at once, or else one after the other."""
    words = shlex.split(call)
    if command(*words, *(f"{name}={value}" for name, value in values.items()), code=None).code == 0:
        return list(values)
    return [name for name, value in values.items() if command(*words, f"{name}={value}", code=None).code == 0]


def _named(command: Inline, call: str) -> set[str]:
    """The names that the verb's own hint gives for one that there is not."""
    hint = str(command(*shlex.split(call), "--json", code=2).error["hint"])
    found = re.fullmatch(r"[^:]*: (.+)\.", hint)
    return set(found[1].split(", ")) if found else set()
