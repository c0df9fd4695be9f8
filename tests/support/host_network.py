"""Network namespaces: machines of a test with a network and a host name of their own, whose links can be cut.

Everything is inside the namespace of the test, which :func:`isolated` enters, so nothing of it outlasts the
test and this machine's own network is not touched.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Literal

from tests.support.cutting_proxy import Relay

Link = Literal["database", "xero"]
NETWORK = "10.77.0.0/16"
"""The addresses of the links to the database."""

_PLACES: dict[Link, int] = {"database": 77, "xero": 78}
_MARK = "XPM_TEST_ISOLATED"
_CLONE_NEWNET = 0x40000000


def isolated(module: str) -> bool:
    """Return whether this process has a network of its own; if it may have one, start it again in one."""
    if os.environ.get(_MARK):
        _call("ip", "link", "set", "lo", "up")
        return True
    enter = ["unshare", "--net", "--uts", "--"]
    missing = [name for name in ("unshare", "nsenter", "setpriv", "ip") if shutil.which(name) is None]
    if missing or subprocess.run([*enter, "true"], capture_output=True).returncode:
        return False
    words = [*enter, sys.executable, "-m", module, *sys.argv[1:]]
    os.execvpe(words[0], words, {**os.environ, _MARK: "yes"})


class HostNetwork:
    """A machine with a link to the database and one to Xero. ``enter`` starts a command on it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = f"host-{number}"
        said = f"hostname {self.name} && echo ready && exec sleep infinity"
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--uts", "sh", "-c", said],
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"
        pid = str(self._holder.pid)
        self.enter = ("nsenter", "--target", pid, "--net", "--uts", "--")
        _call(*self.enter, "ip", "link", "set", "lo", "up")
        for link, place in _PLACES.items():
            here = f"{link}{number}"
            _call("ip", "link", "add", here, "type", "veth", "peer", "name", link, "netns", pid)
            _call("ip", "addr", "add", f"10.{place}.{number}.1/30", "dev", here)
            _call("ip", "link", "set", here, "up")
            _call(*self.enter, "ip", "addr", "add", f"10.{place}.{number}.2/30", "dev", link)
            _call(*self.enter, "ip", "link", "set", link, "up")

    def address(self, link: Link) -> str:
        """The address at which this machine reaches the other end of a link."""
        return f"10.{_PLACES[link]}.{self.number}.1"

    def cut(self, *links: Link) -> None:
        """Drop the packets of these links, without a word to either side."""
        for link in links:
            _call("ip", "link", "set", f"{link}{self.number}", "down")

    def restore(self) -> None:
        """Have all links pass packets again."""
        for link in _PLACES:
            _call("ip", "link", "set", f"{link}{self.number}", "up")

    def forward(self, port: int) -> None:
        """Have the machine reach a loopback port of this process's network at its own loopback, by a link."""
        there = (self.address("xero"), port)
        Relay(socket.create_server(there), lambda: socket.create_connection(("127.0.0.1", port)))
        self._within(
            lambda: Relay(
                socket.create_server(("127.0.0.1", port)), lambda: socket.create_connection(there, timeout=10)
            )
        )

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait(10)
        assert self._holder.stdout is not None
        self._holder.stdout.close()

    def _within(self, make: Callable[[], object]) -> None:
        """Call ``make`` in a thread on the machine; the threads that it starts stay there."""

        def run() -> None:
            with open(f"/proc/{self._holder.pid}/ns/net") as namespace:
                done = ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET)
                assert done == 0, os.strerror(ctypes.get_errno())
            make()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()


def _call(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
