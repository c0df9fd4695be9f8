"""A client list as it streams in: its records one at a time, its end the proof that it was whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from xpm_tui.model.xpm import XpmClient
from xpm_tui.xero import faults, lists
from xpm_tui.xero.asked import Asked
from xpm_tui.xero.transport import Incoming, NoReply
from xpm_tui.xero.xml import LIST_LIMIT, Reader


class ClientListing:
    """Implements the Listing port. Raises ``BadReply``, ``Refused`` or ``OutOfReach`` while it is read."""

    def __init__(self, incoming: Incoming, asked: Asked, now: datetime) -> None:
        self._incoming = incoming
        self._asked = asked
        self._asked_at = server_time(incoming.headers.get("date", ""), now)

    @property
    def asked_at(self) -> datetime:
        """The server's own time when it began to answer (its ``Date`` header; ours when it has none)."""
        return self._asked_at

    async def __aiter__(self) -> AsyncIterator[XpmClient]:
        """The clients, one at a time; the list is complete only when this ends without an error."""
        reader = Reader(lists.CLIENTS, self._asked, limit=LIST_LIMIT)
        try:
            async for chunk in self._incoming.chunks:
                for client in reader.feed(chunk):
                    yield client
        except NoReply as fault:
            raise faults.no_reply(fault, self._asked) from None
        reader.close()


def server_time(text: str, now: datetime) -> datetime:
    """An HTTP date (RFC 9110 section 5.6.7), UTC; ``now`` where there is none that can be read."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return now
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
