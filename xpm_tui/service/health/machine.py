"""What this machine tells of itself: names, proxy, disks, locks, terminal, timer, versions. Reads only."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import shutil
import socket
import stat
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from xpm_tui import __version__
from xpm_tui.diagnose.probes.book import Holder
from xpm_tui.diagnose.sight import Place, TerminalFacts
from xpm_tui.files.locks import holder
from xpm_tui.files.mounts import network_file_system

LIBRARIES = (
    "textual", "httpx", "authlib", "tinydb", "lxml", "rapidfuzz", "msgspec", "tomlkit", "keyring",
    "cryptography", "filelock", "click", "platformdirs",
)  # fmt: skip


class Machine:
    """The real one; tests put another in its place."""

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Addresses of a host. Raises ``OSError`` where the name is not known."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(each[4][0]) for each in found))

    def proxies(self) -> Mapping[str, str]:
        """The proxies of the environment, without name and password."""
        return {
            name: value if name == "no" else bare(value)
            for name, value in sorted(urllib.request.getproxies().items())
        }

    def place(self, name: str, folder: Path) -> Place:
        """A folder of ours, or the nearest one above it where it is not made yet."""
        there = folder
        while not there.exists() and there != there.parent:
            there = there.parent
        return Place(
            name=name,
            path=str(folder),
            free=shutil.disk_usage(there).free,
            writable=os.access(there, os.W_OK | os.X_OK),
            remote=network_file_system(there),
            shared=there == folder and bool(stat.S_IMODE(there.stat().st_mode) & 0o077),
        )

    def holders(self, locks: Mapping[str, Path]) -> tuple[Holder, ...]:
        """Who holds which of the locks right now."""
        found = {what: holder(path) for what, path in locks.items()}
        return tuple(Holder(what, each.words(), each.since) for what, each in found.items() if each)

    def terminal(self, environ: Mapping[str, str]) -> TerminalFacts:
        """The streams of this process."""
        size = shutil.get_terminal_size((0, 0))
        return TerminalFacts(
            stdin=_is_terminal(0),
            stdout=_is_terminal(1),
            term=environ.get("TERM", ""),
            columns=size.columns,
            lines=size.lines,
            encoding=getattr(sys.stdout, "encoding", "") or "",
            over_ssh="SSH_CONNECTION" in environ,
        )

    async def keyring(self, name: str) -> str:
        """Why the keyring cannot be used; empty where it answers. Its own time limit is five seconds."""
        from xpm_tui.xero.keys import KeyringKey, KeyringTrouble

        try:
            await asyncio.to_thread(KeyringKey(name).read)
        except KeyringTrouble as trouble:
            return str(trouble)
        return ""

    def versions(self) -> Mapping[str, str]:
        """Ours, Python's, the system's and the libraries'; the empty text for one that is missing."""
        found = {
            "xpm-tui": __version__,
            "Python": platform.python_version(),
            platform.system(): platform.release(),
        }
        for name in LIBRARIES:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = ""
        return found


def bare(address: str) -> str:
    """A proxy's address without name and password."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    return f"{scheme}{parts.hostname or ''}{port}"


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False
