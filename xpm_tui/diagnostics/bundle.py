"""The parts of a support bundle as values, and packing them into a zip file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from xpm_tui.diagnostics.masking import Mask
from xpm_tui.domain.formatting import when_utc


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


def listing(parts: Sequence[BundlePart], *, names: bool, made: datetime) -> BundlePart:
    """Return ``README.txt``, which lists what the bundle contains and what it does not."""
    shown = (
        ("It contains the names of clients and people.")
        if names
        else ("Names are masked: each name is replaced by a number, and in records.jsonl by made-up words.")
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


def packed(parts: Sequence[BundlePart], made: datetime) -> bytes:
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
