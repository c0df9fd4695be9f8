"""Takes names, numbers and secrets out of texts that leave the house. One name, one stand-in, everywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from xpm_tui.domain.secret import Secret

HIDDEN = "[hidden]"
_QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”')
_MAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_TOKEN = re.compile(
    r"eyJ[\w-]{4,}\.[\w-]*\.?[\w-]*|(?i:(?<=bearer ))\S+"
    r"|(?:(?<=code=)|(?<=token=)|(?<=secret=)|(?<=verifier=))[^&\s\"]+"
)
_NUMBER = re.compile(r"(?<![0-9A-Fa-f-])(?!\d{4}-\d\d-\d\d(?!\d))\d(?:[ -]?\d){7,10}(?![0-9A-Fa-f-])")
_LOGIN = "***@"
"""Stands for the name and the password in the address of a proxy."""
_STARS = re.compile(r"\*{2,}\w{1,6}")


class Mask:
    """What is taken out, and what stands in for it.

    ``names`` are texts with their stand-ins, ``places`` likewise but kept from no one: paths that would tell
    an account. ``keep_names`` leaves names, e-mail addresses and XPM's words in. Secrets, tokens and tax
    numbers are taken out always.
    """

    def __init__(
        self,
        *,
        names: Iterable[tuple[str, str]] = (),
        places: Mapping[str, str] | None = None,
        secrets: Iterable[Secret] = (),
        keep_names: bool = False,
    ) -> None:
        self.keep_names = keep_names
        self._secrets = [secret for secret in secrets if len(secret.reveal()) >= 8]
        self._places = sorted((places or {}).items(), key=lambda pair: -len(pair[0]))
        self._names: dict[str, tuple[str, str]] = {}
        for name, stand_in in names:
            known = unicodedata.normalize("NFC", name.strip())
            if known:
                self._names.setdefault(known.casefold(), (known, stand_in))
        self._people: dict[str, str] = {}
        # Looking for every name of a large practice takes milliseconds, and the same words come again.
        self._masked: dict[str, str] = {}

    def person(self, name: str) -> str:
        """A person of this practice: always the same number for the same one."""
        if self.keep_names or not name:
            return name
        if name not in self._people:
            self._people[name] = f"person {len(self._people) + 1}"
            self._masked.clear()
        return self._people[name]

    def text(self, text: str) -> str:
        """A free text: an error, a sentence, a fact."""
        if text not in self._masked:
            self._masked[text] = self._text(text)
        return self._masked[text]

    def _text(self, text: str) -> str:
        text = self.secret(text).replace(
            _LOGIN, "[login]"
        )  # or the host of a proxy would look like an e-mail
        if not self.keep_names:
            for path, stand_in in self._places:
                text = text.replace(path, stand_in)
            # Before what follows takes a number, an address or a quoted word out of the middle of a name.
            text = self._without_names(text)
        text = _STARS.sub(HIDDEN, _NUMBER.sub("[number]", text))
        if self.keep_names:
            return text
        # What stands in quotes is mostly XPM's own words, and they may hold anybody.
        return _MAIL.sub("[e-mail]", _QUOTED.sub('"[words]"', text))

    def secret(self, text: str) -> str:
        """Secrets alone, for a text that is made of our own words."""
        for secret in self._secrets:
            text = text.replace(secret.reveal(), HIDDEN)
        return _TOKEN.sub(HIDDEN, text)

    def _without_names(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text)
        folded = text.casefold()
        people = {name.casefold(): (name, alias) for name, alias in self._people.items()}
        met = {
            fold: pair for known in (people, self._names) for fold, pair in known.items() if fold in folded
        }
        if not met:
            return text
        pattern = re.compile("|".join(map(_alone, sorted(met, key=len, reverse=True))))
        # Found in the folded text, which may be longer ("ß" is "ss" there), and taken out of the real one.
        places = [at for at, char in enumerate(text) for _ in char.casefold()]
        out, done = [], 0
        for match in pattern.finditer(folded):
            start, end = places[match.start()], places[match.end() - 1] + 1
            out += [text[done:start], met[match.group()][1]]
            done = end
        return "".join([*out, text[done:]])


def _alone(fold: str) -> str:
    """Return the pattern of a name that is not part of a longer word.

    Scripts that are written without spaces have no word boundaries.
    """
    before = "" if unicodedata.east_asian_width(fold[0]) in "WF" else r"(?<![^\W_])"
    after = "" if unicodedata.east_asian_width(fold[-1]) in "WF" else r"(?![^\W_])"
    return f"{before}{re.escape(fold)}{after}"
