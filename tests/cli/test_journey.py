"""The whole journey without a screen: sandbox, connect, import, plan, sync, and nothing left to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cli.conftest import connect
from tests.support.command import CommandLine
from tests.support.sandbox_process import SandboxProcess

TEXTS = (
    "name", "phone", "fax", "website", "address", "city", "region", "postcode", "country", "postal_address",
    "postal_city", "postal_region", "postal_postcode", "postal_country",
)  # fmt: skip


def test_from_nothing_to_nothing_left_to_do(
    command: CommandLine, sandbox: SandboxProcess, ignition: Path
) -> None:
    tenant = sandbox.greeting["tenants"][0]
    done = connect(command, sandbox, tenant=tenant["id"])
    assert [set(line) >= {"authorize"} for line in done.lines] == [True, False]
    assert (done.json["ok"], done.json["id"], done.json["name"]) == (True, tenant["id"], tenant["name"])
    assert done.json["lists"]["clients"] > 8
    assert sandbox.asked("client.api/list") == 1

    imported = command("import", "clients", str(ignition), "--json", code=1).json
    assert imported["error"]["code"] == "partial"
    assert imported["counts"]["new"] == 7
    assert [refused["row"] for refused in imported["refused"]] == [10]
    assert imported["unknown_columns"] == ["Favourite Colour"]

    command("team", "pick", "--all", "--json", code=1)  # a namesake in the team is skipped and reported
    plan = command("plan", "--json").json
    links = {change["record"]: change for change in plan["items"] if change["field"] == "link"}
    names = {change["name"] for change in links.values()}
    assert {"Kowhai Plumbing Pty Ltd", "ACME [/] Pty", "Bright Sparks Electrical"} <= names
    assert "John Smith" not in names
    needing = {person["name"] for person in plan["people"]}
    assert {"Kowhai Holdings Limited", "John Smith", "Only Here Ltd"} <= needing

    ended = command("sync", "--json")
    assert ended.json["ok"] is True
    assert ended.json["outcome"] == "done"
    assert all("key" in line and "sentence" in line for line in ended.lines[:-1])
    assert {"run.started", "run.done"} <= {line.get("key") for line in ended.lines}

    clients = {view["client_id"]: view for view in command("clients", "list", "--json").json["items"]}
    for view in clients.values():
        if view["link"]:
            agrees(view, truth(sandbox, view["link"]["uuid"]))
    assert sum(view["link"] is not None for view in clients.values()) >= 3

    again = command("plan", "--json").json
    assert again["items"] == []
    log = command("log", "--json").lines
    assert log[-1]["ok"] is True
    assert log[-1]["count"] == len(log) - 1
    runs = command("runs", "--json").json["items"]
    assert {"id", "outcome", "started", "ended", "calls"} <= set(runs[0])


def test_one_of_two_clients_of_one_name_is_mapped_by_its_number(
    connected: CommandLine, sandbox: SandboxProcess, ignition: Path
) -> None:
    connected("import", "clients", str(ignition), code=1)
    found = connected("clients", "search", "John Smith", "--json").json["items"]
    twins = [row for row in found if row["name"] == "John Smith"]
    assert len({row["number"] for row in twins}) == 2
    chosen = twins[1]
    (smith,) = [
        v for v in connected("clients", "review", "--json").json["items"] if v["name"] == "John Smith"
    ]
    assert {p["uuid"] for p in smith["proposals"]} >= {row["uuid"] for row in twins}
    assert not any(proposal["sure"] for proposal in smith["proposals"])

    effect = connected("clients", "link", "CLI-3", chosen["number"], "--dry-run", "--json").json
    assert effect["xpm"]["uuid"] == chosen["uuid"]
    assert connected("clients", "show", "CLI-3", "--json").json["link"] is None
    linked = connected("clients", "link", "CLI-3", chosen["number"], "--json").json
    assert linked["link"]["uuid"] == chosen["uuid"]
    other = connected("clients", "remap", "CLI-3", twins[0]["uuid"], "--json").json
    assert other["link"]["uuid"] == twins[0]["uuid"]
    second = connected("clients", "link", "CLI-4", twins[0]["uuid"], "--json", code=4)
    assert "already" in second.error["message"]
    assert connected("clients", "unlink", "CLI-3", "--json").json["link"] is None


def test_a_practice_without_a_file_picks_its_clients(connected: CommandLine, sandbox: SandboxProcess) -> None:
    picked = connected("clients", "pick", "--all", "--json").json
    assert picked["added"] >= 5
    left = {view["why"] for view in picked["items"] if view["outcome"] == "left"}
    assert {"archived", "twin", "deleted"} <= left
    for view in connected("clients", "list", "--json").json["items"]:
        agrees(view, truth(sandbox, view["link"]["uuid"]))
    assert connected("plan", "--json").json["items"] == []
    assert connected("clients", "pick", "--all", "--json").json["added"] == 0


def test_hostile_names_are_text_in_every_table(
    connected: CommandLine, sandbox: SandboxProcess, ignition: Path
) -> None:
    connected("clients", "pick", "--all")
    for words in (
        ("clients", "list"), ("clients", "search", "a"), ("plan",), ("log",), ("team", "list"),
        ("clients", "review"),
    ):  # fmt: skip
        shown = connected(*words).out
        assert not any(char in shown for char in "\x1b\x9b\x85\u202e\u200b\x7f"), words
        assert all(len(line) < 200 for line in shown.splitlines()) or words == ("log",)


def agrees(view: dict[str, Any], xpm: dict[str, str]) -> None:
    """Check that every synced text equals that of the sandbox if XPM has one."""
    for field in TEXTS:
        if xpm.get(field):
            assert view[field] == xpm[field], (view["name"], field)


def truth(sandbox: SandboxProcess, uuid: str) -> dict[str, str]:
    """Return a client as the sandbox has it."""
    return sandbox_clients(sandbox)[uuid]


def sandbox_clients(sandbox: SandboxProcess) -> dict[str, dict[str, str]]:
    from xpm_tui.sandbox.simulator import Sandbox

    found = {}
    for row in Sandbox(1, 12).practice.clients.values():
        reported = {"name": row.name, "phone": row.phone, "fax": row.fax, "website": row.website}
        for prefix, place in (("", row.address), ("postal_", row.postal)):
            reported |= {
                f"{prefix}address": place.street,
                f"{prefix}city": place.city,
                f"{prefix}region": place.region,
                f"{prefix}postcode": place.post_code,
                f"{prefix}country": place.country,
            }
        found[row.uuid] = {key: text.strip() for key, text in reported.items()}
    return found
