"""A labelled set of names: what a practice types on one side, and what it means on the other.

Shares no code with the matcher. ``truth`` is the UUID of the right XPM client, or None where there is none
and every proposal is a near miss. Kinds say what makes the pair hard.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass, field

from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.xpm import XpmClient, XpmContact

GIVEN = """Aroha Tane Hemi Wiremu Ngaire Moana Liam Olivia Noah Charlotte Oliver Amelia William Isla James Mia
Thomas Ava Lucas Grace Henry Willow Ethan Zoe Daniel Ruby Samuel Ella Joshua Chloe Priya Arjun Mei
Wei Hana Kenji Fatima Omar Ingrid Lars Siobhan Declan Giulia Matteo Zofia Piotr""".split()
FAMILY = """Parata Ngata Tūhoe Pōtiki Smith Jones Williams Brown Wilson Taylor Anderson Nguyen Thompson Walker
Harris Lee Ryan Robinson Kelly King Davis Wright Evans Roberts Green Hall Wood Jackson Clarke Patel
Singh Kaur Chen Zhang Wang Kowalski O'Brien MacDonald Fitzgerald Papadopoulos Rossi Müller
Søndergaard""".split()
PLACE = """Kōwhai Tōtara Rimu Mānuka Harbour Hillcrest Ridgeway Bluegum Wattle Banksia Southern Northern
Coastal Alpine Riverbend Lakeside Meadow Redgum Ironbark Summit Pioneer Anchor Beacon Compass Falcon
Heron Osprey Kea""".split()
TRADE = """Plumbing Electrical Builders Dairy Farms Holdings Investments Consulting Motors Joinery Landscapes
Engineering Transport Catering Dental Physiotherapy Roofing Marine Orchards Foods""".split()


@dataclass
class LabelledSet:
    """Both sides and the pairs: ``pairs`` holds (client of the store, right UUID or None, kind)."""

    xpm: list[XpmClient] = field(default_factory=list)
    pairs: list[tuple[Client, str | None, str]] = field(default_factory=list)


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.out = LabelledSet()
        self.used: set[str] = set()

    def fresh(self, make: object) -> str:
        for _ in range(500):
            name = str(make())  # type: ignore[operator]
            if name.casefold() not in self.used:
                self.used.add(name.casefold())
                return name
        raise RuntimeError("the word lists are too short for so many names")

    def pick(self, words: list[str]) -> str:
        return self.random.choice(words)

    def surname(self) -> str:
        """A name of one word; the start is invented, so that there are enough for large sets."""
        start = self.pick(
            ["", "", "", "Bal", "Cor", "Dun", "El", "Fen", "Gar", "Hal", "Kin", "Lor", "Mac", "Nor"]
        )
        ending = self.pick(["", "", "", "son", "ton", "field", "wood", "ham", "by", "well", "worth", "s"])
        return start + self.pick(FAMILY).lower() + ending if start else self.pick(FAMILY) + ending

    def person(self) -> str:
        return self.fresh(lambda: f"{self.pick(GIVEN)} {self.surname()}")

    def company(self) -> str:
        return self.fresh(
            lambda: f"{self.pick(PLACE)} {self.pick(['', self.surname() + ' '])}{self.pick(TRADE)} Pty Ltd"
        )

    def trust(self) -> str:
        return self.fresh(
            lambda: f"{self.pick(['The ', ''])}{self.surname()} {self.pick(GIVEN)} Family Trust"
        )

    def theirs(self, name: str, **more: object) -> XpmClient:
        n = len(self.out.xpm) + 1
        uuid = f"{n:08x}-5a5a-4b4b-8c8c-{n:012x}"
        row = XpmClient(uuid=uuid, name=name, number=str(9_000_000 + n), **more)  # type: ignore[arg-type]
        self.out.xpm.append(row)
        return row

    def ours(self, name: str, truth: str | None, kind: str, *, email: str = "", abn: str = "") -> None:
        n = len(self.out.pairs) + 1
        contacts = (Contact(id=f"k{n}", name="Somebody", email=email),) if email else ()
        extra = {"ABN": abn} if abn else {}
        self.out.pairs.append((Client(id=f"c{n}", name=name, contacts=contacts, extra=extra), truth, kind))

    def mail(self) -> str:
        return f"office{self.random.randrange(10**9)}@clients.example"

    def abn(self) -> str:
        return str(self.random.randrange(10**10, 10**11))


def typo(rnd: random.Random, name: str) -> str:
    """One letter lost, doubled or swapped inside a long word."""
    words = name.split()
    long = [i for i, w in enumerate(words) if len(w) >= 6]
    if not long:
        return name + "e"
    i = rnd.choice(long)
    word = words[i]
    at = rnd.randrange(2, len(word) - 2)
    changed = {
        0: word[:at] + word[at + 1 :],
        1: word[:at] + word[at] + word[at:],
        2: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    }[rnd.randrange(3)]
    words[i] = changed if changed != word else word[:at] + word[at + 1 :]
    return " ".join(words)


def without_marks(name: str) -> str:
    """Macrons and accents dropped, as an old system would have stored it."""
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))


def _same(maker: _Maker) -> None:
    """Pairs that are the same client, written in another form."""
    rnd = maker.random
    company, person, trust = maker.company(), maker.person(), maker.trust()
    given, family = person.split(" ", 1)
    bare = company.removesuffix(" Pty Ltd")
    for kind, theirs, ours, backing in (
        ("limited", maker.company(), None, ""),
        ("case", maker.company(), None, ""),
        ("legal form left out", company, bare, ""),
        ("surname first", person, f"{family}, {given}", ""),
        ("trustee for", trust, f"The Trustee for the {trust.removeprefix('The ')}", ""),
        ("marks", maker.company(), None, ""),
        ("code before", maker.company(), None, ""),
        ("trading as", maker.company(), None, ""),
        ("typing error, same e-mail", maker.company(), None, "mail"),
        ("initial, same e-mail", maker.person(), None, "mail"),
        ("same number, other name", maker.company(), None, "abn"),
        ("words moved", maker.company(), None, ""),
        ("ampersand", f"{maker.company().removesuffix(' Pty Ltd')} and Sons Ltd", None, ""),
        ("number spelt otherwise", f"{maker.trust()} No 2", None, ""),
    ):
        mail, abn = maker.mail(), maker.abn()
        contact = XpmContact(uuid=f"k{len(maker.out.xpm)}", name="Somebody", email=mail)
        row = maker.theirs(
            theirs,
            contacts=(contact,) if backing == "mail" else (),
            business_number=" ".join((abn[:2], abn[2:5], abn[5:8], abn[8:])),
        )
        ours = ours or _written_otherwise(rnd, kind, theirs)
        maker.ours(
            ours, row.uuid, kind, email=mail if backing == "mail" else "", abn=abn if backing == "abn" else ""
        )


def _written_otherwise(rnd: random.Random, kind: str, name: str) -> str:
    words = name.removesuffix(" Pty Ltd").split()
    given, family = name.split(" ", 1)
    return {
        "limited": name.replace("Pty Ltd", "Pty Limited"),
        "case": name.upper().replace("PTY LTD", "PTY. LTD."),
        "marks": without_marks(name).lower(),
        "code before": f"{rnd.randrange(1000, 9999)} {name}",
        "trading as": f"{name} t/as {rnd.choice(PLACE)} {rnd.choice(TRADE)} Online",
        "typing error, same e-mail": typo(rnd, name),
        "initial, same e-mail": f"{given[0]} {family}",
        "same number, other name": f"{words[0]} {rnd.choice(TRADE)} Group",
        "words moved": " ".join([*words[1:], words[0], "Pty Ltd"]),
        "ampersand": name.replace(" and ", " & "),
        "number spelt otherwise": name.replace("No 2", "#2"),
    }[kind]


def _near(maker: _Maker) -> None:
    """Pairs that look alike and are not the same: none of them may be sure."""
    trust = maker.trust()
    maker.theirs(trust)
    maker.ours(f"{trust} No 2", None, "trust / trust no 2")
    father = maker.person()
    maker.theirs(father + " Snr")
    maker.ours(father + " Jnr", None, "father / son")
    twin = maker.company()
    maker.theirs(twin)
    maker.theirs(twin)
    maker.ours(twin.lower(), None, "same name twice")
    old = maker.company()
    maker.theirs(old, archived=True)
    maker.ours(old.upper(), None, "archived only")
    both = maker.company()
    maker.theirs(both)
    maker.theirs(both, archived=True)
    maker.ours(both.upper(), None, "archived twin")
    owner = maker.person()
    maker.theirs(f"{owner} Pty Ltd")
    maker.ours(owner, None, "person / company")
    family = maker.fresh(maker.surname)
    maker.theirs(f"{family} Family Trust")
    maker.ours(f"{family} Investments Pty Ltd", None, "company / trust")
    given, name = maker.person().split(" ", 1)
    mail = maker.mail()
    maker.theirs(f"{given} {name}", email=mail)
    maker.ours(f"{given} & {maker.pick(GIVEN)} {name}", None, "one of a couple", email=mail)
    a, b = maker.person().split(" ", 1)
    maker.theirs(f"{a} {b}")
    maker.ours(f"{b} {a}", None, "given name / surname")
    shared = maker.mail()
    maker.theirs(maker.company(), email=shared)
    maker.ours(maker.trust(), None, "same e-mail, other entity", email=shared)
    lead = maker.company()
    maker.theirs(lead, prospect=True)
    maker.ours(lead.upper(), None, "prospect only")
    fund = maker.fresh(maker.surname)
    maker.theirs(f"{fund} Superannuation Fund")
    maker.ours(f"{fund} Family Trust", None, "fund / trust")


def make(seed: int, rounds: int) -> LabelledSet:
    """A set of ``rounds`` times 14 same pairs and 12 near misses (46%), shuffled, from a seed."""
    maker = _Maker(seed)
    for _ in range(rounds):
        _same(maker)
        _near(maker)
    maker.random.shuffle(maker.out.pairs)
    maker.random.shuffle(maker.out.xpm)
    return maker.out
