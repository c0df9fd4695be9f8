"""Every class of Ignition's files and of the machine ends as ``docs/input.md`` says, row by row."""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import io
import os
import random
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.ignition.support import NOW
from tests.support.memory_store import MemoryIds, MemoryStore
from tests.support.profile import count
from tools.reference.input_outcomes import FILES, MACHINE, ROWS, InputRow
from xpm_tui.application import home
from xpm_tui.application.csv_io.imports import plan_import
from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.domain.tables import CLIENTS, PROPOSALS
from xpm_tui.files.locks import Lock
from xpm_tui.files.machine import SystemClock, to_disk_error
from xpm_tui.files.private import check_chain
from xpm_tui.ignition import csv_source
from xpm_tui.ignition.csv_source import CsvSource
from xpm_tui.ignition.forms import FormName
from xpm_tui.ignition.parser import parse
from xpm_tui.settings import store
from xpm_tui.tui.terminal.driver import require_terminal
from xpm_tui.xero.auth.authorization import begin, read_answer
from xpm_tui.xero.client.environment import NetworkEnvironment
from xpm_tui.xero.client.transport import Network
from xpm_tui.xero.config import WireConfig

HEAD = "Client ID,Client Name,Contact Name,Contact Email,Phone\n"
FIRST, LAST = "10001,Rata Ltd,Ann,ann@rata.example,09 1\n", "10009,Miro Ltd,Bo,bo@miro.example,09 9\n"
DATES = "Proposal Number,Client ID,Proposal Status,Service Name,Start Date,Proposal Name\n"


def among(*rows: str, head: str = HEAD) -> bytes:
    """A clients file with sound rows around some others."""
    return (head + FIRST + "".join(f"{row}\n" for row in rows) + LAST).encode()


def dated(*starts: str) -> bytes:
    """A proposals file with a proposal for each start date, after two sound ones."""
    written = enumerate(("1 Apr 2026", *starts), 1)
    rows = [f"P{at},1,Accepted,Books,{start},Year {at}\n" for at, start in written]
    return (DATES + "".join(rows)).encode()


SOUND = "10002,Kowhai Ltd,Cy,cy@kowhai.example,021 5"
LONG = f"10003,{'K' * 30_000},Di,di@rimu.example,1"
CAFE = "10002,Café Ltd,Cy,cy@kowhai.example,021 5"
ALIKE: Mapping[str, tuple[tuple[bytes, bytes], ...]] = {
    "form": (
        (b"\xef\xbb\xbf" + among(SOUND), among(SOUND)),
        (among(SOUND).decode().encode("utf-16"), among(SOUND)),
        (b"sep=;\n" + among(SOUND).replace(b",", b";"), among(SOUND)),
        (among(SOUND).replace(b",", b"\t").replace(b"\n", b"\r\n"), among(SOUND)),
        (among(SOUND).replace(b"\n", b"\r"), among(SOUND)),
        (among(SOUND, head=HEAD.upper().replace("CLIENT ID", "client_id")), among(SOUND)),
    ),
    "columns": (
        (b"".join(b",".join(line.split(b",")[::-1]) + b"\n" for line in among(SOUND).splitlines()),
         among(SOUND)),
        (among(SOUND).replace(b"\n", b",,\n"), among(SOUND)),
    ),
    "same": ((among(SOUND, SOUND), among(SOUND)), (among(SOUND) * 1 + FIRST.encode(), among(SOUND))),
    "encoding": (
        (among(CAFE).decode().encode("cp1252"), among(CAFE)),
        (among(CAFE, LONG).decode().encode("cp1252"), among(CAFE, LONG)),
        (among(CAFE).decode().encode("mac-roman"), among(CAFE)),
    ),
    "dates": tuple(
        (dated(written), dated("2026-09-01"))
        for written in ("1 Sept 2026", "1/09/2026", "Tue 1 September 2026", "2026-09-01 11:00",
                        '"Sep 1, 2026"', "1/9/26")
    ),
    "invisible": tuple(
        (among(SOUND.replace("Kowhai", f"Kow{mark}hai").replace("cy@", f"cy{mark}@")), among(SOUND))
        for mark in ("\u200b", "\u2060", "\u00ad", "\ufeff", "\u200e", "\u061c", "\U000e0041")
    ),
    "blanks": (
        *((among(SOUND.replace("Kowhai Ltd", f" Kowhai{mark}Ltd ")), among(SOUND))
          for mark in ("\u00a0", "\u2009", "\u3000")),
        (among(CAFE.replace("é", "e\u0301")), among(CAFE)),
    ),
    "formula": (
        (among(SOUND.replace("021 5", '"=""021 5"""')), among(SOUND)),
        (among(SOUND.replace("021 5", "'+64 5")), among(SOUND.replace("021 5", "+64 5"))),
    ),
    "heading": ((among(SOUND, HEAD.strip()), among(SOUND)),),
    "totals": (
        (among(SOUND, ",Total,,,3"), among(SOUND)),
        (among(SOUND, ",Grand total,,,1 234.50"), among(SOUND)),
    ),
}  # fmt: skip
"""Two files for each class that is read: the odd one and a sound one that gives the same records."""

BAD_ROWS: Mapping[str, tuple[bytes, ...]] = {
    "error-word": tuple(
        among(SOUND.replace("Kowhai Ltd", word))
        for word in ("#REF!", "#ERROR!", "Loading...", "#BLOCKED!", "Err:508", "########", "#N/A", "#NAME?",
                     "null")
    ),
    "lost": (among(SOUND.replace("Kow", "K\ufffd")), among(SOUND.replace("Kow", "K\0"))),
    "id": (
        *(among(SOUND.replace("10002", odd))
          for odd in ("1E+14", "101.0", '"1,234"', "1234567890123450", "2-Mar", "02/03/2026", "1.0002E+4")),
        among("101,Kowhai Ltd,Cy,cy@k.example,1", "00101,Rimu Ltd,Di,di@rimu.example,1"),
    ),
    "phone": (among(SOUND.replace("021 5", "6.42E+10")), among(SOUND.replace("021 5", "64211234.0"))),
    "email": tuple(among(SOUND.replace("cy@kowhai.example", odd)) for odd in ("n/a", "cy at k", "@k")),
    "date": tuple(
        dated(odd)
        for odd in ("2026-03-31T11:00:00Z", "1/04/2026 - 31/03/2027", "31/12/99", "31/02/2026",
                    "Fri 1 Sep 2026", "1 Apr 2026 AEST", "soon", "1/01/1900")
    ),
    "mixed-dates": (dated("3/4/2026", "13/4/2026", "4/13/2026"),),
    "nearly-headings": (among("Client ID,Client Name,Contact Name,x@y.example,1"), among(",Total,,,")),
    "nameless": (among(SOUND.replace("Kowhai Ltd", "")),),
    "cells": (among(f"{SOUND},1,2,3"), among(SOUND.replace("Kowhai", "K" * 40_000))),
    "contradiction": (dated().replace(b"Year 1\n", b"Year 1\nP1,2,Accepted,Payroll,1 Apr 2026,Year 1\n"),),
}  # fmt: skip
"""Files with one odd row among sound ones, for each class that is refused row by row."""

NO_FILES: Mapping[str, tuple[bytes | str, ...]] = {
    "empty": (b"", b"\n\n", b"\xef\xbb\xbf", b"Shoe size,Colour\n44,red\n"),
    "binary": (
        b"PK\x03\x04" + b"\0" * 40, b"%PDF-1.7\n", b"<!DOCTYPE html><html>",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", among(SOUND).decode().encode("utf-32"),
    ),
    "damaged": (
        among(CAFE) + b"10003,Caf\xe9,Di,di@x.example,1\n",
        among(CAFE.replace("Café", "Борис")).decode().encode("cp1251"),
    ),
    "device": ("/dev/zero", "/dev/null", "/tmp", "/nonexistent.csv"),
    "large": (b"x" * (5 << 20),),
}  # fmt: skip


def form_of(data: bytes) -> FormName:
    return "proposals" if b"Proposal Number" in data[:40] else "clients"


def taken(data: bytes) -> tuple[list[str], list[Any], int]:
    """Import a file: the reasons of its refused rows, its records, and how many rows were left out."""
    store = MemoryStore([])
    parsed = parse(data, form_of(data))
    plan = plan_import(store.snapshot(), parsed, MemoryIds(), NOW)
    store.commit(plan.writes("m1"))
    rows = [*store.snapshot().rows(CLIENTS), *store.snapshot().rows(PROPOSALS)]
    # The order in which columns are extra is that of the file.
    records = [msgspec.to_builtins(msgspec.structs.replace(row, id="")) for row in rows]
    return [each.reason for each in plan.refused], records, len(parsed.skipped)


def rows_of(source: str) -> dict[str, InputRow]:
    return {row.id.partition("-")[2]: row for row in ROWS if row.source == source}


def test_every_class_of_files_has_examples() -> None:
    assert {*rows_of(FILES)} == {*ALIKE, *BAD_ROWS, *NO_FILES}


@pytest.mark.parametrize("name", ALIKE)
def test_a_file_is_read_as_the_page_says(name: str) -> None:
    row = rows_of(FILES)[name]
    for odd, sound in ALIKE[name]:
        refused, records, skipped = taken(odd)
        assert (refused, records) == taken(sound)[:2], odd
        assert (refused, bool(skipped)) == ([], row.outcome == "skipped"), odd


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_row_is_refused_alone_as_the_page_says(name: str) -> None:
    row = rows_of(FILES)[name]
    assert (row.outcome, row.exits) == ("row", "1")
    for data in BAD_ROWS[name]:
        refused, records, _ = taken(data)
        assert refused, data[:200]
        assert len(refused) == (2 if name == "contradiction" else 1), refused
        sound = data.count(b"\n") - 1 - len(refused)
        assert len(records) == sound, data[:200]


@pytest.mark.parametrize("name", NO_FILES)
def test_a_file_is_refused_as_the_page_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = rows_of(FILES)[name]
    examples = [*NO_FILES[name]]
    if name == "large":
        monkeypatch.setattr(csv_source, "LARGEST", 3 << 20)
        examples.append(among(SOUND) * 20_000)
    for at, data in enumerate(examples):
        path = Path(data) if isinstance(data, str) else tmp_path / f"{at}.csv"
        if isinstance(data, bytes):
            path.write_bytes(data)
        with pytest.raises(BadInput) as caught, CsvSource.of(path, "") as source:
            plan_import(MemoryStore([]).snapshot(), parse(source, "clients"), None, NOW)
        assert str(caught.value.exit_code) == row.exits
        assert caught.value.hint, caught.value.message


PIECES = [row for odd in BAD_ROWS.values() for data in odd for row in data.decode().splitlines()[2:-1]
          if len(row) < 1_000]  # fmt: skip
CELLS = ["", " ", "\u200b", "\ufffd", "\0", '"', '""', ",", "'", "=1+1", "#REF!", "1E+14", "Total",
         "\x1b[31m", "\U0001f980", "e\u0301", "\r", "\t", "Client Name", "00101", "101", "x" * 999,
         "\ud800"]  # fmt: skip


def test_no_file_however_odd_is_more_than_refused() -> None:
    """Files made of odd rows, odd cells and junk bytes are read, or refused with a sentence."""
    dice = random.Random(29112026)
    for _ in range(count(60, 50_000)):
        lines = [HEAD.strip() if dice.random() < 0.9 else DATES.strip()]
        for _row in range(dice.randint(0, 4)):
            if dice.random() < 0.5:
                lines.append(dice.choice(PIECES))
            else:
                lines.append(",".join(dice.choice(CELLS) for _cell in range(dice.randint(0, 8))))
        data = "\n".join(lines).encode("utf-8", "surrogatepass")
        if dice.random() < 0.3:
            at = dice.randrange(len(data) + 1)
            data = data[:at] + dice.randbytes(dice.randint(1, 3)) + data[at + dice.randint(0, 2) :]
        with suppress(BadInput):
            taken(data)


# This machine


def no_locks(tmp: Path, patch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, how: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    patch.setattr(fcntl, "flock", refuse)
    Lock(tmp / "lock", clock=SystemClock(), person="ana").acquire(5.0)


def closed_stdin(tmp: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sys, "stdin", None)
    CsvSource.of(Path("-"), "")


def no_extra(tmp: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(importlib.util, "find_spec", lambda name: None)
    proxied({"ALL_PROXY": "socks5://gate:1080"})


def proxied(environ: dict[str, str]) -> None:
    NetworkEnvironment(environ).proxy_for("https", "api.xero.com", 443)


def full(tmp: Path, patch: pytest.MonkeyPatch) -> None:
    raise to_disk_error(OSError(errno.ENOSPC, "No space left on device"), tmp / "log", "written")


def homeless(tmp: Path, patch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        patch.delenv(name, raising=False)
    patch.setattr(home, "own_folder", lambda: None)
    home.find_home(None, {})


def open_folder(tmp: Path, patch: pytest.MonkeyPatch) -> None:
    (tmp / "open").mkdir()
    (tmp / "open").chmod(0o777)
    check_chain(tmp / "open" / "home" / "settings.toml")


def foreign_folder(tmp: Path, patch: pytest.MonkeyPatch) -> None:
    real = Path.lstat

    def foreign(path: Path) -> os.stat_result:
        found = real(path)
        fields = [*found[:4], 4711, *found[5:]] if path == tmp else found
        return os.stat_result(fields)

    patch.setattr(Path, "lstat", foreign)
    check_chain(tmp / "settings.toml")


def open_settings(tmp: Path, patch: pytest.MonkeyPatch) -> None:
    path = tmp / "settings.toml"
    path.write_text("[notify]\ncommand = 'x'\n")
    path.chmod(0o666)
    store.read_file(path)


def pasted(line: str) -> Callable[[Path, pytest.MonkeyPatch], object]:
    return lambda tmp, patch: read_answer(line, begin(WireConfig(client_id="A")))


def terminal(tmp: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sys, "stdin", io.StringIO())
    require_terminal({"TERM": "dumb"})


Example = Callable[[Path, pytest.MonkeyPatch], object]
REFUSED: Mapping[str, tuple[Example, ...]] = {
    "stdin-closed": (closed_stdin,),
    "proxy": tuple(
        lambda tmp, patch, value=value: proxied({"HTTPS_PROXY": value})  # type: ignore[misc]
        for value in ("ftp://gate", "http://[::1", "two words", "http://", "http://gate:99999")
    ),
    "socks": (no_extra,),
    "certificates": tuple(
        lambda tmp, patch, environ=environ: NetworkEnvironment(environ).certificate_store()  # type: ignore[misc]
        for environ in ({"SSL_CERT_FILE": "/nonexistent.pem"}, {"SSL_CERT_DIR": "/nonexistent"},
                        {"SSL_CERT_FILE": "/dev/null"})
    ),
    "no-locks": (no_locks,),
    "disk": (full,),
    "no-home": (homeless,),
    "controls": tuple(
        lambda tmp, patch, name=name: home.find_home(f"/tmp/a{name}b", {})  # type: ignore[misc]
        for name in ("\n", "\x1b", "\u2028", "\0", "\x85")
    ),
    "open-folder": (open_folder,),
    "foreign-folder": (foreign_folder,),
    "open-settings": (open_settings,),
    "pasted": tuple(map(pasted, ("hello", "?code=1&state=other", "?" + "a=1&" * 60))),
    "terminal": (terminal,),
}  # fmt: skip
ELSEWHERE = {
    "socks-fault": ("tests/xero/test_environment.py", "def test_a_socks_proxy_that_fails_is_named"),
    "rate-limiter": ("tests/xero/test_rate_limiter.py", "def test_a_damaged_file_is_reported"),
    "stdin-ended": ("tests/cli/test_environments.py", "def test_without_stdin_the_browser_alone_signs_in"),
}
"""Classes whose examples need a server or a process."""


def test_every_class_of_the_machine_is_tried() -> None:
    assert {*rows_of(MACHINE)} == {*REFUSED, *ELSEWHERE, "no-proxy", "local"}
    for file, test in ELSEWHERE.values():
        assert test in Path(file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REFUSED)
def test_the_machine_is_refused_as_the_page_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = rows_of(MACHINE)[name]
    for at, example in enumerate(REFUSED[name]):
        folder = tmp_path / str(at)
        folder.mkdir()
        with monkeypatch.context() as patch, pytest.raises(AppError) as caught:
            example(folder, patch)
        assert str(caught.value.exit_code) == row.exits
        assert caught.value.message
        assert caught.value.hint, caught.value.message


def test_what_the_machine_says_and_nobody_needs_stops_nothing() -> None:
    assert (rows_of(MACHINE)["no-proxy"].outcome, rows_of(MACHINE)["local"].outcome) == (
        "understood",
        "noted",
    )
    odd = {"HTTPS_PROXY": "http://gate:1", "NO_PROXY": "fe11::/16,[::1],.a.nz:443,[,::,x y"}
    assert NetworkEnvironment(odd).proxy_for("https", "api.xero.com", 443) is not None
    here = "http://127.0.0.1:1"
    config = WireConfig(client_id="a", login_url=here, identity_url=here, api_url=here)
    (notice,) = Network(config, environ={"SSL_CERT_FILE": "/nonexistent.pem"}).notices()
    assert "/nonexistent.pem" in notice.message
