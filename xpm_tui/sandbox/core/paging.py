"""Page tokens: opaque, url-safe, and refused when they were not made here."""

from __future__ import annotations

import base64
import binascii
from zlib import crc32

from xpm_tui.sandbox.core.errors import ApplicationError


def write_token(offset: int) -> str:
    """The token of a page that starts at `offset`."""
    body = f"{offset}.{crc32(f'page {offset}'.encode()):08x}"
    return base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode("ascii")


def read_token(token: str | None) -> int:
    """The offset of a token, 0 without one. Raises ApplicationError on a token that was never given out."""
    if not token:
        return 0
    try:
        body = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
        offset = int(body.partition(".")[0])
    except (binascii.Error, ValueError):
        offset = -1
    if offset < 0 or write_token(offset) != token:
        raise ApplicationError.parameter("Parameter 'pageToken' is not valid")
    return offset
