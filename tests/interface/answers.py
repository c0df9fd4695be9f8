"""Answers of commands with ``--json``: scripts of commands, the shape of each answer, and its exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.interface import practice, product, schemas
from tests.interface.golden import Tree
from tests.support.command import Done, Inline
from tests.support.sandbox_process import SandboxProcess, sandbox_process

SCRIPTS: dict[str, str] = {
    "clients": """
        locate
        locate data
        practices list
        status
        import clients clients.csv --dry-run
        import clients clients.csv
        import team team.csv --dry-run
        clients list
        clients list --only unlinked --find kow
        clients show c1
        clients search john --limit 3
        clients review
        clients review --export review.csv
        clients review --import review.csv --dry-run
        clients review --import review.csv
        relink
        duplicates
        plan
        plan list
        plan show last
        plan export
        plan untick last c1:city
        plan tick last c1:city
        sync --plan last --yes
        plan
        clients link c2 14070002 --dry-run
        clients remap c2 14070002
        clients link c2 14070002
        clients unlink c2
        clients review --accept-sure
        clients ignore c7 --reason local
        clients ignore c7 --undo
        clients freeze c1 phone --reason ours
        clients unfreeze c1 phone
        clients edit c1 phone=12
        clients new Somebody contact_name=Ann contact_email=ann@example.com
        contacts add c1 name=Bob email=bob@example.com
        contacts edit c1 k1 phone=33
        contacts delete c1 bob@example.com
        clients restore
        clients new Mistake
        clients delete Mistake
        clients pick 14070008
        clients pick --all
        policy
        policy off fax
        policy on fax
        policy set --direction from_xpm
        runs
        runs list --limit 1
        runs show
        undo last --dry-run
        undo last
        undo last --yes
        runs resume
        runs stop
        runs release
        runs retry
        export clients out.csv
        export clients out.csv
        export clients -
        import undo --dry-run
        import undo
        import undo --yes
        log --last 3
        log --run r1 --level info
    """,
    "to_xpm": """
        import clients clients.csv
        sync --yes
        settings set sync.direction to_xpm
        clients new Somebody contact_name=Ann contact_email=ann@example.com
        clients create c8
        clients edit c1 phone=12
        sync
        settings set guard.records_count 0
        settings set guard.records_percent 0
        clients edit c1 fax=77
        clients edit c5 fax=77
        clients edit c6 fax=77
        sync --yes
        runs show
        runs release
        settings unset guard.records_count
        settings unset guard.records_percent
        clients edit c1 fax=88
        clients edit c5 fax=88
        @faults {"kind": "status-error", "endpoint": "client.api/update", "times": 1}
        sync --client c1 --yes
        runs retry --list
        runs retry
        @colleague {"client": "bbc85bcc-fc5d-48df-ad58-26332bb7113e", "set": {"fax": "55"}}
        clients edit c1 fax=66
        settings set sync.on_conflict hold
        plan
        conflicts
    """,
    "work": """
        import team team.csv
        import services services.csv
        import clients clients.csv
        import proposals proposals.csv --dry-run
        import proposals proposals.csv
        team list
        team link --by-email --dry-run
        team link --by-email
        team accept --yes
        team undo
        team accept --yes
        team undo
        team pick --all
        team unlink t5
        team new Ann email=ann@example.com
        team edit t1 access=no
        team create t4 --dry-run
        team create t4 --yes
        team new Mistake
        team delete Mistake
        services list
        services new Second Price=12
        services edit s1 Price=13
        services new Mistake
        services delete Mistake
        templates list
        templates accept --yes
        templates link s4 Payroll
        templates clear s4
        templates no-job s4
        templates undo
        templates rules s4 --budget 40
        templates defaults
        jobs list
        proposals list
        proposals new Ours c6 number=N-1 --service Payroll
        proposals take-over o1
        proposals take o2
        proposals accept o4
        proposals revoke o4 --reason no
        jobs list --state due
        jobs preview w1
        jobs edit w1 name=Renamed
        jobs skip w1
        jobs skip w1 --undo
        jobs deploy w1
        settings set jobs.ignition_deploys no
        jobs deploy w1
        clients link c6 14070010
        jobs deploy w1 --yes
        jobs list
        jobs deploy w1 --yes
        jobs retry --all --yes
        jobs redeploy w1 --yes
        jobs audit
        jobs forecast
        export services out-s.csv
        export team out-t.csv
        export proposals out-p.csv
        import proposals renewed.csv
        proposals changes
        proposals rollover --all --dry-run
        proposals rollover --all --edits keep
        runs list
        runs show
    """,
    "upkeep": """
        data
        data check
        data backup copy.zip
        data compact
        data repair
        data restore copy.zip --yes
        book
        book check
        book backup backup.zip
        book compact
        book repair
        book restore backup.zip --yes
        inbox
        inbox status
        inbox run
        inbox setup in
        inbox schema
        inbox run --dry-run
        inbox run
        inbox list
        inbox show f1
        inbox retry
        inbox retry f1
        settings set inbox.settle_seconds 0
        services new Reporting
        export services in/services.csv
        inbox run
        inbox list
        inbox show f1
        inbox retry f1
        cases list
        cases seen
        cases seen no-access
        cases show T1
        cases show T99
        doctor --bundle support.zip --yes
        open support.zip
        connect --check
        schedule show --kind cron
        schedule install --kind cron --dry-run
        schedule remove --kind cron
        settings set schedule.at 00:00
        sync --if-due
        settings unset schedule.at
        settings list
        settings get theme
        settings get no.such
        settings set theme xpm-dark
        settings unset theme
        --read-only settings set theme dark
        no-such-verb
        sync --no-such-option
        practices add Second
        practices switch practice
        disconnect
        status
        plan
        disconnect --everything --yes
        purge
        purge --yes
    """,
}
"""Commands in an order in which most of them have something to do. A line with ``@`` is for the sandbox."""

NOT_RUN = {
    "completion": "prints a script for a shell, never JSON",
    "book move": "needs a PostgreSQL server: see tests/cli/test_database_verbs.py",
    "data move": "needs a PostgreSQL server: see tests/cli/test_database_verbs.py",
    "demo": "opens the console",
    "sandbox": "serves until it is ended",
    "worker": "needs a PostgreSQL server: see tests/cli/test_database_verbs.py",
    "worker status": "needs a PostgreSQL server: see tests/cli/test_database_verbs.py",
    "schema": "prints a schema, which is JSON with or without the option",
}
"""Verbs that no script runs, and why."""

MOST_CALLS = 55
"""Calls of one script: XPM allows 60 a minute, and the program would wait for the next minute."""

BY_MACHINE = ("doctor",)
"""What they exit with depends on the machine."""

CRONTAB = """#!/bin/sh
case "$1" in -l) cat "$HOME/crontab" 2>/dev/null || : ;; *) cat > "$HOME/crontab" ;; esac
"""


def lines(script: str) -> list[str]:
    """The commands of a script."""
    return [line.strip() for line in SCRIPTS[script].splitlines() if line.strip()]


def answers(script: str, folder: Path) -> Tree:
    """Run a script in an empty folder against a sandbox and a home of its own; gives what came."""
    practice.write_files(folder)
    own, tools = folder / "own", folder / "bin"
    own.mkdir()
    tools.mkdir()
    (tools / "crontab").write_text(CRONTAB, encoding="ascii")
    (tools / "crontab").chmod(0o700)
    reported: dict[str, Tree] = {}
    seen: Counter[str] = Counter()
    with sandbox_process(clients=12) as sandbox, practice.inside(folder), product.one_tree():
        done = practice.connect(folder / "home", sandbox)
        reported["connect"] = answer(done)
        heard = schemas.HEARD[script] = [("connect", done)]
        path = f"{tools}{os.pathsep}{os.environ['PATH']}"
        command = Inline(folder / "home", {**practice.environ(sandbox), "PATH": path, "HOME": str(own)})
        for line in lines(script):
            if line.startswith("@"):
                _to_sandbox(sandbox, line[1:])
                continue
            seen[line] += 1
            name = line if seen[line] == 1 else f"{line} ({seen[line]})"
            done = command(*shlex.split(line), "--json", code=None)
            reported[name] = answer(done, exits=not line.startswith(BY_MACHINE))
            heard.append((line, done))
        calls = len(sandbox.control("GET", "requests")["requests"])
        assert calls <= MOST_CALLS, f"{calls} calls: split the script {script}"
    return reported


def _to_sandbox(sandbox: SandboxProcess, line: str) -> None:
    what, _, body = line.partition(" ")
    sandbox.control("POST", what, json.loads(body))


def answer(done: Done, *, exits: bool = True) -> Tree:
    """Exit code and shape of an answer; what came before the last line is a stream of events."""
    *stream, last = done.lines
    tree: dict[str, str] = {"exit": str(done.code) if exits else "", **shape([last])}
    if stream:
        tree.update({f"stream{name}": reported for name, reported in shape(stream).items()})
    return tree


def shape(values: Iterable[Any]) -> dict[str, str]:
    """The keys of objects, by the way to them; a key has its kind where that is no text."""
    found: dict[str, dict[str, str]] = {}
    for value in values:
        _walk(value, "", found)
    return {
        name or ".": " ".join(f"{key}:{kind}" if kind else key for key, kind in keys.items())
        for name, keys in found.items()
    }


def _walk(value: Any, where: str, found: dict[str, dict[str, str]]) -> None:
    if isinstance(value, list):
        for each in value:
            _walk(each, f"{where}[]", found)
    elif isinstance(value, dict):
        keys = found.setdefault(where, {})
        for key, below in value.items():
            # Ids, headings of files and the like are data: what is promised is that something is there.
            name = key if re.fullmatch(r"[a-z]{2,}(_[a-z]+)*", key) else "*"
            keys[name] = _kind(below) or keys.get(name, "")
            _walk(below, f"{where}.{name}", found)


def _kind(value: Any) -> str:
    for kind, name in ((bool, "bool"), (int | float, "number"), (list, "list"), (dict, "object")):
        if isinstance(value, kind):
            return name
    return ""
