"""Asks a server of Xero for any answer at all: is it there, is its certificate good, what is its time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from xpm_tui.xero.client import error_mapping
from xpm_tui.xero.client.transport import Network, NoReply, TransportRequest
from xpm_tui.xero.error_body import RequestInfo

_SECONDS = 20.0


@dataclass(frozen=True)
class PingReply:
    """A server's first answer. ``date`` is its own time (RFC 9110, section 6.6.1), where it told one."""

    status: int
    date: datetime | None
    issuer: str


async def ping(network: Network, origin: str, user_agent: str) -> PingReply:
    """``GET /`` without a login; any status will do, nothing is repeated.

    Raises ``XeroUnreachable`` with the case of what stood in the way.
    """
    headers = {"Accept": "*/*", "User-Agent": user_agent}
    request = TransportRequest("GET", f"{origin}/", headers, read_timeout=_SECONDS, deadline=_SECONDS)
    try:
        async with network.open(request) as incoming:
            return PingReply(incoming.status, _date(incoming.headers.get("date", "")), incoming.issuer)
    except NoReply as fault:
        raise error_mapping.no_reply(fault, RequestInfo(f"GET {origin}/")) from None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
