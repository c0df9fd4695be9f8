"""Names and ids on screen: two records of the same name can be told apart, and no internal id is shown."""

from __future__ import annotations

from pathlib import Path

from tests.tui.fixtures import ConsoleFixture
from xpm_tui.application.presenters.lookup import name_of, names, shown_ids
from xpm_tui.application.presenters.namesakes import contact_names
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.domain.xpm import Staff, XpmClient, XpmContact


def test_two_of_one_name_are_distinguished(tmp_path: Path) -> None:
    env = ConsoleFixture(tmp_path)
    with env.open() as practice:
        contact = Contact(id="k1", name="Jo Tane")
        practice.store.commit(
            [
                Put(CLIENTS, Client(id="c901", name="Rata Ltd", contacts=(contact,))),
                Put(CLIENTS, Client(id="c902", name="RATA LTD.", contacts=(contact,))),
                Put(CLIENTS, Client(id="c903", name="Only One Ltd", contacts=(contact,))),
                Put(XPM_CLIENTS, XpmClient(uuid="u-1", name="Rata Ltd", number="1007")),
                Put(XPM_CLIENTS, XpmClient(uuid="u-2", name="Rata Ltd")),
            ]
        )
        reported = names(practice)
        assert reported("c901") == "Rata Ltd c901"
        assert reported("c902") == "RATA LTD. c902"
        assert reported("c902/k1") == "Jo Tane (RATA LTD.) c902"
        assert reported("c903") == "Only One Ltd"
        assert reported("c903/k1") == "Jo Tane (Only One Ltd)"
        assert reported("u-1") == "Rata Ltd #1007"
        assert reported("u-2") == "Rata Ltd"
        assert reported("nobody") == ""
        assert name_of(practice.snapshot(), "u-1") == "Rata Ltd", "elsewhere the number has a column"


def test_a_change_from_one_namesake_to_another_shows_two_values(tmp_path: Path) -> None:
    env = ConsoleFixture(tmp_path)
    ours = Client(
        id="c901",
        name="Rata Ltd",
        contacts=(Contact(id="k1", name="Jo Tane", email="jo@a.example"), Contact(id="k2", name="Ann Lee")),
    )
    theirs = XpmClient(
        uuid="u-1",
        name="Rata Ltd",
        contacts=(
            XpmContact(uuid="5cb07c8b-a76c", name="Jo Tane", email="jo@b.example"),
            XpmContact(uuid="77b07c8b-a76c", name="Ann Lee", email="ann@b.example"),
        ),
    )
    with env.open() as practice:
        practice.store.commit(
            [
                Put(TEAM, TeamMember(id="t1", name="Sam Lee", email="sam@a.example")),
                Put(STAFF, Staff(uuid="99b07c8b-a76c", name="Sam Lee", email="samuel@b.example")),
            ]
        )
        shown = Presenter(practice.snapshot()).both_shown
    assert shown("contact_primary", "k1", "k2", ours, theirs) == ("Jo Tane", "Ann Lee")
    assert shown("contact_primary", "k1", "5cb07c8b-a76c", ours, theirs) == (
        "Jo Tane <jo@a.example>",
        "Jo Tane <jo@b.example>",
    )
    assert shown("contact_primary", "k2", "77b07c8b-a76c", ours, theirs) == (
        "Ann Lee k2",
        "Ann Lee XPM 77b07c8b",
    )
    assert shown("partner", "t1", "99b07c8b-a76c", ours, theirs) == (
        "Sam Lee <sam@a.example>",
        "Sam Lee <samuel@b.example>",
    )
    twins = Client(id="c902", name="R", contacts=(Contact(id="k8", name="Jo"), Contact(id="k9", name="Jo")))
    assert contact_names(twins, None) == {"k8": "Jo k8", "k9": "Jo k9"}
    assert contact_names(ours, theirs)["k1"] == "Jo Tane", "the same person on both sides is no namesake"


def test_a_record_has_the_id_that_users_know(tmp_path: Path) -> None:
    env = ConsoleFixture(tmp_path)
    with env.open() as practice:
        one, two = Contact(id="k901", name="Jo Tane"), Contact(id="k902", email="pat@rata.example")
        long = Contact(id="k903", name="Wilhelmina Featherstonehaugh")
        practice.store.commit(
            [
                Put(CLIENTS, Client(id="c901", name="Rata", client_id="CLI-1", contacts=(one, two, long))),
                Put(CLIENTS, Client(id="c902", name="Rata", client_id="CLI-2", contacts=(one,))),
                Put(CLIENTS, Client(id="c903", name="Rata")),
            ]
        )
        assert names(practice)("c901") == "Rata CLI-1"
        records = ["c901", "c901/k901", "c901/k902", "c901/k903", "c901/u-1", "c902/k901", "c903", "c904/k1"]
        assert shown_ids(practice.snapshot(), records) == {
            "c901": "CLI-1",
            "c901/k901": "CLI-1 Jo Tane",
            "c901/k902": "CLI-1 pat@rata.example",
            "c901/k903": "CLI-1 Wilhelmina Featherst…",
            "c901/u-1": "CLI-1",
            "c902/k901": "CLI-2",
            "c903": "c903",
            "c904/k1": "c904",
        }
