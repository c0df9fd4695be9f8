"""Network settings from environment variables: proxies, hosts without one, and trusted certificates.

Every variable is checked before anything is sent, so that an invalid one is reported with its value and with
what to do about it. User names and passwords in the address of a proxy are masked.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from xpm_tui.domain.errors import AppError, CaseId, XeroUnreachable
from xpm_tui.domain.safe_text import visible

SOCKS_EXTRA: Final = "xpm-tui[socks]"
UNUSED: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables of other programs that name certificates."""

MASK: Final = "***@"

_SCHEMES = ("http", "https", "socks5", "socks5h")
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""The names of certificates in a folder (openssl-rehash(1))."""


@dataclass(frozen=True)
class ProxyRoute:
    """The proxy for a server: its address, which may have a password, and its name in messages."""

    url: str
    shown: str


class NetworkEnvironment:
    """The network variables of a process, which are read when they are needed."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._uses_system = self._environ is os.environ

    def proxies(self) -> dict[str, str]:
        """Return every proxy variable with its value, masked, for the doctor."""
        names = sorted(name for name in self._environ if name.lower() in _PROXY_NAMES)
        return {name: masked(self._environ[name]) for name in names if self._environ[name].strip()}

    def certificates(self) -> dict[str, str]:
        """Return every variable about certificates with its value, for the doctor."""
        found = {name: self._environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", *UNUSED)}
        return {
            name: visible(value, 200) + (" (not used: set SSL_CERT_FILE)" if name in UNUSED else "")
            for name, value in found.items()
            if value
        }

    def faults(self) -> list[XeroUnreachable]:
        """Return an error for each variable that prevents a connection to Xero."""
        found = []
        for check in (lambda: self._first_proxy("https"), self.certificate_store):
            try:
                check()
            except XeroUnreachable as fault:
                found.append(fault)
        return found

    def proxy_for(self, scheme: str, host: str, port: int) -> ProxyRoute | None:
        """Return the proxy for a server, None for a direct connection.

        Raises:
            XeroUnreachable: The variable is invalid; it is named with its value.
        """
        if self._is_bypassed(host, port):
            return None
        return self._first_proxy(scheme)

    def certificate_store(self) -> ssl.SSLContext:
        """Return the trusted certificates.

        Raises:
            XeroUnreachable: A variable is invalid; it is named with its value.
        """
        name = next(filter(self._environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")), "")
        value = self._environ.get(name, "")
        if name:
            problem = _file_problem(value) if name == "SSL_CERT_FILE" else _folder_problem(value)
            if problem:
                raise _fault(name, visible(value, 200), problem, _CERTIFICATE_HINT.format(name), CaseId.TLS)
        try:
            if name == "SSL_CERT_FILE":
                return ssl.create_default_context(cafile=value)
            if name == "SSL_CERT_DIR":
                return ssl.create_default_context(capath=value)
            return httpx.create_ssl_context(trust_env=False)
        except OSError as error:  # SSLError is one
            key_log = self._environ.get("SSLKEYLOGFILE", "")
            if key_log and not isinstance(error, ssl.SSLError):
                why = f"cannot be written: {(error.strerror or 'no such folder').lower()}"
                hint = "Unset SSLKEYLOGFILE: it writes the keys of every connection to a file."
                raise _fault("SSLKEYLOGFILE", visible(key_log, 200), why, hint, CaseId.TLS) from None
            if name:
                why = "holds no certificate that can be read"
                raise _fault(
                    name, visible(value, 200), why, _CERTIFICATE_HINT.format(name), CaseId.TLS
                ) from None
            raise XeroUnreachable(
                f"This machine's certificates could not be loaded: {visible(error.strerror or '', 100)}.",
                hint="Install the package certifi again, or set SSL_CERT_FILE to a file with certificates.",
                case=CaseId.TLS,
                repeatable=True,
            ) from None

    def _first_proxy(self, scheme: str) -> ProxyRoute | None:
        for name, value in self._proxy_variables(scheme):
            if value.strip():
                return _route(name, value.strip())
        return None

    def _proxy_variables(self, scheme: str) -> Iterator[tuple[str, str]]:
        """Yield the variables that apply to a scheme, in order; lower-case names take precedence."""
        for wanted in (f"{scheme}_proxy", "all_proxy"):
            names = [name for name in self._environ if name.lower() == wanted]
            if names:
                name = wanted if wanted in names else names[0]
                yield name, self._environ[name]
        if self._uses_system and not self.proxies():  # the proxy in the settings of macOS
            found = urllib.request.getproxies()
            yield "The system's proxy", found.get(scheme) or found.get("all") or ""

    def _is_bypassed(self, host: str, port: int) -> bool:
        name = next(filter(self._environ.__contains__, ("no_proxy", "NO_PROXY")), "")
        words = re.split(r"[,;\s]+", self._environ.get(name, "").strip())
        return any(_covers(word, host.lower().rstrip("."), port) for word in words if word)


_PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CERTIFICATE_HINT = "Name a file of certificates in SSL_CERT_FILE, or unset {}."


def masked(value: str) -> str:
    """Return the address of a proxy with user name and password masked."""
    return visible(
        re.sub(r"^([a-z][a-z0-9+.-]*://)?.*@", rf"\1{MASK}", value.strip(), flags=re.I | re.S), 200
    )


def _covers(word: str, host: str, port: int) -> bool:
    """Return whether an entry of NO_PROXY covers a server; an invalid one covers none."""
    word = word.lower()
    if word == "*":
        return True
    with_port = re.fullmatch(r"\[([^]]*)\](?::(\d+))?", word) or re.fullmatch(r"([^:/]*):(\d+)", word)
    if with_port:
        if with_port[2] and int(with_port[2]) != port:
            return False
        word = with_port[1]
    try:
        return ipaddress.ip_address(host.strip("[]")) in ipaddress.ip_network(word, strict=False)
    except (ValueError, TypeError):
        pass
    name = word.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _route(name: str, value: str) -> ProxyRoute:
    shown = masked(value)
    url = value if "://" in value else f"http://{value}"
    url = re.sub(r"^socks://", "socks5://", url, flags=re.I)
    problem, hint = "", f"Write it as http://HOST:PORT, or unset {name}."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        problem = "is not the address of a proxy"
    else:
        if parts.scheme not in _SCHEMES:
            problem = f'names a kind of proxy that is not supported ("{visible(parts.scheme, 40)}")'
            hint = f"Use http://, https:// or socks5://, or unset {name}."
        elif not host or re.search(r"[\s\x00-\x1f\x7f]", url):
            problem = "is not the address of a proxy"
        elif parts.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
            problem = "but support for SOCKS proxies is not installed"
            hint = (
                f'Install it: pip install "{SOCKS_EXTRA}" (with pipx: pipx inject xpm-tui socksio). '
                f"Or unset {name}."
            )
    if not problem:
        try:
            httpx.Proxy(url)
        except Exception:  # any error of the parser means that the address is wrong
            problem = "is not the address of a proxy"
    if problem:
        raise _fault(name, shown, problem, hint, CaseId.PROXY)
    return ProxyRoute(url, f"{name} ({shown})")


def _file_problem(value: str) -> str:
    path = Path(value)
    try:
        if not path.is_file():
            return "is not a file" if path.exists() else "does not exist"
        path.open("rb").close()
    except (OSError, ValueError) as error:
        return f"cannot be read: {(getattr(error, 'strerror', '') or 'no such file').lower()}"
    return ""


def _folder_problem(value: str) -> str:
    """Return what is wrong with a folder of certificates: OpenSSL ignores a missing one, and trusts none."""
    folders = [Path(part) for part in value.split(os.pathsep) if part]
    try:
        existing = [folder for folder in folders if folder.is_dir()]
        if not existing:
            return "is not a folder" if any(folder.exists() for folder in folders) else "does not exist"
        if not any(_HASHED.fullmatch(name) for folder in existing for name in os.listdir(folder)):
            return "holds no certificates that OpenSSL finds (openssl rehash creates their names)"
    except (OSError, ValueError) as error:
        return f"cannot be read: {(getattr(error, 'strerror', '') or 'no such folder').lower()}"
    return ""


def _fault(name: str, shown: str, problem: str, hint: str, case: CaseId) -> XeroUnreachable:
    subject = name if name[0] == "T" else f"The environment variable {name}"
    why = problem if problem.startswith("but ") else f"which {problem}"
    return XeroUnreachable(f"{subject} is {shown}, {why}.", hint=hint, case=case, repeatable=True)


def notices(faults: list[XeroUnreachable]) -> list[AppError]:
    """Return the faults as warnings, for servers on this machine, which need none of the variables."""
    return [
        AppError(
            f"{fault.message} It is not needed for calls to servers on this machine.",
            hint=fault.hint,
            case=fault.case,
        )
        for fault in faults
    ]
