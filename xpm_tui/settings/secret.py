"""A value that is never shown: it has no text but the one asked for by name."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Holds a secret text; ``repr``, ``str``, formatting and pickling never give it away.

    It is false when empty. :meth:`reveal` is called only where the secret leaves for Xero.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str = "") -> None:
        self.__text = text

    def reveal(self) -> str:
        """The secret itself."""
        return self.__text

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __repr__(self) -> str:
        return "<secret>" if self.__text else "<no secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.__text

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not copied to anywhere")
