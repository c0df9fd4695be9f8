"""Gather the support bundle of a doctor target, and pack its parts into a zip file."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from xpm_tui import __version__
from xpm_tui.application.condition import conditions
from xpm_tui.application.csv_io.inbox import InboxStatus, inbox_status
from xpm_tui.application.health.probe_facts import DoctorTarget, Machine, saved_login
from xpm_tui.application.home import FIRST, STORE_FOLDER, own_folder
from xpm_tui.application.presenters.lookup import masked, name_of
from xpm_tui.application.runs import history
from xpm_tui.application.status.summary import allowance_at
from xpm_tui.diagnostics.error_presenter import problem_lines
from xpm_tui.diagnostics.findings import ProbeResult, run_problem
from xpm_tui.diagnostics.known_problems import find_problem
from xpm_tui.diagnostics.masking import LEFT_OUT, Mask, RowMask
from xpm_tui.domain.errors import BadInput, StoreUnreadable
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import when_utc
from xpm_tui.domain.pace import LIMITER_FILE
from xpm_tui.domain.ports import Allowance, Snapshot
from xpm_tui.domain.runs import Run
from xpm_tui.domain.secret import Secret
from xpm_tui.domain.tables import ALL, CLIENTS, IMPORTS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.machine import disk_error
from xpm_tui.files.private import expand_path
from xpm_tui.lazy import lazy_imports
from xpm_tui.log.event_log import EventFilter
from xpm_tui.log.sentences import sentence
from xpm_tui.sync.mirror import named_people, set_aside

with lazy_imports():
    from xpm_tui.xero.auth import token_store
    from xpm_tui.xero.client import environment


class BundlePart(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the bundle; ``about`` describes its contents in a sentence."""

    name: str
    about: str
    data: bytes

    @property
    def size(self) -> int:
        """The unpacked size in bytes."""
        return len(self.data)


def json_part(name: str, about: str, value: object, mask: Mask) -> BundlePart:
    """Return a part of indented JSON."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=1).decode()
    return text_part(name, about, text, mask)


def lines_part(name: str, about: str, values: Iterable[object], mask: Mask) -> BundlePart:
    """Return a part of JSON lines."""
    text = "".join(msgspec.json.encode(value).decode() + "\n" for value in values)
    return text_part(name, about, text, mask)


def text_part(name: str, about: str, text: str, mask: Mask) -> BundlePart:
    """Return a part of text. Secrets are always masked, wherever the text comes from."""
    return BundlePart(name=name, about=about, data=mask.secret(text).encode())


def contents_part(parts: Sequence[BundlePart], *, names: bool, made: datetime) -> BundlePart:
    """Return ``README.txt``, which lists what the bundle contains and what it does not."""
    shown = (
        "It contains the names of clients and people."
        if names
        else "Names are masked: each name is replaced by a number, and in records.jsonl by made-up words."
    )
    lines = [
        f"Support bundle of xpm-tui, created {when_utc(made)}.",
        shown,
        "It never contains tokens, codes, secrets, tax numbers or values of clients' fields.",
        "",
        *(f"{part.name:<14} {part.size:>9,} bytes  {part.about}" for part in parts),
        "",
    ]
    return BundlePart(name="README.txt", about="The contents of the bundle.", data="\n".join(lines).encode())


def pack(parts: Sequence[BundlePart], made: datetime) -> bytes:
    """Return the zip file. The same parts and time produce the same bytes."""
    out = io.BytesIO()
    when = (max(made.year, 1980), made.month, made.day, made.hour, made.minute, made.second)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            entry = zipfile.ZipInfo(part.name, when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, part.data)
    return out.getvalue()


MAX_RUNS, MAX_EVENTS, MAX_ERRORS, MAX_CRASHES = 20, 2_000, 200, 3
"""How many of each a bundle contains; the newest come first."""

OWN_WORDS = (
    "notify.command",
    "inbox.folder",
    "inbox.map",
    "jobs.default_category",
    "jobs.category_by_billing",
    "jobs.states_without_invoices",
    "xero.client_id",
)
"""Settings of which a bundle says only whether they are set, because they may contain anything."""


async def gather(
    subject: DoctorTarget, results: Sequence[ProbeResult], *, names: bool = False
) -> tuple[BundlePart, ...]:
    """Return all parts of the bundle, the list of contents first. With ``names``, names are not masked."""
    return await asyncio.to_thread(_gather, subject, results, names)


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """The call allowance and the environment, which the doctor shows besides its probes."""

    allowance: Allowance
    environment: dict[str, dict[str, str]]


def circumstances(subject: DoctorTarget) -> Circumstances:
    """Return the circumstances of a target, from files and variables, without passwords."""
    allowance = allowance_at(subject.state, subject.clock, subject.shared)
    return Circumstances(allowance=allowance, environment=_environment(subject, Mask(keep_names=True)))


def write(parts: Sequence[BundlePart], target: Path, subject: DoctorTarget) -> int:
    """Write the zip file (0600), and return its size. Raises ``BadInput`` if the file exists."""
    target = expand_path(str(target))
    with disk_error(target):
        exists = target.exists()
    if exists:
        raise BadInput(f"{target} already exists.", hint="Name a file that does not exist yet.")
    if not target.parent.is_dir():
        raise BadInput(
            f"The folder {target.parent} does not exist.", hint="Create the folder, or name another one."
        )
    return replace_bytes(target, pack(parts, subject.clock.now()))


def _gather(subject: DoctorTarget, results: Sequence[ProbeResult], names: bool) -> tuple[BundlePart, ...]:
    mask = _mask(subject, names)
    runs = history.list_runs(subject.practice, MAX_RUNS) if subject.practice else []
    for run in runs:
        mask.person(run.by)
    events = list(islice(subject.events.read(), MAX_EVENTS))
    warnings = list(islice(subject.events.read(EventFilter(level="warning")), MAX_ERRORS))
    shown = _shown(subject, names)
    probed = [_probed(each, mask) for each in results]
    problems = _cases(results, runs, warnings)
    masked_warnings = [_event(each, mask, shown) for each in warnings]
    snapshot = subject.practice.snapshot() if names and subject.practice is not None else None
    records = _records(subject, mask, [name for name, _ in _names(snapshot)] if snapshot else [])
    masked_events = (_event(each, mask, shown) for each in events)
    parts = [
        json_part(
            "versions.json", "Versions, operating system and terminal.", dict(Machine().versions()), mask
        ),
        json_part("settings.json", "Settings and their origin.", _settings(subject, mask), mask),
        json_part("doctor.json", "What each probe found.", probed, mask),
        json_part(
            "practice.json",
            "The practice's condition, calls left and bytes received.",
            _practice(subject, mask),
            mask,
        ),
        json_part(
            "environment.json",
            "Proxy, certificate and locale variables, without passwords.",
            _environment(subject, mask),
            mask,
        ),
        json_part("runs.json", "The last runs.", [_run(run, mask) for run in runs], mask),
        json_part("errors.json", "Warnings and errors, with Xero's ids of the calls.", masked_warnings, mask),
        json_part("store.json", "The number of stored records.", _store(subject), mask),
        text_part("cases.txt", "The known problems that occurred, and their solutions.", problems, mask),
        lines_part("events.jsonl", "The log, newest first.", masked_events, mask),
        lines_part("records.jsonl", "The records with made-up names and values.", records, mask),
        *_crashes(subject, mask),
    ]
    return (contents_part(parts, names=names, made=subject.clock.now()), *parts)


def _mask(subject: DoctorTarget, names: bool) -> Mask:
    home = own_folder()
    places = {str(home): "~"} if home is not None else {}
    if subject.home.root is not None:
        places[str(subject.home.root)] = "<home>"
    for name in ("config", "data", "state"):
        places[str(getattr(subject, name))] = f"<{name}>"
        places[str(getattr(subject.home, name))] = f"<{name} of all>"
    known = [] if names or subject.practice is None else list(_names(subject.practice.snapshot()))
    identity = subject.practice.identity() if subject.practice is not None else None
    if identity is not None:
        known += [(identity.title, "the practice"), (identity.login, "the login"), (identity.by, "a person")]
    saved = saved_login(subject, subject.name)
    known += [(saved.person, "the login")] if saved is not None else []
    if subject.name != FIRST:  # the name of every first practice, and a word of many sentences
        known += [(subject.name, "the practice's folder")]
    mask = Mask(names=known, places=places, secrets=_secrets(subject), keep_names=names)
    mask.person(subject.person)
    return mask


def _names(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for client in snapshot.rows(CLIENTS):
        yield client.name, masked(client.id)
        for contact in client.contacts:
            yield contact.name, masked(f"{client.id}/{contact.id}")
    for row in snapshot.rows(XPM_CLIENTS):
        yield row.name, masked(row.uuid)
        for each in row.contacts:
            yield each.name, masked(each.uuid)
    for member in snapshot.rows(TEAM):
        yield member.name, masked(member.id)
    for staff in snapshot.rows(STAFF):
        yield staff.name, masked(staff.uuid)
    for one_import in snapshot.rows(IMPORTS):  # a user's file may be named after a client
        yield one_import.file, f"the file of {one_import.id}"
    for uuid, name in named_people(snapshot).items():
        yield name, masked(uuid)
    for aside in set_aside(snapshot).values():
        for one in aside:
            yield one.name, masked(one.uuid or "00000000")


def _secrets(subject: DoctorTarget) -> list[Secret]:
    """Return every secret that this program stores here, so that it can be masked."""
    found = [subject.settings.secret("xero.client_secret")]
    saved = saved_login(subject, subject.name)
    if saved is not None:
        found += [saved.access, saved.refresh, *([saved.previous] if saved.previous else [])]
    for path in (subject.config / "token.key", Path(subject.environ.get("XPM_TUI_KEY_FILE") or "/dev/null")):
        try:
            found.append(Secret(path.read_text(encoding="utf-8").strip()))
        except (OSError, UnicodeDecodeError):
            continue
    return [secret for secret in found if secret]


def _shown(subject: DoctorTarget, names: bool) -> Callable[[str], str]:
    practice = subject.practice
    if not names or practice is None:
        return masked
    snapshot = practice.snapshot()
    return lambda id_: name_of(snapshot, id_)


def _practice(subject: DoctorTarget, mask: Mask) -> dict[str, Any]:
    """Return the state of the practice when the bundle is written."""
    found: list[dict[str, str]] = []
    identity = None
    if subject.practice is not None:
        found = [
            {"state": each.state, "message": mask.text(each.message)} for each in conditions(subject.practice)
        ]
        identity = subject.practice.identity()
    elif subject.why is not None:
        found = [{"state": "damaged", "message": mask.text(subject.why.message)}]
    return {
        "version": __version__,
        "made": subject.clock.now(),
        "masked": not mask.keep_names,
        "connected": identity is not None,
        "tenant": identity.tenant if identity is not None else "",
        "condition": found[0]["state"] if found else "",
        "conditions": found,
        "login_refused": token_store.is_refused(subject.state, subject.shared),
        "allowance": allowance_at(subject.state, subject.clock, subject.shared),
        "calls": _calls(subject),
        "inbox": _inbox(subject, mask),
    }


def _inbox(subject: DoctorTarget, mask: Mask) -> InboxStatus | None:
    """Return the counts of the inbox; its folder and its files are not in the bundle."""
    if subject.practice is None:
        return None
    found = inbox_status(subject.practice)
    return msgspec.structs.replace(found, folder=mask.text(found.folder), problem=mask.text(found.problem))


def _calls(subject: DoctorTarget) -> Any:
    """Return what the rate limiter has stored, which is only times and counts."""
    try:
        shared = subject.shared
        raw = shared.record("limiter").read().data if shared else (subject.state / LIMITER_FILE).read_bytes()
        return msgspec.json.decode(raw or b"null")
    except (OSError, StoreUnreadable, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _records(subject: DoctorTarget, mask: Mask, known: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Return every row of the store, masked, from which ``xpm-tui open`` restores the store."""
    if subject.practice is None:
        return
    snapshot, rows = subject.practice.snapshot(), RowMask(mask, known)
    for table in ALL:
        if table in LEFT_OUT:
            continue
        for row in snapshot.rows(table):
            yield {"table": table.name, "row": rows.row(table, row)}


def _environment(subject: DoctorTarget, mask: Mask) -> dict[str, dict[str, str]]:
    """Return the relevant variables, without the login in a proxy's address."""
    machine = Machine()
    network = environment.NetworkEnvironment(subject.environ)
    found = {
        "proxy": network.proxies(),
        "certificates": network.certificates(),
        "locale": machine.locale(subject.environ),
    }
    return {of: {name: mask.text(value) for name, value in each.items()} for of, each in found.items()}


def _settings(subject: DoctorTarget, mask: Mask) -> list[dict[str, str]]:
    found = []
    for item in subject.settings.items():
        value = ("set" if item.shown else "not set") if item.key in OWN_WORDS else mask.text(item.shown)
        found.append({"key": item.key, "value": value, "origin": item.origin})
    return found


def _probed(each: ProbeResult, mask: Mask) -> ProbeResult:
    return msgspec.structs.replace(
        each,
        sentence=mask.text(each.sentence),
        evidence=tuple(mask.text(fact) for fact in each.evidence),
        hint=mask.text(each.hint),  # it may hold a command with the home and the user
    )


def _run(run: Run, mask: Mask) -> Run:
    stops = tuple(msgspec.structs.replace(stop, sentence=mask.text(stop.sentence)) for stop in run.stops)
    host = run.host if mask.keep_names else ""
    return msgspec.structs.replace(
        run, by=mask.person(run.by), host=host, error=mask.text(run.error), stops=stops
    )


def _event(event: Event, mask: Mask, shown: Callable[[str], str]) -> dict[str, Any]:
    numbers = {k: mask.text(v) if isinstance(v, str) else v for k, v in event.numbers.items()}
    plain = msgspec.structs.replace(event, by=mask.person(event.by), numbers=numbers)
    data: dict[str, Any] = msgspec.to_builtins(plain)
    data["sentence"] = mask.secret(sentence(plain, shown))
    return data


def _store(subject: DoctorTarget) -> dict[str, Any]:
    if subject.practice is None:
        return {"open": False, "why": type(subject.why).__name__ if subject.why else "no data yet"}
    snapshot = subject.practice.snapshot()
    folder = subject.data / STORE_FOLDER
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}
    return {
        "open": True,
        "position": snapshot.position,
        "rows": {table.name: snapshot.count(table) for table in ALL},
        "files": files,
    }


def _cases(results: Sequence[ProbeResult], runs: Sequence[Run], events: Sequence[Event]) -> str:
    ids = [str(each.case or "") for each in results if each.verdict != "ok"]
    ids += [str(run_problem(run) or "") for run in runs] + [event.case for event in events]
    found = [find_problem(id_) for id_ in dict.fromkeys(ids) if id_]
    return "\n\n\n".join("\n".join(problem_lines(each)) for each in found if each is not None) + "\n"


def _crashes(subject: DoctorTarget, mask: Mask) -> list[BundlePart]:
    files = sorted(subject.home.state.glob("crash-*.log"), reverse=True)[:MAX_CRASHES]
    files.append(subject.state / "console-errors.log")
    about = "Where unexpected errors occurred in the program, without any values."
    return [
        text_part(path.name, about, mask.text(path.read_text("utf-8", "replace")), mask)
        for path in files
        if path.is_file() and not path.is_symlink()
    ]
