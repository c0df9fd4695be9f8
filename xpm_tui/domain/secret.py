"""Secret values, which must never appear in a repr, a log line, a traceback or a file, and masked values.

Xero masks a tax number: it hides all but the last digits (Practice Manager API 3.1, clients).
"""

from __future__ import annotations

from typing import NoReturn

import msgspec

from xpm_tui.lazy import lazy_imports, pattern

with lazy_imports():
    import hmac


class Secret:
    """A wrapper of a token, a code, a verifier or a client secret. Only :meth:`reveal` returns the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself, to be passed to the HTTP request or the token store only."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __repr__(self) -> str:
        return "Secret(hidden)" if self._value else "Secret()"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


_MASK = pattern(r"\*{2,}[^*]{0,6}\Z")


def looks_masked(value: object) -> bool:
    """Return whether a text is masked, such as ``******789``."""
    return isinstance(value, str) and _MASK.match(value.strip()) is not None


class Masked(msgspec.Struct, frozen=True, eq=False):
    """A value that exists but is masked: it can be shown, but never compared or written."""

    shown: str

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a masked value cannot be compared")

    def __hash__(self) -> NoReturn:
        raise TypeError("a masked value cannot be compared")
