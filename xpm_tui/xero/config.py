"""The connection settings of a practice: Xero's addresses, the app and the timeouts.

No secret is shown, and the network is not used.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.secret import Secret

LOGIN_URL: Final = "https://login.xero.com"
IDENTITY_URL: Final = "https://identity.xero.com"
API_URL: Final = "https://api.xero.com"
REDIRECT_PORT: Final = 8765
REDIRECT_PATH: Final = "/callback"
API_PATH: Final = "/practicemanager/3.1/"

SCOPES: Final = (
    "offline_access openid profile email"
    " practicemanager.client practicemanager.job practicemanager.staff.read practicemanager.read"
)
"""The default scopes: the granular ones, and the broad one that templates and categories need."""

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def parse_scopes(text: str) -> str:
    """Return scopes separated by single blanks.

    Raises:
        BadInput: A scope has characters that are not allowed (RFC 6749, section 3.3).
    """
    tokens = text.replace(",", " ").split()
    if not tokens or any(_SCOPE_TOKEN.fullmatch(token) is None for token in tokens):
        raise BadInput(
            "xero.scopes is empty or contains characters that are not allowed in scopes.",
            hint="Use a preset, or scopes separated by spaces.",
        )
    return " ".join(dict.fromkeys(tokens))


def is_loopback(host: str) -> bool:
    """Return whether a host is ``localhost`` or a loopback address of IPv4 or IPv6."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_origin(text: str, setting: str) -> str:
    """Return the origin in an address setting: it has no path, and uses ``https`` except for this machine.

    Raises:
        BadInput: It is invalid; the message names ``setting``.
    """
    cleaned = text.strip().rstrip("/")
    try:
        parts = urlsplit(cleaned)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host:
        raise BadInput(
            f"{setting} is not an address such as https://api.xero.com.", hint="Correct the setting."
        )
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        raise BadInput(
            f"{setting} contains more than scheme, host and port.",
            hint="Use only the origin; the paths of Xero's API are added automatically.",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise BadInput(
            f"{setting} is not encrypted: http is allowed for this machine only.",
            hint="Write https:// instead of http://.",
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Timeouts in seconds. ``read`` is the longest silence; a detailed list may take minutes to start."""

    connect: float = 15.0
    read: float = 60.0
    list_read: float = 420.0
    deadline: float = 180.0
    list_deadline: float = 3600.0


@dataclass(frozen=True, kw_only=True)
class WireConfig:
    """The connection settings of one practice.

    Attributes:
        client_secret: The secret of a web app. Without one, the app uses PKCE (Xero: "Mobile or desktop
            app").
        reserve: The number of calls per day that are kept for users and recovery.
        retries: How often a read is retried.
        retry_seconds: The total time of these retries, without waits for the rate limiter.

    Raises:
        BadInput: A setting is invalid; the message names it.
    """

    client_id: str
    client_secret: Secret = field(default_factory=Secret)
    login_url: str = LOGIN_URL
    identity_url: str = IDENTITY_URL
    api_url: str = API_URL
    scopes: str = SCOPES
    redirect_port: int = REDIRECT_PORT
    timeouts: Timeouts = field(default_factory=Timeouts)
    reserve: int = 100
    retries: int = 4
    retry_seconds: float = 120.0
    user_agent: str = "xpm-tui"

    def __post_init__(self) -> None:
        for name in ("login_url", "identity_url", "api_url"):
            object.__setattr__(self, name, parse_origin(getattr(self, name), f"xero.{name}"))
        object.__setattr__(self, "client_id", self.client_id.strip())
        object.__setattr__(self, "scopes", parse_scopes(self.scopes))
        if not 1 <= self.redirect_port <= 65535:
            raise BadInput("xero.redirect_port is not a port.", hint="Use a number from 1024 to 65535.")

    def require_app(self) -> None:
        """Raise ``BadInput`` if no client id is set."""
        if not self.client_id or any(c.isspace() or not c.isprintable() for c in self.client_id):
            raise BadInput(
                "There is no Xero app: xero.client_id is empty or contains spaces.",
                hint="Copy the client id of your app from developer.xero.com into xero.client_id.",
            )

    @property
    def redirect_uri(self) -> str:
        """The redirect URI that must be registered with the app exactly (Xero does not accept 127.0.0.1)."""
        return f"http://localhost:{self.redirect_port}{REDIRECT_PATH}"

    @property
    def authorize_url(self) -> str:
        """The address of the authorize page."""
        return f"{self.login_url}/identity/connect/authorize"
