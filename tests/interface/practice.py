"""The fixed practice that commands are run against: files of Ignition, a sandbox, and a connected home."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from tests.support.command import CommandLine, Done, Inline
from tests.support.sandbox_process import SandboxProcess

CLIENTS = """Client ID,Contact ID,Client Name,Contact Name,Contact Email,Contact Phone,City,Favourite Colour
CLI-1,CON-1,Kowhai Plumbing Pty Ltd,Jo Tane,jo@kowhai.example,1,Old Town,green
CLI-1,CON-2,Kowhai Plumbing Pty Ltd,Someone Else,else@kowhai.example,,,
CLI-2,CON-3,Kowhai Holdings Limited,Jo Tane,jo@kowhai.example,,,
CLI-3,CON-4,John Smith,John Smith,john1@smith.example,,,
CLI-4,CON-5,Harbour Café Ltd,Zoë Müller,zoe@harbourcafe.example,,,
CLI-5,CON-6,ACME [/] Pty,Somebody,click@acme.example,,,
CLI-6,CON-7,Bright Sparks Electrical,Sparks,office@sparks.example,,,
CLI-7,CON-8,Only Here Ltd,Ina Here,ina@here.example,,,
CLI-8,CON-9,,Nobody,nobody@here.example,,,
"""
TEAM = """Name,Email,Access,Status
Ana Silva,ana.silva@harbourhill.example,yes,active
Tom Reid,tom.reid@harbourhill.example,yes,active
Sam Lee,samuel.lee@harbourhill.example,no,active
Not In Xpm,nobody@harbourhill.example,no,active
"""
SERVICES = """Service ID,Service Name,Price
SVC-501,Annual Accounts,1800
SVC-502,GST Return,240
SVC-503,Payroll,120
"""
PROPOSALS = """\
Proposal Number,Proposal Name,Client Name,Service Name,Price,Start Date,End Date,Proposal Status
PROP-77,Tax,Bright Sparks Electrical,Annual Accounts,1200.00,{start},{end},Accepted
PROP-77,Tax,Bright Sparks Electrical,Unknown service,50.00,{start},{end},Accepted
PROP-78,Payroll,Kowhai Plumbing Pty Ltd,Payroll,120.00,{start},{end},Accepted
PROP-79,Later,Harbour Café Ltd,GST Return,240.00,{start},{end},Sent
"""


def write_files(folder: Path) -> None:
    """Ignition's four files, with proposals that began five days ago; and a fifth with their next term."""
    start = date.today() - timedelta(days=5)
    proposals = PROPOSALS.format(start=start, end=start + timedelta(days=364))
    again = start + timedelta(days=365)
    renewed = PROPOSALS.format(start=again, end=again + timedelta(days=364)).replace("1200.00", "1250.00")
    for name, text in (
        ("clients", CLIENTS), ("team", TEAM), ("services", SERVICES), ("proposals", proposals),
        ("renewed", renewed),
    ):  # fmt: skip
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def environ(sandbox: SandboxProcess) -> dict[str, str]:
    """Variables that lead to the sandbox, with the scopes that open job templates, and a known user."""
    return {**sandbox.environ, "XPM_TUI_USER": "tester", "XPM_TUI_XERO_SCOPES": "both"}


def connect(home: Path, sandbox: SandboxProcess) -> Done:
    """``connect`` as a process of its own, with the consent given by the sandbox."""
    process = CommandLine(home, environ(sandbox)).start("connect", "--no-browser", "--json")
    assert process.stdout is not None
    first = process.stdout.readline()
    tenant = sandbox.greeting["tenants"][0]["id"]
    redirect = sandbox.consent(json.loads(first)["authorize"], tenant=tenant)
    out, err = process.communicate(redirect + "\n", timeout=60)
    done = Done(process.returncode, first + out, err)
    assert done.code == 0, done
    return done


def copy(template: Path, home: Path, sandbox: SandboxProcess) -> Inline:
    """A fresh copy of a connected home. No call counts yet, neither here nor in the sandbox."""
    shutil.copytree(template, home)
    return Inline(home, environ(sandbox))


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, where files that a command names are."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
