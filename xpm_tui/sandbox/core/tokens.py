"""Access and identity tokens in the shape of JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256.

Xero signs with RSA. Clients are told to treat the tokens as opaque, and an RSA key that followed from a seed
would be worth no more, so the signature here only makes the shape whole.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping


def jwt(claims: Mapping[str, object], seed: int) -> str:
    """A compact signed token."""
    head = _part({"alg": "HS256", "kid": "SANDBOX", "typ": "JWT"})
    body = _part(claims)
    key = hashlib.sha256(f"sandbox signing key {seed}".encode()).digest()
    signature = hmac.new(key, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_encode(signature)}"


def challenge_of(verifier: str) -> str:
    """The S256 code challenge of a verifier (RFC 7636 section 4.2)."""
    return _encode(hashlib.sha256(verifier.encode("ascii", "replace")).digest())


def _part(value: Mapping[str, object]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
