"""The calendar of workflows: month ends, leap days, end dates, and no date twice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpm_tui.deploy.calendar import RECURRENCES, dates_between, occurrence, period, recurrence_name
from xpm_tui.domain.ignition import Repeat

MONTHLY = Repeat(unit="month")
DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))
REPEATS = st.sampled_from([Repeat(unit=unit, every=every) for unit, every in RECURRENCES.values()])


def days(start: date, repeat: Repeat, first: date, last: date) -> list[str]:
    return [day.isoformat() for day in dates_between(start, repeat, first, last)]


def test_the_31st_is_the_last_day_of_short_months_and_comes_back() -> None:
    start = date(2027, 10, 31)
    assert days(start, MONTHLY, start, date(2028, 4, 1)) == [
        "2027-10-31", "2027-11-30", "2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31",
    ]  # fmt: skip


def test_the_leap_day_is_the_28th_in_other_years() -> None:
    start = date(2028, 2, 29)
    assert days(start, Repeat(unit="year"), start, date(2032, 12, 31)) == [
        "2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29",
    ]  # fmt: skip


def test_the_last_day_of_every_month_can_be_meant() -> None:
    start = date(2027, 4, 30)
    last_day = Repeat(unit="month", last_day=True)
    assert days(start, last_day, start, date(2027, 6, 30)) == ["2027-04-30", "2027-05-31", "2027-06-30"]
    assert days(start, MONTHLY, start, date(2027, 6, 30)) == ["2027-04-30", "2027-05-30", "2027-06-30"]


def test_the_end_is_included_and_a_one_time_job_has_one_day() -> None:
    start = date(2027, 1, 4)
    weekly = Repeat(unit="week", end=date(2027, 1, 18))
    assert days(start, weekly, start, date(2028, 1, 1)) == ["2027-01-04", "2027-01-11", "2027-01-18"]
    assert list(dates_between(start, None, start, start)) == [start]
    assert list(dates_between(start, None, start + timedelta(1), date.max)) == []


@pytest.mark.parametrize(("repeat", "reported"), [(None, "once"), (MONTHLY, "monthly"),
                                             (Repeat(unit="month", every=5), "every 5 months")])  # fmt: skip
def test_each_recurrence_has_a_name(repeat: Repeat | None, reported: str) -> None:
    assert recurrence_name(repeat) == reported


def test_periods() -> None:
    assert period(date(2027, 7, 1), MONTHLY) == "July 2027"
    assert period(date(2027, 7, 1), Repeat(unit="year")) == "2027"
    assert period(date(2027, 7, 5), Repeat(unit="week")) == "2027-07-05"


def test_the_calendar_has_an_end() -> None:
    assert list(dates_between(date(9999, 1, 1), Repeat(unit="year"), date(9998, 1, 1), date.max)) == [
        date(9999, 1, 1)
    ]


@given(DAYS, REPEATS, DAYS, st.integers(0, 1500))
def test_a_period_shows_the_dates_that_counting_from_the_start_shows(
    start: date, repeat: Repeat, first: date, length: int
) -> None:
    last = first + timedelta(days=length)
    index, counted = 0, []
    while (day := occurrence(start, repeat, index)) <= last:
        if day >= first:
            counted.append(day)
        index += 1
    found = list(dates_between(start, repeat, first, last))
    assert found == counted
    assert len(set(found)) == len(found)


@given(DAYS, REPEATS)
def test_two_adjacent_periods_have_no_gap(start: date, repeat: Repeat) -> None:
    end = start + timedelta(days=800)
    middle = start + timedelta(days=317)
    whole = list(dates_between(start, repeat, start, end))
    assert whole == [
        *dates_between(start, repeat, start, middle),
        *dates_between(start, repeat, middle + timedelta(1), end),
    ]
