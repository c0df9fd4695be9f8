"""The sample files of the demo: all rows are imported, and each file has its unusual records."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from xpm_tui.application.csv_io.imports import import_file
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import open_practice
from xpm_tui.cli.demo import sample_files, write_sample_files
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.tables import PROPOSALS, SERVICES, TEAM
from xpm_tui.sandbox.simulator import Sandbox

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize("clients", [12, 250])
def test_every_row_of_the_sample_is_taken(tmp_path: Path, clients: int) -> None:
    practice = Sandbox(1, clients).practice
    files = sample_files(practice, 1, TODAY)
    assert files == sample_files(practice, 1, TODAY)
    with open_practice(find_home(str(tmp_path / "home"), {}), environ={}) as opened:
        for form, text in files.items():
            path = tmp_path / f"{form}.csv"
            path.write_text(text, encoding="utf-8", newline="")
            report = import_file(opened, form, path)
            assert report.refused == (), form
            assert report.counts["new"], form
        snapshot = opened.snapshot()
        states = Counter(row.state for row in snapshot.rows(PROPOSALS))
        assert states["accepted"]
        assert all(row.client for row in snapshot.rows(PROPOSALS)), "each is for a client of the other file"
        services = {row.name for row in snapshot.rows(SERVICES)}
        assert {service.name for row in snapshot.rows(PROPOSALS) for service in row.services} <= services
        templates = {row.name for row in practice.templates.values()}
        assert services & templates
        assert services - templates
        there = {row.email for row in practice.staff.values()}
        emails = {row.email for row in snapshot.rows(TEAM)}
        assert emails & there
        assert emails - there


def test_sample_files_are_written_and_never_over_others(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    written = write_sample_files(folder, clients=12, seed=1)
    assert [path.name for path in written] == ["team.csv", "services.csv", "clients.csv", "proposals.csv"]
    texts = sample_files(Sandbox(1, 12).practice, 1, datetime.now(UTC).date())
    assert [path.read_bytes().decode() for path in written] == list(texts.values())
    (folder / "clients.csv").write_text("mine", encoding="utf-8")
    (folder / "team.csv").unlink()
    with pytest.raises(BadInput, match=r"clients\.csv already exists"):
        write_sample_files(folder, clients=12, seed=1)
    assert not (folder / "team.csv").exists()
