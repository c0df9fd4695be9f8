"""What a record of either side tells about itself, prepared for comparing."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from xpm_tui.model.book import Client
from xpm_tui.model.names import exact, name_key
from xpm_tui.model.xpm import XpmClient
from xpm_tui.sync.matching.naming import NameParts, fold, take_apart

_NUMBER_HEADINGS = re.compile(
    r"\b(a\.?b\.?n|a\.?c\.?n|nzbn|business number|company number|gst number)\b", re.I
)
_CODE_HEADINGS = re.compile(r"\b(client code|code)\b", re.I)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a record speaks for or against its being the same as another.

    ``exact`` is the name after NFC and trimming; ``numbers`` business and company numbers as digits;
    ``people`` the folded names of its contacts; ``structure`` its folded business structure.
    """

    exact: str
    parts: NameParts
    emails: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    structure: str = ""
    code: str = ""


def facts_of(client: Client) -> Facts:
    """What a client of the book tells about itself, columns that we do not know by heart included."""
    numbers = [v for k, v in client.extra.items() if _NUMBER_HEADINGS.search(k)]
    code = next((v for k, v in client.extra.items() if _CODE_HEADINGS.search(k)), "")
    parts = take_apart(client.name)
    return Facts(
        exact=exact(client.name),
        parts=parts,
        emails=_emails(contact.email for contact in client.contacts),
        numbers=_numbers(numbers),
        phones=_phones((client.phone, *(p for c in client.contacts for p in (c.phone, c.mobile)))),
        structure=name_key(client.structure),
        code=fold(code.strip() or parts.code),
    )


def facts_of_xpm(row: XpmClient) -> Facts:
    """What an XPM client tells about itself."""
    live = [contact for contact in row.contacts if not contact.deleted]
    return Facts(
        exact=exact(row.name),
        parts=take_apart(row.name),
        emails=_emails((row.email, *(contact.email for contact in live))),
        numbers=_numbers((row.company_number, row.business_number)),
        phones=_phones((row.phone, *(p for c in live for p in (c.phone, c.mobile)))),
        structure=name_key(row.structure),
        code=fold(row.code.strip()),
    )


def _emails(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(text.strip().casefold() for text in texts if "@" in text)


def _numbers(texts: Iterable[str]) -> frozenset[str]:
    digits = ("".join(c for c in text if c.isdigit()) for text in texts if "*" not in text)
    return frozenset(d for d in digits if len(d) >= 8)


def _phones(texts: Iterable[str]) -> frozenset[str]:
    digits = ("".join(c for c in text if c.isdigit()) for text in texts)
    return frozenset(d[-8:] for d in digits if len(d) >= 8)
