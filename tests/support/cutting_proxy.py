"""Relays of connections: one loses those to PostgreSQL exactly where a test wants it to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

Cut = Literal["", "before", "after"]


class Relay:
    """Forwards what comes in at ``listener`` through connections that ``connect`` makes.

    ``away`` refuses and ends every connection, as a network that is gone.
    """

    def __init__(self, listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
        self.away = False
        self._connect = connect
        self._open: list[socket.socket] = []
        self._listener = listener
        threading.Thread(target=self._accept, daemon=True).start()

    def go_away(self) -> None:
        self.away = True
        for each in self._open:
            _end(each)

    def close(self) -> None:
        self.go_away()
        _end(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.away:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            behind = self._connect()
        except OSError:
            client.close()
            return
        self._open += [client, behind]
        threading.Thread(target=self._back, args=(behind, client), daemon=True).start()
        self._forward(client, behind)

    def _forward(self, client: socket.socket, behind: socket.socket) -> None:
        try:
            while data := client.recv(1 << 20):
                if not self._pass_on(data, client, behind):
                    return
        except OSError:
            pass
        _end(client)
        _end(behind)

    def _pass_on(self, data: bytes, client: socket.socket, behind: socket.socket) -> bool:
        """Forward what the client sent; return whether the connection goes on."""
        behind.sendall(data)
        return True

    def _back(self, behind: socket.socket, client: socket.socket) -> None:
        try:
            while data := behind.recv(1 << 20):
                client.sendall(data)
        except OSError:
            pass
        _end(client)
        _end(behind)


class CuttingProxy(Relay):
    """A proxy in front of PostgreSQL's Unix socket, on another one in ``folder``, or at ``listener``.

    ``cut`` loses the connection that sends COMMIT: before the server gets it, or after.
    """

    def __init__(self, folder: Path, server: Path, listener: socket.socket | None = None) -> None:
        self.folder = folder
        self.cut: Cut = ""
        self.cuts = 0
        if listener is None:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(folder / ".s.PGSQL.5432"))
            listener.listen()
        super().__init__(listener, lambda: _unix(server))

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def _pass_on(self, data: bytes, client: socket.socket, behind: socket.socket) -> bool:
        cut: Cut = ""
        if self.cut and b"COMMIT" in data:
            cut, self.cut = self.cut, ""
            self.cuts += 1
        if cut == "after":
            _end(client)  # the reply is lost before it can be sent
        if cut != "before":
            behind.sendall(data)
        if cut == "after":
            behind.settimeout(2)
            return False
        if cut:
            _end(client)
            _end(behind)
        return not cut


def _unix(server: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(server))
    return made


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
