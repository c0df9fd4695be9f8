"""Every code has a label and a sentence of help, and every surface takes them from the one registry."""

from __future__ import annotations

from typing import get_args

import pytest

from xpm_tui.application.team.queries import MemberState
from xpm_tui.deploy import occurrences
from xpm_tui.deploy.job_spec import Weight
from xpm_tui.diagnostics.findings import Verdict
from xpm_tui.domain import labels
from xpm_tui.domain.events import Severity
from xpm_tui.domain.ignition import ProposalState
from xpm_tui.domain.labels import Label, Labels
from xpm_tui.domain.links import LinkState
from xpm_tui.domain.plan import Direction, Level, Mark, Side
from xpm_tui.domain.runs import IntentState, Outcome, Trigger
from xpm_tui.log.sentences import REASONS, SENTENCES
from xpm_tui.settings.schema import SCHEMA
from xpm_tui.settings.store import Origin
from xpm_tui.sync.applying.recovery import Choice
from xpm_tui.sync.planning.decisions import Verdict as Decision
from xpm_tui.tui.widgets import cells

TABLES = {
    name: value
    for name, value in vars(labels).items()
    if name != "ALL" and isinstance(value, dict) and value and not name.startswith("_")
}


@pytest.mark.parametrize(
    ("codes", "table"),
    [
        (Direction, labels.DIRECTIONS), (Level, labels.LEVELS), (Side, labels.SIDES),
        (LinkState, labels.LINK_STATES), (MemberState, labels.MEMBER_STATES), (Mark, labels.MARKS),
        (Outcome, labels.RUN_OUTCOMES), (Outcome, labels.JOB_RUN_OUTCOMES), (Trigger, labels.TRIGGERS),
        (IntentState, labels.INTENT_STATES), (occurrences.State, labels.JOB_STATES),
        (Weight, labels.PROBLEM_WEIGHTS),
        (Verdict, labels.VERDICTS), (Severity, labels.SEVERITIES), (Origin, labels.ORIGINS),
        (Choice, labels.DECISIONS),
    ],
)  # fmt: skip
def test_each_code_of_the_domain_has_a_label(codes: object, table: Labels) -> None:
    assert set(get_args(codes)) - {""} == set(table)


def test_each_rule_and_each_state_of_a_proposal_has_a_label() -> None:
    assert set(get_args(Decision)) - {"same", "agree"} <= set(labels.RULES)
    assert set(get_args(ProposalState)) - {""} <= set(labels.PROPOSAL_STATES)


@pytest.mark.parametrize("name", TABLES)
def test_a_label_is_in_sentence_case_and_its_help_a_sentence(name: str) -> None:
    for code, label in TABLES[name].items():
        assert isinstance(label, Label)
        assert label.text[:1].isupper(), code
        assert not label.text.endswith("."), code
        assert label.help.endswith("."), code
        assert code == label.text or "_" not in label.text, "a label is no code"


def test_a_reason_completes_a_sentence() -> None:
    for key, known in REASONS.items():
        assert any(name == key or name.startswith(f"{key}:") for name in SENTENCES)
        assert all(label.reason for code, label in known.items() if code not in ("intent", "sent")), key


def test_each_style_of_the_console_belongs_to_a_label() -> None:
    tables = [value for value in vars(cells).values() if isinstance(value, cells.StateStyles)]
    assert len(tables) > 10
    for each in tables:
        assert set(each.styles) <= set(each.labels)


def test_a_code_of_another_version_is_shown_as_it_is() -> None:
    assert labels.label(labels.RULES, "some-new_rule").text == "Some new rule"


@pytest.mark.parametrize(
    ("written", "shown"),
    [("xpm", "Edited in XPM"), ("ignition", "Edited in Ignition"), ("", "Edited in the other system")],
)
def test_the_sides_are_named_where_they_are_known(written: str, shown: str) -> None:
    assert labels.of_sides(labels.MARKS["drift"].text, written) == shown


def test_within_a_sentence_a_label_loses_its_capital() -> None:
    assert [labels.RUN_OUTCOMES["held"].inline, labels.SIDES["xpm"].inline] == ["held for you", "XPM"]


def test_each_setting_has_a_label_and_a_sentence() -> None:
    shown = [entry.label for entry in SCHEMA]
    assert len(set(shown)) == len(shown), "two settings of one label"
    for entry in SCHEMA:
        assert entry.label[:1].isupper(), entry.key
        assert "." not in entry.label, entry.key
        assert entry.help.endswith("."), entry.key
