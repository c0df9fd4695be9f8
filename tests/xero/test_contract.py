"""The contract: each call under each fault, with its outcome."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.xero.contract import BEGIN, DOCUMENT, END, FAULTS, METHODS, Method, Outcome, all_outcomes, table
from tests.xero.fake import CORRELATION
from xpm_tui.domain.errors import BadReply, CaseId, Refused, XeroError

WRITES = {
    "add_client", "update_client", "add_contact", "update_contact", "add_job",
    "set_job_state", "assign", "apply_template", "add_staff",
}  # fmt: skip
NAMES_A_RECORD = {
    "client",
    "contact",
    "client_jobs",
    "job",
    "update_contact",
}

EVERY = {
    "good": "answer",
    "401 TokenExpired, then good": "answer (2 calls)",
    "401 AuthenticationUnsuccessful": "LoginNeeded (2 calls)",
    "401 AuthorizationUnsuccessful": "ScopeMissing",
    "403 Forbidden": "AccessDenied",
    "400 with XPM's words": "Refused",
    "404 with XPM's words": "RecordMissing",
    "406 Not Acceptable": "Refused",
    "409 Conflict": "EditConflict",
    "415 Unsupported": "Refused",
    "429 minute, Retry-After 22, then good": "answer (2 calls)",
    "429 concurrent, then good": "answer (2 calls)",
    "429 app minute, then good": "answer (2 calls)",
    "429 minute, for ever": "XeroUnreachable (8 calls)",
    "429 day": "AllowanceUsedUp",
    "500, a refusal in XPM's words": "Refused",
    "200 with ERROR": "Refused",
    "200 with ERROR, no such record": "RecordMissing",
    "no connection": "XeroUnreachable (5 calls)",
    "no connection once, then good": "answer (2 calls)",
    "certificate refused": "XeroUnreachable",
}
READ = {
    "500 broken JSON": "XeroUnreachable (5 calls)",
    "500, a crash in XPM's words": "XeroUnreachable (5 calls)",
    "500 once, then good": "answer (2 calls)",
    "502 web page": "XeroUnreachable (5 calls)",
    "503 ServiceNotAvailable": "XeroUnreachable (5 calls)",
    "302 redirect": "BadReply",
    "connection reset": "XeroUnreachable (5 calls)",
    "no answer in time": "XeroUnreachable (5 calls)",
    "reset once, then good": "answer (2 calls)",
}


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[str, str], Outcome]:
    return asyncio.run(all_outcomes())


def expected(method: Method, fault: str) -> str:
    """What must come of it."""
    if fault in EVERY:
        return EVERY[fault]
    if fault == "404 empty":
        return "RecordMissing" if method.name in NAMES_A_RECORD else "Refused"
    if method.name in WRITES:
        if method.name == "set_job_state" and fault == "200, record without its id":
            return "answer"
        return "OutcomeUnknown"
    if fault in READ:
        return READ[fault]
    if fault == "200, record without its id":
        # Of a list, such a record is set aside by itself.
        single = ("client", "contact", "job")
        return "UnreadableRecord" if method.name in single else "answer"
    if method.name == "clients":
        return "XeroUnreachable" if fault == "body cut on the way" else "BadReply"
    return "XeroUnreachable (5 calls)" if fault == "body cut on the way" else "BadReply (2 calls)"


def test_every_method_and_fault_has_its_outcome(outcomes: dict[tuple[str, str], Outcome]) -> None:
    wrong = {
        (method.name, fault): (outcomes[method.name, fault].cell, expected(method, fault))
        for method in METHODS
        for fault in FAULTS
        if outcomes[method.name, fault].cell != expected(method, fault)
    }
    assert wrong == {}


def test_every_error_reports_what_was_asked_and_what_to_do(
    outcomes: dict[tuple[str, str], Outcome],
) -> None:
    for (name, fault), outcome in outcomes.items():
        error = outcome.error
        if error is None:
            continue
        assert isinstance(error, XeroError), (name, fault)
        verb, _, path = error.asked.partition(" ")
        assert verb in ("GET", "POST", "PUT"), (name, fault, error.asked)
        assert "?" not in path
        assert ".api/" in path
        assert error.message.endswith((".", '."')), (name, fault)
        assert error.hint, (name, fault)
        assert "canary" not in repr(error)
        if fault.startswith(("400", "409", "200 with ERROR")):
            assert error.correlation == CORRELATION, (name, fault)
            assert error.words
        if isinstance(error, BadReply):
            assert error.case is CaseId.BAD_REPLY
        if isinstance(error, Refused) and name in WRITES:
            assert "crash" not in fault


def test_retry_after_is_waited_out_exactly(outcomes: dict[tuple[str, str], Outcome]) -> None:
    for method in METHODS:
        waited = outcomes[method.name, "429 minute, Retry-After 22, then good"].waited
        assert waited == pytest.approx(22.0)
        assert 1.0 <= outcomes[method.name, "429 concurrent, then good"].waited <= 2.1
        assert outcomes[method.name, "429 day"].waited == 0.0


def test_the_document_shows_the_present_table(outcomes: dict[tuple[str, str], Outcome]) -> None:
    text = DOCUMENT.read_text()
    shown = text.partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == table(outcomes), "run: python -m tests.xero.contract"
    rows = [line for line in shown.splitlines() if line.startswith("| ")]
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))
    for method in METHODS:
        assert f"`{method.name}`" in shown


def test_every_public_call_is_in_the_contract() -> None:
    from xpm_tui.xero.client.practice import XeroPractice

    calls = {name for name in dir(XeroPractice) if not name.startswith("_")} - {"calls"}
    assert calls == {method.name for method in METHODS}
    for name in calls:
        doc = getattr(XeroPractice, name).__doc__ or ""
        assert ".api/" in doc, name
        assert "cope" in doc, name


def test_no_file_of_the_wire_is_too_long() -> None:
    import xpm_tui.xero

    for file in Path(next(iter(xpm_tui.xero.__path__))).glob("*.py"):
        assert len(file.read_text().splitlines()) <= 450, file
