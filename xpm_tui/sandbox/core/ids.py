"""Identifiers and tokens, all of them following from the seed and a counter."""

from __future__ import annotations

import base64
from collections import defaultdict
from hashlib import blake2b


def uuid_from(seed: int, kind: str, number: int) -> str:
    """A lower-case UUID (version 4 in form) that belongs to `kind` and `number` under `seed`."""
    digits = blake2b(f"{seed}:{kind}:{number}".encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def opaque_from(seed: int, kind: str, number: int, size: int = 32) -> str:
    """Url-safe text without padding, as codes and refresh tokens look."""
    raw = blake2b(f"{seed}:{kind}:{number}".encode(), digest_size=size).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


class Ids:
    """Counts per kind, so that the n-th thing of a kind has the same id in every run of a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._counts: defaultdict[str, int] = defaultdict(int)

    def count(self, kind: str) -> int:
        self._counts[kind] += 1
        return self._counts[kind]

    def uuid(self, kind: str) -> str:
        return uuid_from(self.seed, kind, self.count(kind))

    def opaque(self, kind: str, size: int = 32) -> str:
        return opaque_from(self.seed, kind, self.count(kind), size)
