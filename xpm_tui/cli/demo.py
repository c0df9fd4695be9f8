"""The demo: a sandbox, a home of its own with generated sample files, and the console over both.

The sample files are those of Ignition for a practice of the sandbox: clients, team, services and proposals.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import unicodedata
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpm_tui.cli.console import ConsoleLauncher, Globals, open_console
from xpm_tui.domain.errors import AppError, BadInput, Busy
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.private import expand_path
from xpm_tui.lazy import lazy_imports
from xpm_tui.sandbox.records import ClientRecord, SandboxPractice

with lazy_imports():
    from xpm_tui.application import connection, home
    from xpm_tui.application import practice as application_practice
    from xpm_tui.application.csv_io import imports
    from xpm_tui.sandbox import simulator

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.ignition.forms import FormName
    from xpm_tui.sandbox.records import SandboxPractice


PORTS = range(8765, 8770)
"""The ports of the redirect address that the sandbox's app has registered."""


def demo(console: ConsoleLauncher, given: Globals, *, clients: int, seed: int) -> int:
    """Run the demo until the user leaves the console; return the exit code. A temporary home is deleted."""
    if not given.plain:
        console.require_terminal()
    with home_folder(given.home, "xpm-tui-demo-") as folder:
        print("Starting the sandbox and filling the demo practice ...", file=sys.stderr, flush=True)
        with sandbox(folder, clients=clients, seed=seed) as greeting:
            prepare(folder, greeting, clients=clients, seed=seed)
            return open_console(console, given._replace(home=str(folder), practice=""))


def prepare(folder: Path, greeting: dict[str, Any], *, clients: int, seed: int) -> None:
    """Point the practice in ``folder`` at the sandbox; write the sample files there and import them.

    A practice that an earlier demo connected already has the files; it is connected to the new sandbox.

    Raises:
        BadInput: The earlier demo had another seed.
    """
    with application_practice.open_practice(home.find_home(str(folder), os.environ), environ={}) as practice:
        identity = application_practice.read_identity(practice.snapshot())
        if identity is not None and identity.tenant not in {each["id"] for each in greeting["tenants"]}:
            raise BadInput(
                "This home holds a demo with another seed. Nothing was changed.",
                hint="Name that --seed, or another --home.",
            )
        for key, value in _settings(greeting).items():
            practice.settings.set(key, value, practice=True)
        if identity is not None:
            asyncio.run(_connect_again(practice, greeting["api_url"], identity.tenant))
            return
        today = practice.clock.now().date()
        for form, text in sample_files(simulator.Sandbox(seed, clients).practice, seed, today).items():
            path = folder / f"ignition-{form}.csv"
            path.write_text(text, encoding="utf-8", newline="")
            imports.import_file(practice, form, path)


async def _connect_again(practice: OpenPractice, api: str, tenant: str) -> None:
    """Sign in to the new sandbox, which does not know the earlier login, and read its lists."""
    machine = connection.ConnectionMachine(practice)
    url = machine.begin().url
    machine.paste(await asyncio.to_thread(_consent, api, url))
    await machine.wait()
    await machine.choose(tenant)
    await machine.fill()


def _consent(api: str, authorize_url: str) -> str:
    """Consent on the sandbox's page; return the address to which it redirects."""
    request = urllib.request.Request(
        f"{api}/_sandbox/consent",
        data=json.dumps({"authorize_url": authorize_url}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as reply:
        return str(json.load(reply)["redirect"])


def sample_files(practice: SandboxPractice, seed: int, today: date) -> dict[FormName, str]:
    """Return Ignition's four files for a practice of the sandbox, in the order of their import."""
    text = clients_file(practice, seed)
    return {
        "team": _csv_text(TEAM_HEADINGS, _TEAM),
        "services": services_file(),
        "clients": text,
        "proposals": proposals_file(text, seed, today),
    }


def write_sample_files(folder: Path, *, clients: int, seed: int) -> list[Path]:
    """Write Ignition's four sample files for a sandbox of this size and seed, and return their paths.

    Raises:
        BadInput: A different file of that name exists. Nothing was written.
    """
    practice = simulator.Sandbox(seed, clients).practice
    texts = sample_files(practice, seed, datetime.now(UTC).date())
    wanted = {folder / f"{form}.csv": text.encode() for form, text in texts.items()}
    for path, text in wanted.items():
        if path.exists() and path.read_bytes() != text:
            raise BadInput(
                f"{path} already exists. No sample file was written.", hint="Name an empty folder for them."
            )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, text in wanted.items():
        replace_bytes(path, text)
    return list(wanted)


@contextmanager
def sandbox(folder: Path, *, clients: int, seed: int) -> Iterator[dict[str, Any]]:
    """Start a sandbox that ends with the block and with this process; yield its greeting."""
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "xpm_tui.sandbox", "--port", "0", "--die-with-parent"),
                *("--clients", str(clients), "--seed", str(seed)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise AppError(
                f"The sandbox did not start: it ended with {process.wait(10)}.",
                hint="Start it on its own to see why: xpm-tui sandbox",
            )
        yield json.loads(line)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _settings(greeting: dict[str, Any]) -> dict[str, str]:
    return {
        "xero.login_url": greeting["login_url"],
        "xero.identity_url": greeting["identity_url"],
        "xero.api_url": greeting["api_url"],
        "xero.client_id": greeting["client_id"],
        "xero.redirect_port": str(_free_port()),
        "xero.scopes": "both",
    }


def _free_port() -> int:
    """Return a registered port that is free, so that two demos can run at the same time."""
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Busy(
        f"All ports from {PORTS[0]} to {PORTS[-1]} are in use.", hint="Close one of the other demos first."
    )


@contextmanager
def home_folder(chosen: str, prefix: str) -> Iterator[Path]:
    """Yield the given folder, which stays, or a temporary one whose name starts with ``prefix``."""
    if chosen:
        folder = expand_path(chosen)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield folder
        return
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


CLIENT_HEADINGS = (
    "Client ID", "Contact ID", "Client Name", "Contact Name", "Contact Email", "Contact Phone", "Phone",
    "Address", "City", "Country", "Client Status", "Proposal Owner",
)  # fmt: skip

_HARD_CASES = 12
"""The number of clients at the start of a practice that are hard to match; all of them are in the file."""

_ONLY_IN_IGNITION = (
    ("Puffin Street Bakery", "Rosa Lind", "rosa@puffinstreet.example", "active"),
    ("Old Mill Ceramics Ltd", "Henk Visser", "henk@oldmill.example", "active"),
    ("Wharf 9 Events", "Ines Duarte", "ines@wharf9.example", "lead"),
    ("Northern Lights Physio", "Aino Laine", "aino@nlphysio.example", "lead"),
    ("Gull Rock Fencing Pty Ltd", "Dale Munro", "dale@gullrock.example", "inactive"),
)


def clients_file(practice: SandboxPractice, seed: int) -> str:
    """Return the file of clients. The same practice and seed produce the same file."""
    return _csv_text(CLIENT_HEADINGS, _client_rows(practice, random.Random(seed)))


def _client_rows(practice: SandboxPractice, chance: random.Random) -> Iterator[tuple[str, ...]]:
    number = 1000
    seen: set[str] = set()
    for place, client in enumerate(practice.clients.values()):
        if client.deleted or (client.archived and client.name in seen):
            continue
        seen.add(client.name)
        draw = chance.random()
        if place >= _HARD_CASES and draw > 0.85:
            continue
        near = place in (1, 6) if place < _HARD_CASES else draw > 0.70
        number += 1
        yield from _contact_rows(practice, client, number, chance, near=near)
    for name, contact, email, status in _ONLY_IN_IGNITION:
        number += 1
        empty = [""] * (len(CLIENT_HEADINGS) - 7)
        yield (f"CLI-{number}", f"CON-{number}1", name, contact, email, *empty, status, "Ana Silva")


def _contact_rows(
    practice: SandboxPractice, client: ClientRecord, number: int, chance: random.Random, *, near: bool
) -> Iterator[tuple[str, ...]]:
    name = _nearly(client.name, chance) if near else client.name
    contacts = [practice.contacts[link.contact] for link in client.contacts]
    people = [(c.name, c.email, c.phone) for c in contacts if not c.deleted and c.name and c.email][:2]
    if not people:
        people = [(f"Accounts {number}", f"accounts@client{number}.example", "")]
    phone = client.phone if chance.random() < 0.7 else _older(client.phone)
    for place, (person, email, direct) in enumerate(people, 1):
        first = place == 1
        yield (
            f"CLI-{number}",
            f"CON-{number}{place}",
            name,
            person,
            email,
            direct,
            phone if first else "",
            client.address.street.replace("\n", ", ") if first and chance.random() < 0.5 else "",
            client.address.city if first else "",
            client.address.country if first else "",
            "active",
            chance.choice(("Ana Silva", "Tom Reid")),
        )


def _older(phone: str) -> str:
    """Return an older phone number, with another last digit."""
    return phone[:-1] + str((int(phone[-1]) + 1) % 10) if phone[-1:].isdigit() else phone


def _nearly(name: str, chance: random.Random) -> str:
    """Return a name as someone else might type it, never the same one."""
    spellings = list(_SPELLINGS)
    chance.shuffle(spellings)
    others = (spell(name) for spell in spellings)
    return next((other for other in others if other != name), name.upper())


def _without_accents(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def _surname_first(name: str) -> str:
    words = name.split()
    return f"{words[1]}, {words[0]}" if len(words) == 2 and name.replace(" ", "").isalpha() else name


_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda name: name.removesuffix("Ltd") + "Limited" if name.endswith("Ltd") else name,
    lambda name: name.replace(" & ", " and "),
    lambda name: name.replace("Superannuation Fund", "Super Fund"),
    lambda name: name.replace(" (Australia)", ""),
    lambda name: name.removesuffix(" Family Trust") + " Trust" if name.endswith("Family Trust") else name,
    _without_accents,
    _surname_first,
)


TEAM_HEADINGS = ("Name", "Email", "Access", "Status")
SERVICE_HEADINGS = ("Service ID", "Service Name", "Price")
PROPOSAL_HEADINGS = (
    "Proposal Number", "Proposal Name", "Client ID", "Client Name", "Proposal Status", "Accepted Date",
    "Start Date", "End Date", "Service Name", "Billing Type", "Price", "Proposal Manager",
)  # fmt: skip

_TEAM = (
    ("Ana Silva", "ana.silva@harbourhill.example", "yes", "active"),
    ("Tom Reid", "tom.reid@harbourhill.example", "yes", "active"),
    ("Mere Parata", "mere@parata.example", "yes", "active"),
    ("Sam Lee", "samuel.lee@harbourhill.example", "no", "active"),
    ("Gail Former", "gail@harbourhill.example", "no", "active"),
    ("Nia Thompson", "nia.thompson@harbourhill.example", "no", "active"),
)
_SERVICES = (
    ("Annual Accounts", 1800),
    ("GST Return", 240),
    ("Monthly bookkeeping", 450),
    ("Payroll", 120),
    ("Onboarding new clients", 350),
    ("Annual Company Review", 90),
    ("Tax planning meeting", 400),
    ("Xero subscription", 75),
)
_PACKAGES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Compliance", ("Annual Accounts", "GST Return"), "yearly"),
    ("Bookkeeping", ("Monthly bookkeeping", "Payroll", "Xero subscription"), "monthly"),
    ("Company care", ("Annual Company Review", "Tax planning meeting"), "one-time"),
)
_STATES = ("accepted", "accepted", "accepted", "accepted", "sent", "draft")
PROPOSALS = 18


def services_file() -> str:
    """Return the file of services."""
    rows = ((f"SVC-{number}", name, price) for number, (name, price) in enumerate(_SERVICES, 501))
    return _csv_text(SERVICE_HEADINGS, rows)


def proposals_file(clients: str, seed: int, today: date) -> str:
    """Return the file of proposals, one row per service, for the clients of the file ``clients``.

    Some started recently, some start in the next weeks. The same file, seed and day produce the same file.
    """
    chance = random.Random(seed)
    known = {row["Client ID"]: row["Client Name"] for row in csv.DictReader(io.StringIO(clients))}
    chosen = chance.sample(sorted(known.items()), min(PROPOSALS, len(known)))
    rows: list[Sequence[object]] = []
    for number, (client_id, name) in enumerate(chosen, 2001):
        title, wanted, billing = chance.choice(_PACKAGES)
        start = today + timedelta(days=chance.randrange(-20, 40))
        accepted = min(today, start) - timedelta(days=chance.randrange(1, 30))
        state = chance.choice(_STATES)
        manager = chance.choice(("Ana Silva", "Tom Reid", "Nia Thompson"))
        prices = dict(_SERVICES)
        rows += [
            (f"PROP-{number}", f"{title} {start:%Y}", client_id, name, state,
             accepted.isoformat() if state == "accepted" else "", start.isoformat(),
             (start + timedelta(days=364)).isoformat(), service, billing, prices[service], manager)
            for service in wanted
        ]  # fmt: skip
    return _csv_text(PROPOSAL_HEADINGS, rows)


def _csv_text(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows(rows)
    return out.getvalue()
