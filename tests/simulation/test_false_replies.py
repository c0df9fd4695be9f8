"""A server with false replies: nothing is lost, and a sentence says what is wrong."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from tests.simulation import oracle
from tests.simulation.faults import FIGURES
from tests.simulation.practice import Engine
from tests.simulation.test_counts import edit
from tests.simulation.test_guard import guarded, in_xpm
from tests.support.profile import spread
from xpm_tui.application.runs import history, plans
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.tables import CLIENTS, LINKS, XPM_CLIENTS
from xpm_tui.sandbox.faults import Fault

LIST = "client.api/list"
LIES = {
    "200 with ERROR": (Fault("status-error", endpoint=LIST, every=1), 1),
    "HTML": (Fault("html", endpoint=LIST, every=1), 7),
    "an empty body": (Fault("empty", endpoint=LIST, every=1), 7),
    "an empty list": (Fault("empty-list", endpoint=LIST, every=1), 4),
    "half the clients": (Fault("half-list", endpoint=LIST, every=1), 4),
    "broken XML": (Fault("broken-xml", endpoint=LIST, every=1), 7),
    "a cut body": (Fault("cut", endpoint=LIST, every=1), 7),
    "a wrong encoding": (Fault("wrong-encoding", endpoint=LIST, every=1), None),
    "doubled UUIDs": (Fault("duplicate-uuids", endpoint=LIST, every=1), None),
}
"""What is reported instead of the list, and the exit code; None: the run may take it or leave it."""


def kept(engine: Engine) -> dict[str, bytes | None]:
    """All that the store says, links included."""
    snapshot = engine.practice.snapshot()
    rows: dict[str, bytes | None] = {
        f"client {id_}": snapshot.raw(CLIENTS, id_) for id_ in snapshot.ids(CLIENTS)
    }
    return rows | {f"link {id_}": snapshot.raw(LINKS, id_) for id_ in snapshot.ids(LINKS)}


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
@pytest.mark.parametrize("lie", spread(LIES, (len(LIES) + 2) // 3))
def test_nothing_is_lost_by_a_list_that_is_not_true(folder: Path, lie: str, direction: str) -> None:
    fault, code = LIES[lie]

    async def scenario(engine: Engine) -> None:
        engine.set(sync_direction=direction)
        before, mirror = kept(engine), engine.practice.snapshot().count(XPM_CLIENTS)
        engine.sandbox.faults.add(fault)
        reported = await engine.survive(lambda: engine.run(full=True))
        ended = history.find_run(engine.practice, "last")
        FIGURES["lies told"] += 1
        if code is not None:
            assert ended.exit_code == code, (reported, ended)
            assert ended.error or ended.stops[0].sentence
        if isinstance(reported, AppError):
            assert len(reported.message) > 20
        assert kept(engine) == before
        assert engine.practice.snapshot().count(XPM_CLIENTS) == mirror
        assert not any(row.deleted for row in engine.practice.snapshot().rows(XPM_CLIENTS)
                       if not engine.sandbox.practice.clients[row.uuid].deleted)  # fmt: skip
        assert engine.writes() == []
        engine.sandbox.faults.clear()
        await engine.clock.sleep(3_600)
        assert (await engine.run(full=True)).outcome == "done"
        assert kept(engine) == before

    guarded(folder, scenario, clients=24)


class Rewritten(httpx.AsyncByteStream):
    """The same content in another body."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


def rewrite(engine: Engine, change: Callable[[str, bytes], bytes]) -> None:
    """Every answer of the API passes through ``change(path and query, body)``."""
    real = engine.net.handle_async_request

    async def reported(request: httpx.Request) -> httpx.Response:
        response = await real(request)
        body = change(str(request.url), await response.aread())
        await response.aclose()
        headers = [(k, v) for k, v in response.headers.raw if k.lower() not in (b"content-length",)]
        return httpx.Response(response.status_code, headers=headers, stream=Rewritten(body), request=request)

    engine.net.handle_async_request = reported  # type: ignore[method-assign]


@pytest.mark.parametrize("direction", ["from_xpm", "to_xpm"])
def test_uuids_in_capitals_are_the_same_uuids(folder: Path, direction: str) -> None:
    uuid = re.compile(rb">[0-9a-f]{8}-[0-9a-f-]{27}<")

    def upper(found: re.Match[bytes]) -> bytes:
        return found.group().upper()

    async def scenario(engine: Engine) -> None:
        engine.set(sync_direction=direction)
        before, mirror = kept(engine), engine.practice.snapshot().count(XPM_CLIENTS)
        rewrite(
            engine,
            lambda url, body: (
                uuid.sub(lambda found: found.group().upper(), body)
                if "api.xro" in url or ".api/" in url
                else body
            ),
        )
        done = await engine.run(full=True)
        assert (done.outcome, done.counts.get("changes", 0)) == ("done", 0)
        assert kept(engine) == before
        assert engine.practice.snapshot().count(XPM_CLIENTS) == mirror
        assert engine.writes() == []

    guarded(folder, scenario, clients=24)


def forgets(url: str, body: bytes) -> bytes:
    """No client was ever modified."""
    empty = re.sub(rb"<Clients>.*</Clients>", b"<Clients></Clients>", body, flags=re.DOTALL)
    return empty if "modifiedsince" in url else body


def test_a_modifiedsince_that_forgets_is_made_good_by_the_full_compare(folder: Path) -> None:
    """Edits that the short list never shows: the weekly complete list brings them."""

    async def scenario(engine: Engine) -> None:
        body = re.compile(rb"<Clients>.*</Clients>", re.DOTALL)
        rewrite(
            engine,
            lambda url, text: body.sub(b"<Clients></Clients>", text) if "modifiedsince" in url else text,
        )
        in_xpm(engine, 2, phone="04 forgotten")
        await engine.run(trigger="daily")
        assert oracle.differences(engine, to_xpm=False) != []
        for _ in range(8):
            await engine.clock.sleep(86_400)
            assert (await engine.run(trigger="daily")).outcome == "done"
        assert oracle.differences(engine, to_xpm=False) == []

    guarded(folder, scenario, clients=12)


def test_a_push_past_a_modifiedsince_that_forgets_says_what_it_overwrote(folder: Path) -> None:
    """The edit cannot be seen before writing; the answer to the write shows it, and it stays in XPM."""

    async def scenario(engine: Engine) -> None:
        engine.set(sync_direction="to_xpm")
        await edit(engine, 3)
        body = re.compile(rb"<Clients>.*</Clients>", re.DOTALL)
        rewrite(
            engine,
            lambda url, text: body.sub(b"<Clients></Clients>", text) if "modifiedsince" in url else text,
        )
        plan = await plans.make(engine.practice, full=True)
        client = next(c for c in engine.practice.snapshot().rows(CLIENTS) if c.phone.startswith("ours "))
        uuid = engine.real(client.id).uuid
        engine.sandbox.colleague.edit(uuid, {"fax": "a colleague"}, engine.sandbox.clock.now())
        done = await engine.run(plan_id=plan.id)
        assert (done.outcome, done.counts["edited"]) == ("done", 1)
        assert engine.real(client.id).fax == "a colleague"
        row = engine.practice.snapshot().get(XPM_CLIENTS, uuid)
        assert row is not None
        assert row.fax == "a colleague"

    guarded(folder, scenario, clients=12)


@pytest.mark.parametrize("kind", spread(["status-error", "409", "html", "500", "reset", "hang"], 2))
@pytest.mark.parametrize("after", [False, True])
def test_one_bad_answer_to_a_write_leaves_the_rest_going(folder: Path, kind: str, after: bool) -> None:
    async def scenario(engine: Engine) -> None:
        engine.set(sync_direction="to_xpm")
        changed = await edit(engine, 5)
        fault = Fault(kind, endpoint="PUT client.api/update", nth=2, times=1, after=after)
        engine.sandbox.faults.add(fault)
        await engine.survive(lambda: engine.run(reviewed=True))
        engine.sandbox.faults.clear()
        await engine.clock.sleep(3_600)
        await engine.until_idle()
        assert oracle.differences(engine, to_xpm=True) == []
        assert changed <= len(engine.writes("client.api/update")) <= changed + 2
        assert engine.unknown() == []

    guarded(folder, scenario, clients=12)
