"""Matching: what is proposed, in which order, with which reasons, and what counts as certain."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.profile import count
from tests.sync.labelled_names import make
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.names import parse_name
from xpm_tui.domain.xpm import XpmClient
from xpm_tui.sync.matching.proposals import LinkProposal, MatchIndex


def uuid(n: int) -> str:
    return f"{n:08x}-1111-4111-8111-111111111111"


def xpm(n: int, name: str, **more: object) -> XpmClient:
    return XpmClient(uuid=uuid(n), name=name, number=str(1000 + n), **more)  # type: ignore[arg-type]


def propose(client: Client, *rows: XpmClient, ours: tuple[Client, ...] = ()) -> list[LinkProposal]:
    return MatchIndex(rows, (client, *ours)).propose(client)


def test_sure_proposals_of_labelled_pairs_are_never_wrong_and_the_best_nearly_always_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    labelled = make(seed=20261122, rounds=count(20, 100))
    assert len(labelled.pairs) >= 500
    near = [kind for _, truth, kind in labelled.pairs if truth is None]
    assert len(near) >= 0.4 * len(labelled.pairs)
    index = MatchIndex(labelled.xpm, [client for client, _, _ in labelled.pairs])
    right = sure = wrong_sure = 0
    missed: Counter[str] = Counter()
    unsure: Counter[str] = Counter()
    for client, truth, kind in labelled.pairs:
        best = next(iter(index.propose(client)), None)
        if best is not None and best.sure and best.uuid != truth:
            wrong_sure += 1
            missed[f"sure but wrong: {kind}"] += 1
        if truth is None:
            continue
        if best is not None and best.uuid == truth:
            right += 1
            sure += best.sure
            unsure[kind] += not best.sure
        else:
            missed[kind] += 1
    same = len(labelled.pairs) - len(near)
    with capsys.disabled():
        print(
            f"\n{len(labelled.pairs)} pairs, {len(near)} near misses: top-1 {right / same:.1%}, "
            f"sure recall {sure / same:.1%}, sure precision {1 - wrong_sure / max(1, sure + wrong_sure):.1%}"
        )
    assert wrong_sure == 0, missed
    assert right / same >= 0.985, missed
    # 8 of the 14 classes are near by design 2.3 (a form left out, trustee, code, misspelt, ...): never sure.
    assert sure / same >= 0.35, unsure


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Kowhai Plumbing Pty Ltd", "Kōwhai Plumbing P/L"),
        ("KOWHAI PLUMBING LTD.", "Kōwhai Plumbing Limited"),
        ("Smith, John", "John Smith"),
        ("Jones & Sons Builders", "Jones and Sons Builders"),
        ("The Lee Family Trust", "Lee Family Tst"),
        ("Rimu Farms P/L", "Rimu Farms Pty Ltd"),
        ("Lee Family Trust No. 2", "LEE FAMILY TRUST NO 2"),
    ],
)
def test_another_form_of_the_name_is_sure_if_no_other_client_is_possible(ours: str, theirs: str) -> None:
    best = propose(Client(id="c1", name=ours), xpm(1, theirs), xpm(2, "Somebody Else Ltd"))[0]
    assert best.uuid == uuid(1)
    assert best.sure
    assert best.reasons


@pytest.mark.parametrize(
    ("ours", "theirs", "word"),
    [
        ("Lee Family Trust", "Lee Family Trust No 2", "number"),
        ("John Smith Jnr", "John Smith Snr", "junior"),
        ("John Smith", "John Smith Pty Ltd", "Pty Ltd"),
        ("Smith Holdings Pty Ltd", "Smith Holdings Trust", "Pty Ltd here, Trust in XPM"),
        ("Stewart James", "James Stewart", "a different order"),
        ("12 Queen Street Pty Ltd", "14 Queen Street Pty Ltd", "number 12 here, 14 in XPM"),
        ("12 Queen Street Pty Ltd", "Queen Street Pty Ltd", "12"),
        ("SMI01 - Smith Farms", "SMI02 - Smith Farms", "smi01"),
        ("John A Smith", "John Smith", "middle name"),
        ("A J Smith", "J Smith", "one of the names"),
        ("A Smith Pty Ltd", "Smith Pty Ltd", "only one of the names"),
        ("Mr J Smith", "Mrs J Smith", "Mrs in XPM"),
        ("Lee Nominees Pty Ltd ATF Lee Trust", "Kea Nominees Pty Ltd ATF Lee Trust", "trustees"),
        # Near by design 2.3: what normalising used to drop tells entities apart.
        ("Kowhai Plumbing Pty Ltd", "Kōwhai Plumbing Limited", "Pty Ltd here, Ltd in XPM"),
        ("The Trustee for Lee Family Trust", "Lee Family Trust", "trustee"),
        ("1478 Blue Bell Group", "Blue Bell Group", "1478"),
        ("Lee Family Trust No. 2", "LEE FAMILY TRUST #2", "number written differently"),
        ("Kea & Co", "Kea Limited", "Ltd in XPM"),
        ("Tui Farms LP", "Tui Farms Limited", "LP here, Ltd in XPM"),
        ("Lee Super Fund", "Lee Super Pty Ltd", "Super Fund here"),
        ("R44 Flying Fox Ltd", "Flying Fox Ltd", "r44"),
        ("Allan Scott Plumbing", "Scott Allan Plumbing", "a different order"),
        ("Lot A Kea Ltd", "Lot B Kea Ltd", '"A" here, "B" in XPM'),
        ("Kea Property Ltd", "Kea Properties Ltd", '"property" here, "properties" in XPM'),
    ],
)
def test_near_names_are_proposed_with_the_difference_and_are_never_sure(
    ours: str, theirs: str, word: str
) -> None:
    mail = Contact(id="k1", email="family@x.example")
    proposals = propose(
        Client(id="c1", name=ours, contacts=(mail,)), xpm(1, theirs, email="family@x.example")
    )
    assert proposals
    assert not proposals[0].sure
    assert any(word in reason for reason in proposals[0].reasons)


def test_sister_entities_are_ranked_by_legal_form_and_then_by_the_raw_name() -> None:
    sisters = ("Kea Limited", "Kea Pty Ltd", "Kea Trust", "Kea LP", "Kea Super Fund")
    rows = [xpm(number, name) for number, name in enumerate(sorted(sisters), 1)]
    for name in sisters:
        for typed in (name.upper(), f"{name}."):
            assert propose(Client(id="c1", name=typed), *rows)[0].name == name
    twins = (xpm(1, "KEA LIMITED"), xpm(2, "Kea Ltd"))
    assert propose(Client(id="c1", name="Kea Ltd."), *twins)[0].uuid == uuid(2)


def test_two_xpm_clients_with_one_name_are_named_by_number_and_neither_is_sure() -> None:
    proposals = propose(Client(id="c1", name="ACME"), xpm(1, "Acme"), xpm(2, "Acme"))
    assert {p.number for p in proposals} == {"1001", "1002"}
    assert not any(p.sure for p in proposals)
    assert all("XPM has several clients with this name" in p.reasons for p in proposals)


def test_two_ignition_clients_with_one_name_are_never_sure() -> None:
    client = Client(id="c1", name="ACME Farms")
    assert not propose(client, xpm(1, "Acme Farms"), ours=(Client(id="c2", name="acme farms"),))[0].sure


def test_archived_clients_prospects_and_linked_clients_are_never_sure() -> None:
    client = Client(id="c1", name="ACME Farms")
    for row in (xpm(1, "Acme Farms", archived=True), xpm(1, "Acme Farms", prospect=True)):
        assert not propose(client, row)[0].sure
    index = MatchIndex([xpm(1, "Acme Farms")], [client], linked=frozenset([uuid(1)]))
    assert not index.propose(client)[0].sure


def test_deleted_clients_and_blocked_pairs_are_never_proposed() -> None:
    client = Client(id="c1", name="Acme Farms")
    assert propose(client, xpm(1, "Acme Farms", deleted=True)) == []
    index = MatchIndex([xpm(1, "Acme Farms")], [client], blocked=frozenset([("c1", uuid(1))]))
    assert index.propose(client) == []


def test_a_shared_business_number_raises_the_score_and_a_different_one_lowers_it() -> None:
    client = Client(id="c1", name="Rimu Group", extra={"ABN": "51 824 753 556"})
    same = propose(client, xpm(1, "Rimu Dairy Pty Ltd", business_number="51824753556"))[0]
    other = propose(
        Client(id="c1", name="Rimu Dairy", extra={"ABN": "51 824 753 556"}),
        xpm(1, "Rimu Dairy Pty Ltd", business_number="11 111 111 111"),
    )[0]
    assert same.score > 85
    assert "the business number is the same" in same.reasons
    assert not other.sure
    assert "the business numbers differ" in other.reasons


def test_a_shared_number_never_makes_near_names_of_trusts_sure() -> None:
    ours = Client(id="c1", name="Lee Family Trust", extra={"ACN": "123 456 789"})
    other = propose(ours, xpm(1, "Lee Investment Trust", company_number="123456789"))[0]
    assert "the business number is the same" in other.reasons
    assert not other.sure
    ours = Client(id="c1", name="Lee Family Trust", extra={"ABN": "51 824 753 556"})
    best = propose(ours, xpm(1, "Lee Fam Trust", business_number="51824753556"))[0]
    assert best.score > 90
    assert not best.sure  # evidence beyond the name never makes a near name sure


def test_an_email_alone_never_proposes_another_entity_as_sure() -> None:
    client = Client(id="c1", name="Lee Family Trust", contacts=(Contact(id="k1", email="lee@x.example"),))
    assert not any(p.sure for p in propose(client, xpm(1, "Lee Builders Pty Ltd", email="LEE@x.example")))


def test_parsing_a_name() -> None:
    name = parse_name("SMI01 - Harbour Nominees Pty Ltd as trustee for The Smith Family Trust No. 2")
    assert name.code == "smi01"
    assert (name.core, name.forms) == (("smith", "family"), ("trust",))
    assert name.numbers == ("2",)
    assert name.others == (("harbour", "nominees"),)


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=count(150, 5_000), deadline=None)
def test_any_two_texts_can_be_compared_with_a_score_within_bounds(ours: str, theirs: str) -> None:
    for proposal in propose(Client(id="c1", name=ours), xpm(1, theirs)):
        assert 0 <= proposal.score <= 100
        assert proposal.reasons
