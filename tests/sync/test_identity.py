"""Identity: whether two names are the same, near or different; the quality of matching on labelled sets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz, process

from tests.support.profile import count
from tests.sync.identity_sets import APOSTROPHES, NameSet, adversarial, ordinary
from xpm_tui.domain.identity import compare
from xpm_tui.sync.matching.proposals import MatchIndex

SAME = """
KEA PLUMBING LTD.|Kea Plumbing Limited
Kea Plumbing Pty Ltd|Kea Plumbing Pty. Limited
Kea Plumbing P/L|Kea Plumbing Proprietary Limited
Kōwhai Farms|Kowhai Farms
Kōwhai Farms|Koowhai Farms
Māori Ōtākī Trust|Maaori Ootaakii Trust
Zoë Müller|Zoe Muller
Łukasz Søndergaard|Lukasz Sondergaard
O'Brien Ltd|O’Brien Ltd
OʻBrien Ltd|O`Brien Ltd
O' Brien Ltd|O'Brien Ltd
Mc Kenzie Farms|McKenzie Farms
Mac Donald Trust|MacDonald Trust
A.B.C. Motors Ltd|ABC Motors Ltd
A B C Motors Ltd|ABC Motors Ltd
J. R. Smith|JR Smith
Jones & Sons|Jones and Sons
Lee Superannuation Fund|Lee Super Fund
Lee SMSF|Lee Superannuation Fund
Lee Family Tst|The Lee Family Trust
Tui Farms LP|Tui Farms Limited Partnership
Kea Inc|Kea Incorporated
Smith, John|John Smith
Smith, J R|J.R. Smith
Smith, John & Jane|John and Jane Smith
van der Berg, Jan|Jan van der Berg
Lee S.M.S.F.|Lee SMSF
Tui Farms L.P.|Tui Farms LP
""".strip().splitlines()

NEAR = """
Kea Plumbing Pty Ltd|Kea Plumbing Limited
Kea & Co|Kea Limited
Tui Farms LP|Tui Farms Limited
Lee Super Fund|Lee Super Pty Ltd
R44 Flying Fox Ltd|Flying Fox Ltd
Allan Scott Plumbing|Scott Allan Plumbing
Lot A Kea Ltd|Lot B Kea Ltd
Kea Property Ltd|Kea Properties Ltd
Kea Plumbing|Kea Plumbing Ltd
Moore Ltd|More Ltd
Q & F Urquhart|Quentin & Fiona Urquhart
Fiona & Quentin Urquhart|Quentin & Fiona Urquhart
Mr & Mrs J Smith|John & Jane Smith
Mr John Smith|John Smith
Mr J Smith|Mrs J Smith
Bob Smith|Robert Smith
JR Smith|John Robert Smith
John A Smith|John Smith
Smith John|John Smith
Smith J|John Smith
Urquhart, Q & F|Quentin & Fiona Urquhart
Bob Smith|Robert John Smith
Jon Smithe|Jon Smith
Kea Nominees Ltd ATF Lee Trust|Lee Trust
Lee Trust|The Trustee for the Lee Trust
Kea Nominees Ltd as trustee for Lee Trust|Kea Nominees Limited
Kea Holdings t/a Blue Bell|Blue Bell
Lee S/F|Lee Superannuation Fund
Lee Self Managed Super|Lee Superannuation Fund
Lee Superannuaiton Fund|Lee Superannuation Fund
Kea Limted|Kea Limited
Lee Trust No2|Lee Trust No 2
Lee Trust II|Lee Trust No 2
Lee Second Trust|Lee Trust No 2
Lee Trust|Lee Trust No 2
12 Queen Street Ltd|14 Queen Street Ltd
Unit 1 2 Ltd|Unit 12 Ltd
John Smith Jnr|John Smith Snr
SMI01 - Smith Farms|Smith Farms
Blue Bell Ltd|Bluebell Ltd
Tui Joinery Compass Ltd|Compass Tui Joinery Ltd
""".strip().splitlines()

DIFFERENT = """
Kea Plumbing|Kea Painting
John Smith|Jane Smith
Mark Smith|Mary Smith
John & Jane Smith|John Smith
Lee Family Trust|Lee Investments Ltd
Kea Plumbing|
""".strip().splitlines()


@pytest.mark.parametrize(
    ("answer", "pair"),
    [
        *(("same", pair) for pair in SAME),
        *(("near", pair) for pair in NEAR),
        *(("different", pair) for pair in DIFFERENT),
    ],
)
def test_the_answer_by_class(answer: str, pair: str) -> None:
    ours, theirs = pair.split("|")
    found = compare(ours, theirs)
    assert found.answer == answer, found
    assert bool(found.reasons) == (answer != "different")


@pytest.mark.parametrize("mark", APOSTROPHES)
def test_all_kinds_of_apostrophe_are_equal(mark: str) -> None:
    assert compare(f"O{mark}Hara Ltd", "O'Hara Limited").answer == "same"


def test_only_the_clients_own_leading_code_is_ignored() -> None:
    assert compare("SMI01 - Smith Farms", "Smith Farms", "SMI01").answer == "same"
    assert compare("Smith Farms", "SMI01 Smith Farms", "smi01").answer == "same"
    assert compare("SMI01 - Smith Farms", "Smith Farms", "SMI02").answer == "near"
    assert compare("Plumbing Ltd", "Kea Plumbing Ltd", "KEA").answer != "same"


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        ("Kea Pty Ltd", "Kea Limited", "Pty Ltd here, Ltd in XPM"),
        ("KEA FARMS", "Kea Farms", "the same name except for upper and lower case"),
        ("Kea Ltd", "Kea Limited", "the same name except for the spelling of the legal form"),
        ("Kōwhai Farms", "Kowhai Farms", "the same name except for macrons"),
        ("Smith, John", "John Smith", "the same name except for the order of surname and first name"),
        ("Lee Trust No 2", "Lee Trust No 3", "number 2 here, 3 in XPM"),
        ("Bob Smith", "Robert Smith", "Bob may be short for Robert"),
        ("Mr J Smith", "Mrs J Smith", "Mr here, Mrs in XPM"),
    ],
)
def test_the_reason_is_true_of_this_pair(ours: str, theirs: str, reason: str) -> None:
    assert compare(ours, theirs).reasons[0] == reason


NAMES = st.sampled_from([name for pair in (*SAME, *NEAR, *DIFFERENT) for name in pair.split("|") if name])
TEXTS = st.one_of(NAMES, st.text(max_size=40))


@given(TEXTS, TEXTS)
@settings(max_examples=count(300, 5_000), deadline=None)
def test_comparing_is_symmetric_and_never_fails(ours: str, theirs: str) -> None:
    there, back = compare(ours, theirs), compare(theirs, ours)
    assert (there.answer, there.cost, there.suggests_another) == (
        back.answer,
        back.cost,
        back.suggests_another,
    )


@given(TEXTS)
@settings(max_examples=count(200, 5_000), deadline=None)
def test_every_name_is_the_same_as_itself(name: str) -> None:
    assert compare(name, name).answer == "same"


DROPPED: dict[str, Callable[[str], str]] = {
    "case": str.upper,
    "ampersand": lambda name: name.replace("&", "and"),
    "apostrophe": lambda name: name.replace("'", "’"),
    "dots": lambda name: name.replace("Ltd", "Ltd.").replace("J R ", "J. R. "),
    "the": lambda name: name if name.casefold().startswith("the ") else f"The {name}",
    "legal form": lambda name: re.sub(r" Trust\b", " Tst", name.replace("Ltd", "Limited")),
    "fund": lambda name: name.replace("Superannuation Fund", "SMSF"),
    "accents": lambda name: name.replace("Zoë Müller", "Zoe Muller").replace("ō", "o"),
}


@given(NAMES, NAMES, st.sampled_from(sorted(DROPPED)))
@settings(max_examples=count(300, 5_000), deadline=None)
def test_differences_that_normalising_drops_never_change_the_answer(
    ours: str, theirs: str, change: str
) -> None:
    assume("," not in ours + theirs)
    written = DROPPED[change](theirs)
    assert compare(theirs, written).answer == "same"
    assert compare(ours, written).answer == compare(ours, theirs).answer


@pytest.mark.parametrize(
    ("make", "rounds", "top", "recall"), [(ordinary, 25, 0.99, 0.6), (adversarial, 10, 0.95, 0.25)]
)
@pytest.mark.parametrize("seed", [15, 20261129])
def test_labelled_sets_reach_their_goals(
    make: Callable[[int, int], NameSet], rounds: int, top: float, recall: float, seed: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    made = make(seed, rounds)
    assert len(made.pairs) >= 300
    index = MatchIndex(made.xpm, [client for client, _, _ in made.pairs])
    right = sure = total = 0
    missed: Counter[str] = Counter()
    wrong: list[str] = []
    for client, truth, kind in made.pairs:
        best = next(iter(index.propose(client)), None)
        if best is not None and best.sure and best.uuid != truth:
            wrong.append(f"{kind}: {client.name} -> {best.name}")
        if truth is None:
            continue
        total += 1
        hit = best is not None and best.uuid == truth
        right += hit
        sure += hit and best is not None and best.sure
        missed[kind] += not hit
    with capsys.disabled():
        print(
            f"\n{make.__name__} {seed}: {len(made.pairs)} clients, {total} in XPM; "
            f"top-1 {right / total:.1%}, "
            f"sure {sure / total:.1%}, wrong sure {len(wrong)} | top-1 of {_by_rapidfuzz(made)}"
        )
    assert not wrong
    assert right / total >= top, +missed
    assert sure / total >= recall


def _by_rapidfuzz(made: NameSet) -> str:
    names = {row.uuid: row.name.casefold() for row in made.xpm}
    reported = []
    for scorer in (fuzz.WRatio, fuzz.token_sort_ratio):
        pairs = [(client.name.casefold(), truth) for client, truth, _ in made.pairs if truth is not None]
        right = sum(process.extractOne(name, names, scorer=scorer)[2] == truth for name, truth in pairs)
        reported.append(f"{scorer.__name__} {right / len(pairs):.1%}")
    return ", ".join(reported)
