"""Labelled pairs of names: ordinary ones, and adversarial ones whose sister entities stand beside them.

Shares no code with the product. Each client says which XPM client it is, or none; a set holds all
sisters that must not be taken for it. Built from word lists by a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.xpm import XpmClient, XpmContact

HIS = """William Robert James Thomas Edward Richard Charles Daniel Michael Andrew Stephen Gregory Anthony
Christopher Benjamin Samuel Nicholas Matthew Timothy Kenneth""".split()
HERS = """Katherine Elizabeth Margaret Patricia Susan Jennifer Rebecca Victoria Deborah Christine Fiona Ngaire
Moana Aroha Quentina Ursula Olivia Helen Yvonne Zara""".split()
NICK = {"William": "Bill", "Robert": "Bob", "James": "Jim", "Thomas": "Tom", "Edward": "Ted",
        "Richard": "Dick",
        "Charles": "Charlie", "Michael": "Mick", "Andrew": "Andy", "Stephen": "Steve", "Gregory": "Greg",
        "Anthony": "Tony", "Christopher": "Chris", "Benjamin": "Ben", "Samuel": "Sam", "Nicholas": "Nick",
        "Matthew": "Matt", "Timothy": "Tim", "Kenneth": "Ken", "Katherine": "Kate", "Elizabeth": "Liz",
        "Margaret": "Peg", "Patricia": "Trish", "Susan": "Sue", "Jennifer": "Jenny", "Rebecca": "Becky",
        "Victoria": "Vicky", "Deborah": "Debbie", "Christine": "Chris", "Daniel": "Dan"}  # fmt: skip
STARTS = "Ab Bal Car Dun El Fen Gar Hal Ing Jar Kil Lan Mor Nor Os Pem Rad Sel Tar Ul Van Wes Yar".split()
ENDS = "bury combe dale field ford gate grove hurst land leigh lock man mere ridge shaw son stead ton".split()
PLACES = """Kōwhai Tōtara Rimu Mānuka Pīwakawaka Harbour Hillcrest Ridgeway Bluegum Wattle Banksia Northern
Coastal Alpine Lakeside Meadow Redgum Ironbark Summit Pioneer Anchor Beacon Compass Falcon Heron Osprey
Sandstone Cobalt Magpie Juniper Saltbush Lighthouse""".split()
TRADES = """Plumbing Electrical Builders Dairy Holdings Investments Consulting Motors Joinery Landscapes
Engineering Transport Catering Dental Roofing Marine Orchards Foods Drilling Fencing""".split()
APOSTROPHES = "'’‘`´ʼʻ′＇"
MACRONS = str.maketrans("āēīōūĀĒĪŌŪ", "aeiouAEIOU")
DOUBLED = {"ā": "aa", "ē": "ee", "ī": "ii", "ō": "oo", "ū": "uu", "Ā": "Aa", "Ō": "Oo"}


@dataclass
class NameSet:
    """All XPM clients, and per client the UUID of the right one (None: it has none) and the class."""

    xpm: list[XpmClient] = field(default_factory=list)
    pairs: list[tuple[Client, str | None, str]] = field(default_factory=list)

    def truth(self) -> dict[str, str | None]:
        """The right UUID by client id."""
        return {client.id: uuid for client, uuid, _ in self.pairs}


class Builder:
    """Builds a set; every surname and business name is given out once."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.set = NameSet()
        self._used: set[str] = set()

    def fresh(self, make: Callable[[], str]) -> str:
        """A text that was not given out before."""
        for _ in range(2_000):
            text = make()
            if text not in self._used:
                self._used.add(text)
                return text
        raise RuntimeError("the word lists are too short")

    def surname(self) -> str:
        """A surname."""
        pick = self.random.choice
        return self.fresh(lambda: pick(STARTS) + pick(["", "", "a", "en", "er", "ing"]) + pick(ENDS))

    def his(self) -> str:
        """A man's given name."""
        return self.random.choice(HIS)

    def hers(self) -> str:
        """A woman's given name."""
        return self.random.choice(HERS)

    def business(self) -> str:
        """A business name of two or three words."""
        pick = self.random.choice
        return self.fresh(
            lambda: f"{pick(PLACES)} {pick([*PLACES, '', ''])} {pick(TRADES)}".replace("  ", " ")
        )

    def place(self) -> str:
        """A place and a surname: unlike every other name."""
        return f"{self.random.choice(PLACES)} {self.surname()}"

    def there(self, name: str, **more: object) -> str:
        """An XPM client; its UUID."""
        number = len(self.set.xpm) + 1
        uuid = f"{number:08x}-7777-4777-8777-{number:012x}"
        row = XpmClient(uuid=uuid, name=name, number=str(40_000 + number), **more)  # type: ignore[arg-type]
        self.set.xpm.append(row)
        return uuid

    def here(self, name: str, uuid: str | None, kind: str, email: str = "", **extra: str) -> None:
        """A client of Ignition, and which XPM client it is."""
        number = len(self.set.pairs) + 1
        contacts = (Contact(id=f"k{number}", email=email),) if email else ()
        client = Client(id=f"c{number}", name=name, contacts=contacts, extra=extra)
        self.set.pairs.append((client, uuid, kind))

    def email(self) -> str:
        """An e-mail address."""
        return f"office{self.random.randrange(10**9)}@clients.example"

    def slip(self, word: str) -> str:
        """The word with one slip of the keyboard, not in its first two letters; no other name of the set."""
        return self.fresh(lambda: self._slip(word))

    def _slip(self, word: str) -> str:
        at = self.random.randrange(2, len(word) - 1)
        slips = (word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:],
                 word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :])  # fmt: skip
        found = self.random.choice(slips)
        return found if found != word else word[:at] + word[at + 1 :]


def ordinary(seed: int, rounds: int) -> NameSet:
    """What practices have: the same names in another form, some misspelt, some that XPM does not have."""
    b = Builder(seed)
    for _ in range(rounds):
        name, person, trust = b.business(), (b.his(), b.surname()), b.surname()
        given, family = person
        for kind, theirs, ours in (
            ("Ltd", f"{name} Limited", f"{name} Ltd"),
            ("Pty", f"{(pty := b.business())} Pty Ltd", f"{pty} Pty. Limited"),
            ("P/L", f"{(pl := b.business())} Pty Ltd", f"{pl} P/L"),
            ("case", f"{(up := b.business())} Limited", f"{up.upper()} LIMITED"),
            ("macrons", f"Tōtara {(mac := b.surname())} Ltd", f"Totara {mac} Ltd"),
            ("surname first", f"{given} {family}", f"{family}, {given}"),
            ("ampersand", f"{(sons := b.surname())} and Sons Ltd", f"{sons} & Sons Limited"),
            ("the", f"The {trust} Family Trust", f"{trust} Family Trust"),
            ("exact", (same := f"{b.hers()} {b.surname()}"), same),
            ("form missing", f"{(bare := b.business())} Limited", bare),
            ("super fund", f"{(fund := b.surname())} Superannuation Fund", f"{fund} Super Fund"),
            ("dots", f"J R {(dots := b.surname())}", f"J.R. {dots}"),
            ("slip", f"{(slip := b.surname())} Plumbing Ltd", f"{b.slip(slip)} Plumbing Ltd"),
            ("code", f"{(coded := b.place())} Ltd", f"{1000 + b.random.randrange(9000)} {coded} Ltd"),
        ):
            b.here(ours, b.there(theirs), kind)
        b.here(f"{b.place()} Limited", None, "not in XPM")
        b.here(f"{b.his()} {b.surname()}", None, "not in XPM")
        b.there(f"{b.place()} {b.random.choice(TRADES)} Ltd")
    return _shuffled(b)


def adversarial(seed: int, rounds: int) -> NameSet:
    """Sister entities, couples, initials, misspelt forms: each beside those that it must not be taken for."""
    b = Builder(seed)
    for _ in range(rounds):
        _sisters(b)
        _persons(b)
        _spellings(b)
        _without_a_match(b)
    return _shuffled(b)


def _sisters(b: Builder) -> None:
    x, mail = b.business(), b.email()
    limited, pty = b.there(f"{x} Limited", email=mail), b.there(f"{x} Pty Ltd", email=mail)
    b.there(f"{x} Trust", email=mail)
    b.here(f"{x} Ltd.", limited, "company among sisters", mail)
    b.here(f"{x} Pty. Limited", pty, "pty among sisters", mail)
    s = b.surname()
    fund, trustee = b.there(f"{s} Super Fund"), b.there(f"{s} Super Pty Ltd")
    b.here(f"{s} Superannuation Fund", fund, "fund beside its trustee")
    b.here(f"{s} Super P/L", trustee, "trustee beside its fund")
    for written in ("S/F", "SMSF", "Self Managed Super Fund", "Superannuaiton Fund"):
        s = b.surname()
        b.there(f"{s} Family Trust")
        b.here(f"{s} {written}", b.there(f"{s} Superannuation Fund"), f"fund as {written}")
        b.there(f"{s} Holdings Ltd")
    s = b.surname()
    second, first = b.there(f"{s} Trust No 2"), b.there(f"{s} Trust")
    b.there(f"{s} Trust No 3")
    written = b.random.choice(["No2", "II", "No. 2", "#2", "Number 2"])
    b.here(f"{s} Trust {written}", second, "second trust")
    b.here(f"{s} Tst", first, "first trust")
    x = b.surname()
    partnership, company = b.there(f"{x} Farms LP"), b.there(f"{x} Farms Limited")
    b.here(f"{x} Farms Limited Partnership", partnership, "LP beside Limited")
    b.here(f"{x} Farms Ltd", company, "Limited beside LP")
    x = b.surname()
    plain, numbered = b.there(f"Flying {x} Ltd"), b.there(f"R44 Flying {x} Ltd")
    b.here(f"R44 Flying {x} Limited", numbered, "number in the name")
    b.here(f"FLYING {x} LTD", plain, "without the number")
    x, mail = b.surname(), b.email()
    lots = [b.there(f"Lot {letter} {x} Ltd", email=mail) for letter in "ABC"]
    b.here(f"Lot B {x} Limited", lots[1], "lot", mail)
    x = b.surname()
    b.there(f"{x} Property Ltd")
    b.here(f"{x} Properties Limited", b.there(f"{x} Properties Ltd"), "properties beside property")
    s = b.surname()
    lee = b.there(f"{s} Family Trust")
    b.there(f"{s} Nominees Ltd")
    form = b.random.choice(["ATF", "as trustee for", "A.T.F. The"])
    b.here(f"{s} Nominees Ltd {form} {s} Family Trust", lee, "trust by its trustee")


def _persons(b: Builder) -> None:
    s, him, her = b.surname(), b.his(), b.hers()
    couple, alone = b.there(f"{him} & {her} {s}"), b.there(f"{him} {s}")
    b.there(f"{her} {s}")
    b.here(f"{her} and {him} {s}", couple, "couple in another order")
    b.here(f"{s}, {him}", alone, "one of a couple")
    s, him, her = b.surname(), b.his(), b.hers()
    b.there(f"{him} {s}")
    b.here(f"{him[0]} & {her[0]} {s}", b.there(f"{him} & {her} {s}"), "couple by initials")
    s, him, her = b.surname(), b.his(), b.hers()
    b.there(f"{her} {s}")
    b.here(f"Mr & Mrs {him[0]} {s}", b.there(f"{him} and {her} {s}"), "Mr & Mrs")
    s, him = b.surname(), b.random.choice(sorted(set(HIS) & set(NICK)))
    b.there(f"{b.hers()} {s}")
    b.here(f"{NICK[him]} {s}", b.there(f"{him} {s}"), "nickname")
    s = b.surname()
    b.there(f"Jane {s}")
    b.here(f"JR {s}", b.there(f"John Robert {s}"), "initials in one word")
    a, c = b.surname(), b.surname()
    right = b.there(f"{a} {c} Plumbing")
    b.there(f"{c} {a} Plumbing")
    b.here(f"{a.upper()} {c.upper()} PLUMBING", right, "words in order")


def _spellings(b: Builder) -> None:
    rnd = b.random
    s = b.surname()
    b.here(f"A.B.C. {s} Ltd", b.there(f"ABC {s} Limited"), "initials with dots")
    b.there(f"ABD {s} Limited")
    s, mark = b.surname(), rnd.choice(APOSTROPHES)
    b.here(f"O{mark}{s} Limited", b.there(f"O'{s} Ltd"), "apostrophe")
    s = b.surname()
    macron = f"{s} Pōhutukawa Tāwhiri Ltd"
    doubled = "".join(DOUBLED.get(c, c) for c in macron)
    b.here(doubled if rnd.random() < 0.5 else macron.translate(MACRONS), b.there(macron), "macrons")
    s = b.surname()
    b.there(f"{s} More Ltd")
    b.here(f"{s} Moore Limited", b.there(f"{s} Moore Ltd"), "Moore beside More")
    s = b.surname().lower()
    b.here(f"Mc {s.title()} Farms Ltd", b.there(f"Mc{s.title()} Farms Limited"), "Mc apart")
    s = b.surname()
    b.here(f"Lukasz Sondergaard-{s}", b.there(f"Łukasz Søndergaard-{s}"), "letters of other alphabets")
    s = b.surname()
    b.there(f"{s} Family Holdings Ltd")
    b.here(
        f"{s} Family {rnd.choice(['Trsut', 'Turst', 'Tst'])}", b.there(f"{s} Family Trust"), "misspelt form"
    )
    x = b.business()
    b.there(f"{x} Trust")
    b.here(f"{x} {rnd.choice(['Limted', 'Limitd', 'Lmited'])}", b.there(f"{x} Limited"), "misspelt Limited")
    s, code = b.surname(), f"{rnd.choice('ABCDE')}{rnd.randrange(100, 999)}"
    b.there(f"{s} Farms Ltd", code="Z999")
    b.here(f"{code} - {s} Farm Ltd", b.there(f"{s} Farm Ltd", code=code), "its own code")


def _without_a_match(b: Builder) -> None:
    mail, abn = b.email(), str(b.random.randrange(10**10, 10**11))
    for ours, theirs in (
        ("{} Limited", "{} Pty Ltd"), ("{} & Co", "{} Limited"), ("{} Farms LP", "{} Farms Limited"),
        ("{} Super Fund", "{} Super Pty Ltd"), ("R44 Flying {} Ltd", "Flying {} Ltd"),
        ("Lot A {} Ltd", "Lot B {} Ltd"), ("{} Property Ltd", "{} Properties Ltd"),
        ("{} Trust No 2", "{} Trust"), ("12 {} Street Ltd", "14 {} Street Ltd"), ("{} Moore", "{} More"),
        ("Mr J {}", "Mrs J {}"), ("John {} Jnr", "John {} Snr"), ("{} Trust", "{} Limited"),
        ("Jane {}", "John {}"), ("John & Jane {}", "John {}"),
    ):  # fmt: skip
        s = b.surname()
        b.there(theirs.format(s), email=mail, contacts=(XpmContact(uuid="", name=f"Pat {s}", email=mail),))
        b.here(ours.format(s), None, f"none: {ours} / {theirs}", mail)
    a, c = b.surname(), b.surname()
    b.there(f"{a} {c} Plumbing", email=mail)
    b.here(f"{c} {a} Plumbing", None, "none: words in another order", mail)
    x = b.business()
    b.there(f"{x} Limited", archived=True)
    b.here(f"{x} Ltd", None, "none: archived only")
    x = b.business()
    b.there(f"{x} Limited", business_number=abn)
    b.here(f"{x} Ltd", None, "none: another number", ABN=str(int(abn) - 7))
    x = b.business()
    b.there(f"{x} Limited")
    b.there(f"{x} Ltd.")
    b.here(f"{x} LTD", None, "none: two that are the same")


def _shuffled(b: Builder) -> NameSet:
    b.random.shuffle(b.set.pairs)
    b.random.shuffle(b.set.xpm)
    return b.set
