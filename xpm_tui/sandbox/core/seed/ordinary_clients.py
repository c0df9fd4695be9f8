"""Ordinary clients in any number, as a practice has them: mostly complete, some archived, a few odd."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from sys import intern
from typing import TypeVar

from xpm_tui.sandbox.core.clock import DAY
from xpm_tui.sandbox.core.practice import SandboxPractice
from xpm_tui.sandbox.core.records import (
    Address,
    Bank,
    BillingTerms,
    ClientContact,
    ClientRecord,
    ContactRecord,
    Individual,
    Note,
    Relationship,
    Tax,
)
from xpm_tui.sandbox.core.seed import words

Item = TypeVar("Item")

STRUCTURES = ("Company",) * 8 + ("Individual",) * 7 + ("Trust",) * 3 + ("Partnership", "Superannuation Fund")
TERMS = (
    None,
    BillingTerms("20th of Month", "30.00", "DayOfMonth", "20"),
    BillingTerms("14 days", "0.00", "WithinDays", "14"),
)
_PERIODS = ("Monthly", "2 Monthly", "6 Monthly")
_BASES = ("Invoice", "Payment", "Hybrid")
_OPT_INS = (("No", "No", "No", "Yes"), ("Yes", "No", "No", "No"), ("No", "No", "Yes", "No"))


def pick(rng: Random, items: Sequence[Item]) -> Item:
    """One of the items, at the cost of a single random number."""
    return items[int(rng.random() * len(items))]


def make_taxes(structure: str) -> tuple[Tax, ...]:
    """Tax blocks that clients of one structure share, so that memory holds each once."""
    returns = {"Individual": "IR3", "Company": "IR4", "Trust": "IR6", "Partnership": "IR7"}.get(structure, "")
    registered = tuple(
        Tax(
            branch="1",
            structure=structure,
            balance_month=str(month),
            gst_registered="Yes",
            prepare_gst="Yes",
            gst_period=period,
            gst_basis=basis,
            provisional_basis="Standard Option" if returns else None,
            provisional_ratio="0.00" if returns else None,
            signed_authority="Yes",
            agent="Harbour & Hill Accountants",
            agency_status="With EOT",
            return_type=returns,
            prepare_activity="Yes",
            prepare_return="Yes",
            bas_opt_in=_OPT_INS[place % 3],
            active_ato="Yes" if month == 6 else "No",
        )
        for month in (3, 6)
        for place, (period, basis) in enumerate(zip(_PERIODS, _BASES, strict=True))
    )
    return (*registered, Tax(branch="1", structure=structure, return_type=returns, prepare_return="Yes"))


class ClientMaker:
    """A maker of clients from a random source; names seldom repeat.

    Texts that repeat are interned: a practice of 50,000 clients is held in memory.
    """

    def __init__(self, practice: SandboxPractice, rng: Random, now: float) -> None:
        self._practice = practice
        self._rng = rng
        self._now = now
        self._names = {client.name for client in practice.clients.values()}
        self._taxes = {structure: make_taxes(structure) for structure in STRUCTURES}
        self._people = [uuid for uuid, person in practice.staff.items() if not person.left]
        self._groups = list(practice.groups)
        self._rows: list[str] = list(practice.clients)

    def make(self) -> ClientRecord:
        """One further client with its contacts, put into the practice."""
        rng, practice = self._rng, self._practice
        structure = pick(rng, STRUCTURES)
        first, surname = pick(rng, words.FIRST_NAMES), pick(rng, words.SURNAMES)
        individual = structure == "Individual"
        name = self._free_name(
            f"{first} {surname}" if individual else self._business_name(structure, surname)
        )
        number = practice.take_client_number()
        domain = f"{surname.lower().replace(chr(39), '')}{number % 100_000}.example"
        town = pick(rng, words.TOWNS)
        street = intern(f"{int(rng.random() * 200) + 1} {pick(rng, words.STREETS)}")
        state = rng.random()
        client = ClientRecord(
            practice.ids.uuid("client"),
            number,
            name,
            self._now - rng.random() * 700 * DAY,
            person=self._person(first, surname) if individual else None,
            email=f"office@{domain}" if rng.random() < 0.85 else None,
            address=Address(
                street if rng.random() < 0.8 else intern(f"Unit {number % 40 + 1}\n{street}"), *town
            ),
            postal=Address(intern(f"PO Box {number % 9000 + 100}"), *town)
            if rng.random() < 0.5
            else Address(),
            phone=intern(f"0{number % 7 + 2} 555{number % 10} {number % 10_000:04d}"),
            fax=f"03 5559 {number % 10_000:04d}" if rng.random() < 0.1 else "",
            website=f"https://www.{domain}" if rng.random() < 0.4 else "",
            referral=pick(rng, words.SOURCES),
            export_code=str(number % 100_000) if rng.random() < 0.5 else "",
            prospect=state > 0.97,
            archived=state < 0.03,
            deleted=0.03 <= state < 0.04,
            partner=pick(rng, self._people) if rng.random() < 0.8 else None,
            manager=pick(rng, self._people) if rng.random() < 0.9 else None,
            terms=pick(rng, TERMS),
            tax=pick(rng, self._taxes[structure]) if rng.random() < 0.97 else None,
            tax_number=intern(f"{number % 900 + 100} {number * 7 % 900 + 100} {number * 13 % 900 + 100}"),
            company_number=intern(f"{number % 900 + 100} {number * 3 % 900 + 100} {number * 11 % 900 + 100}"),
            business_number=intern(f"{number % 90 + 10} {number * 17 % 900 + 100} 000 {number % 900 + 100}"),
            bank=Bank("067-000", name, f"{number:08d}", "Harbour Bank") if rng.random() < 0.3 else None,
            code=f"{surname[:3].upper()}{number % 100_000:05d}" if rng.random() < 0.7 else None,
            contacts=self._contacts(first, surname, domain, number),
            notes=self._notes(),
            groups=self._some_groups(),
            relationships=self._relationships(),
        )
        practice.put_client(client)
        self._rows.append(client.uuid)
        return client

    def _business_name(self, structure: str, surname: str) -> str:
        return f"{surname} {pick(self._rng, words.TRADES)} {pick(self._rng, words.ENDINGS[structure])}"

    def _free_name(self, name: str) -> str:
        """The name, or with a town or number where it is taken; one in two hundred stays a twin."""
        if name in self._names and self._rng.random() > 0.005:
            name = f"{name} {pick(self._rng, words.TOWNS)[0]}"
            if name in self._names:
                name = f"{name} {len(self._names)}"
        self._names.add(name)
        return name

    def _person(self, first: str, surname: str) -> Individual:
        rng = self._rng
        year, month, day = (int(rng.random() * span) for span in (60, 12, 28))
        born = f"{1940 + year}-{month + 1:02d}-{day + 1:02d}"
        return Individual(
            title=pick(rng, ("Ms", "Mr", "Dr", "")),
            gender=None,
            first=first,
            middle="" if rng.random() < 0.7 else pick(rng, words.FIRST_NAMES),
            last=surname,
            other="",
            born=born if rng.random() < 0.8 else None,
        )

    def _contacts(self, first: str, surname: str, domain: str, number: int) -> tuple[ClientContact, ...]:
        rng, links = self._rng, []
        count = pick(rng, (0, 1, 1, 1, 1, 2, 2, 3))
        for place in range(count):
            given = first if place == 0 else pick(rng, words.FIRST_NAMES)
            contact = ContactRecord(
                self._practice.ids.uuid("contact"),
                intern(f"{given} {surname}"),
                mobile=intern(f"04{number % 90 + 10} 5{place}0 {number % 900 + 100}"),
                email=f"{given.lower()}@{domain}" if rng.random() < 0.9 else "",
                phone=intern(f"03 555{place} {number % 10_000:04d}") if rng.random() < 0.4 else "",
                salutation=given,
                addressee=intern(f"{given} {surname}") if rng.random() < 0.5 else "",
            )
            self._practice.contacts[contact.uuid] = contact
            links.append(ClientContact(contact.uuid, pick(rng, words.POSITIONS), primary=place == 0))
        return tuple(links)

    def _notes(self) -> tuple[Note, ...]:
        rng = self._rng
        return tuple(
            Note(
                pick(rng, words.NOTE_TITLES),
                pick(rng, words.NOTE_TEXTS),
                "",
                self._now - rng.random() * 400 * DAY,
                self._practice.staff_name(pick(rng, self._people)),
            )
            for _ in range(pick(rng, (0, 0, 1, 1, 2, 3)))
        )

    def _some_groups(self) -> tuple[str, ...]:
        rng = self._rng
        count = pick(rng, (0, 0, 1, 1, 2))
        return tuple(dict.fromkeys(pick(rng, self._groups) for _ in range(count)))

    def _relationships(self) -> tuple[Relationship, ...]:
        rng = self._rng
        if not self._rows or rng.random() > 0.35:
            return ()
        kind = pick(rng, ("Director", "Shareholder", "Trustee", "Beneficiary", "Spouse"))
        shares = "1000" if kind == "Shareholder" else "0"
        uuid = self._practice.ids.uuid("relationship")
        return (Relationship(uuid, kind, pick(rng, self._rows), shares, "0", "2019-07-01", ""),)
