"""The two families of error: Practice Manager's own envelope, and the JSON of the gateway before it."""

from __future__ import annotations

from typing import Literal

from xpm_tui.sandbox.core.http import Response, respond_json


class ApplicationError(Exception):
    """An error of Practice Manager itself. `kind` decides the HTTP status under the switch `error_status`."""

    def __init__(self, text: str, kind: Literal["identifier", "parameter", "conflict", "unknown"]) -> None:
        super().__init__(text)
        self.text = text
        self.kind = kind

    @classmethod
    def parameter(cls, text: str) -> ApplicationError:
        return cls(text, "parameter")

    @classmethod
    def identifier(cls, text: str) -> ApplicationError:
        return cls(text, "identifier")

    @classmethod
    def unknown(cls, text: str) -> ApplicationError:
        """A UUID in a path that stands for nothing."""
        return cls(text, "unknown")


def gateway_error(status: int, title: str, detail: str, instance: str, *headers: tuple[str, str]) -> Response:
    """JSON even when XML was asked for."""
    value: dict[str, object] = {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": instance,
        "Extensions": {},
    }
    return respond_json(status, value, *headers)
