"""Names and ids on screen: two records of the same name can be told apart, and no internal id is shown."""

from __future__ import annotations

from pathlib import Path

from tests.tui.fixtures import ConsoleFixture
from xpm_tui.application.presenters.lookup import name_of, names, shown_ids
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient


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
