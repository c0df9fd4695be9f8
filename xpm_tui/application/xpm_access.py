"""A practice's access to Xero, from its settings. Its libraries are loaded when it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from xpm_tui import __version__
from xpm_tui.application.home import Home
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ports import Clock, EventSink
from xpm_tui.domain.shared_state import SharedState
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.kinds import parse_scopes
from xpm_tui.settings.store import Settings
from xpm_tui.xero.config import WireConfig

with lazy_imports():
    from xpm_tui.xero import wiring

if TYPE_CHECKING:
    from xpm_tui.xero.wiring import Wire


class AccessContext(Protocol):
    """A practice as access to Xero needs it; its store need not be open."""

    home: Home
    config: Path
    state: Path
    clock: Clock
    person: str
    environ: Mapping[str, str]
    transport: Any

    @property
    def settings(self) -> Settings:
        """Return the settings in force."""

    @property
    def events(self) -> EventSink:
        """Return the log that receives the events."""

    @property
    def shared(self) -> SharedState | None:
        """Return what the machines of the practice share; None if there is one machine."""

    def notice(self, error: AppError) -> None:
        """Report a problem on this machine that stops nothing."""


def wire_config(practice: AccessContext) -> WireConfig:
    """Return Xero's addresses and our app. Raises ``BadInput`` for an invalid setting."""
    settings = practice.settings
    return WireConfig(
        client_id=settings.text("xero.client_id"),
        client_secret=settings.secret("xero.client_secret"),
        login_url=settings.text("xero.login_url"),
        identity_url=settings.text("xero.identity_url"),
        api_url=settings.text("xero.api_url"),
        scopes=" ".join(parse_scopes(settings.text("xero.scopes"))),
        redirect_port=settings.number("xero.redirect_port"),
        reserve=settings.number("gate.day_reserve"),
        user_agent=f"xpm-tui/{__version__}",
    )


def wire(practice: AccessContext, config: WireConfig | None = None) -> Wire:
    """Return access to Xero, to be used in ``async with``. Nothing is sent until it is used.

    ``config`` replaces what the settings say. The keyring is used for the account's own home only, because
    any other home may move to another machine.
    """
    return wiring.open_wire(
        config or wire_config(practice),
        state_folder=practice.state,
        config_folder=practice.config,
        use_keyring=practice.home.default,
        clock=practice.clock,
        events=practice.events,
        transport=practice.transport,
        person=practice.person,
        environ=practice.environ,
        notice=practice.notice,
        shared=practice.shared,
    )
