"""A proxy in front of a server's Unix socket that loses connections exactly where a test wants it to."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Literal

Cut = Literal["", "before", "after"]


class CuttingProxy:
    """Forwards connections. ``cut`` loses the one that sends COMMIT: before the server gets it, or after.

    ``away`` refuses and ends every connection, as a network that is gone.
    """

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self.cut: Cut = ""
        self.away = False
        self.cuts = 0
        self._server = server
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

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
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(str(self._server))
            self._open += [client, behind]
            threading.Thread(target=self._forward, args=(client, behind), daemon=True).start()
            threading.Thread(target=self._back, args=(behind, client), daemon=True).start()

    def _forward(self, client: socket.socket, behind: socket.socket) -> None:
        try:
            while data := client.recv(1 << 20):
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
                    return
                if cut:
                    break
        except OSError:
            pass
        _end(client)
        _end(behind)

    def _back(self, behind: socket.socket, client: socket.socket) -> None:
        try:
            while data := behind.recv(1 << 20):
                client.sendall(data)
        except OSError:
            pass
        _end(client)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
