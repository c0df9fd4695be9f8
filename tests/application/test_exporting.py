"""Exports together with imports, and cells that a spreadsheet would run as formulas."""

from __future__ import annotations

from pathlib import Path

import pytest

from xpm_tui.application.csv_io.exports import export_file, export_text
from xpm_tui.application.csv_io.imports import import_file, undo_import
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.tables import CLIENTS, IMPORTED
from xpm_tui.files import durable

HEAD = "Client ID,Contact ID,Client Name,Contact Name,Contact Email,Phone\n"


def rows(path: Path, phone: str) -> Path:
    path.write_text(f"{HEAD}1,11,Kowhai,Ann,ann@x.nz,{phone}\n", encoding="utf-8")
    return path


def test_an_export_does_not_write_over_an_import_made_meanwhile(
    practice: OpenPractice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_file(practice, "clients", rows(tmp_path / "one.csv", "09 111"))
    real = durable.replace_bytes

    def meanwhile(path: Path, data: bytes) -> int:
        monkeypatch.setattr(durable, "replace_bytes", real)
        import_file(practice, "clients", rows(tmp_path / "two.csv", "09 222"))
        return real(path, data)

    monkeypatch.setattr(durable, "replace_bytes", meanwhile)
    export_file(practice, "clients", tmp_path / "out.csv")
    known = practice.snapshot().get(IMPORTED, "c1")
    assert known is not None
    assert known.cells["phone"] == "09 222", "what Ignition's newest file said is forgotten"
    assert known.sent is not None


def test_an_export_brings_nothing_back_that_an_undo_took_away(
    practice: OpenPractice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_file(practice, "clients", rows(tmp_path / "one.csv", "09 111"))
    real = durable.replace_bytes

    def meanwhile(path: Path, data: bytes) -> int:
        monkeypatch.setattr(durable, "replace_bytes", real)
        undo_import(practice)
        return real(path, data)

    monkeypatch.setattr(durable, "replace_bytes", meanwhile)
    export_file(practice, "clients", tmp_path / "out.csv")
    assert practice.snapshot().count(CLIENTS) == 0
    assert practice.snapshot().count(IMPORTED) == 0


@pytest.mark.parametrize("heading", ["=HYPERLINK(0)", "@SUM(1+9)", "+1", "-2+3"])
def test_a_heading_is_no_formula_either(practice: OpenPractice, tmp_path: Path, heading: str) -> None:
    file = tmp_path / "in.csv"
    file.write_text(f"Client ID,Client Name,{heading}\n1,Kowhai,x\n", encoding="utf-8")
    import_file(practice, "clients", file)
    data, *_ = export_text(practice, "clients", flavour="spreadsheet")
    first = data.decode("utf-8-sig").splitlines()[0]
    assert not [cell for cell in first.split(",") if cell[:1] in tuple("=+-@")], first
    back = tmp_path / "back.csv"
    back.write_bytes(data)
    report = import_file(practice, "clients", back, dry_run=True)
    assert heading in [column.heading for column in report.columns]
