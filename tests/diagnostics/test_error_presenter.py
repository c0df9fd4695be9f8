"""One presenter for errors: every surface shows the same parts of every kind of error."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.diagnostics.findings import from_error
from xpm_tui.domain import errors
from xpm_tui.domain.errors import AllowanceUsedUp, AppError, BadInput, LoginNeeded, Refused, XeroError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AppError) and kind is not AppError
]
REFUSED = Refused(
    "XPM refused the change of Kowhai.",
    hint="Change it here, then sync again.",
    asked="POST client.api/update",
    status=200,
    words="Phone is too long",
    correlation="ab-12",
)


def test_a_refusal_says_what_why_what_to_do_and_xeros_id() -> None:
    first, why, hint, known, *_, last = present(REFUSED).lines()
    assert first == "XPM refused the change of Kowhai."
    assert why == "Xero answered: Phone is too long"
    assert hint == "Change it here, then sync again."
    assert known.startswith("Known problem ")
    assert last == "Xero's correlation id: ab-12"


def test_what_the_message_quotes_is_not_said_twice() -> None:
    assert present(Refused("XPM refused: Phone is too long.", words="Phone is too long")).why == ""


def test_the_record_and_the_cause_of_any_error_are_in_its_json() -> None:
    data = present(AppError("It failed.", record="c12", why="The disk is full.")).data()
    assert data == {"code": "trouble", "message": "It failed.", "hint": "", "record": "c12",
                    "why": "The disk is full."}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_surface_shows_the_message_and_the_hint(kind: type[AppError]) -> None:
    view = present(kind("It failed.", hint="Try again."))
    for shown in (view.text(), view.sentence(), view.short(), "\n".join([view.message, *view.advice()])):
        assert shown.startswith("It failed.")
        assert "Try again." in shown
    if view.problem is not None:
        assert view.problem.title in view.text()
        assert view.problem.title in view.sentence()
        assert view.data()["case"] == view.problem.id


def test_a_text_for_a_terminal_cannot_steer_it() -> None:
    assert "\x1b" not in present(XeroError("No.", words="\x1b[2J")).text()


def test_the_doctor_has_the_facts_of_the_call() -> None:
    until = datetime(2026, 5, 4, 9, 5, tzinfo=UTC)
    assert present(REFUSED).evidence() == [
        "call: POST client.api/update", "HTTP status: 200", "correlation id: ab-12"
    ]  # fmt: skip
    assert present(AllowanceUsedUp("Used up.", until=until)).evidence()[-1] == (
        "can continue at: 4 May 2026, 09:05 UTC"
    )
    assert from_error(REFUSED).evidence[0] == "Xero answered: Phone is too long"


def test_bad_input_is_no_known_problem_and_no_login_is_one_of_its_own() -> None:
    assert present(BadInput("No.")).problem is None
    asked, never = LoginNeeded("Gone.", asked="POST token"), LoginNeeded("None.")
    assert present(asked).problem != present(never).problem


def test_support_gets_nothing_where_no_call_was_made() -> None:
    assert present(BadInput("No.")).for_support() == []
    assert "  Correlation id: ab-12" in present(REFUSED).for_support()
