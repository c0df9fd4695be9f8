"""Tokens that the disk refused are saved later, but never over newer ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.moved_clock import MovedClock
from tests.xero.test_tokens import OLD, Identity, tokens
from xpm_tui.domain.errors import DiskError, LoginNeeded
from xpm_tui.files import durable
from xpm_tui.xero.auth import token_store
from xpm_tui.xero.auth.session import LoginSession


async def refused_once(
    monkeypatch: pytest.MonkeyPatch, folder: Path, identity: Identity, clock: MovedClock
) -> LoginSession:
    """A process whose new pair the disk did not take."""
    mine = tokens(folder, identity, clock)
    await mine.keep(identity.grant())
    clock.move(OLD)
    calls: list[Path] = []

    def full(path: Path, data: bytes) -> int:
        calls.append(path)
        if len(calls) == 2:  # the first is the mark that a renewal was begun
            raise DiskError("No space left.")
        return durable.replace_bytes(path, data)

    monkeypatch.setattr(token_store, "replace_bytes", full)
    with pytest.raises(DiskError):
        await mine.access()
    monkeypatch.setattr(token_store, "replace_bytes", durable.replace_bytes)
    return mine


async def test_a_newer_pair_of_another_process_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = MovedClock()
    identity = Identity(clock)
    mine = await refused_once(monkeypatch, tmp_path, identity, clock)
    other = tokens(tmp_path, identity, clock)
    newer = await other.access()
    assert (await mine.access()).reveal() == newer.reveal()
    saved = tokens(tmp_path, identity, clock).saved()
    assert saved is not None
    assert saved.access == newer


async def test_a_login_that_was_taken_off_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MovedClock()
    identity = Identity(clock)
    mine = await refused_once(monkeypatch, tmp_path, identity, clock)
    other = tokens(tmp_path, identity, clock)
    await other.forget()
    with pytest.raises(LoginNeeded):
        await mine.access()
    assert not (tmp_path / "state" / "login.bin").exists()
