"""The types of settings: how texts are parsed, how values are written, and the labels of choices.

A parser raises ``ValueError`` with a reason that completes "KEY cannot be VALUE: ...". Files and options
contain the codes of choices, not their labels.

The presets of OAuth scopes use the names of Xero's OAuth 2.0 scopes page, section Practice Manager. According
to Xero's OpenAPI file, only the broad pair opens job templates and categories, so the standard preset also
requests the broad scope for reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from xpm_tui.domain.labels import DIRECTIONS, LEVELS, Label, Labels
from xpm_tui.domain.secret import Secret
from xpm_tui.lazy import lazy_imports, pattern

with lazy_imports():
    import difflib
    import zoneinfo


_LOGIN = ("offline_access", "openid", "profile", "email")
_GRANULAR = ("practicemanager.client", "practicemanager.job", "practicemanager.staff.read")

STANDARD = "standard"
"""The preset with the scopes that sync and jobs need, and no others."""

PRESETS: dict[str, tuple[str, ...]] = {
    STANDARD: (*_LOGIN, *_GRANULAR, "practicemanager.read"),
    "granular": (*_LOGIN, *_GRANULAR),
    "broad": (*_LOGIN, "practicemanager"),
    "both": (*_LOGIN, "practicemanager", *_GRANULAR),
    "read_only": (
        *_LOGIN,
        "practicemanager.client.read",
        "practicemanager.job.read",
        "practicemanager.staff.read",
    ),
}
"""The presets by name, in the order in which they are offered."""

OPENING: dict[str, frozenset[str]] = {
    "practicemanager.read": frozenset({"practicemanager.read", "practicemanager"}),
    "practicemanager.staff.read": frozenset(
        {"practicemanager.staff.read", "practicemanager.staff", "practicemanager.read", "practicemanager"}
    ),
    "practicemanager.job.read": frozenset(
        {"practicemanager.job.read", "practicemanager.job", "practicemanager.read", "practicemanager"}
    ),
}
"""The scopes that open a list, by the scope that it needs."""

_TOKEN = pattern(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""A scope token (RFC 6749, section 3.3)."""


def parse_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes of a preset name or of a user's own text.

    Raises:
        ValueError: A scope is invalid; the message is the reason.
    """
    name = re.sub(r"[\s-]+", "_", text.strip().casefold())
    if name in PRESETS:
        return PRESETS[name]
    own = tuple(dict.fromkeys(text.replace(",", " ").split()))
    wrong = next((word for word in own if not _TOKEN.fullmatch(word)), "")
    if wrong or not any(word.split(".")[0] == "practicemanager" for word in own):
        raise ValueError(
            f"it must be one of {', '.join(PRESETS)}, or Xero's scope names separated by spaces, at least "
            "one of them beginning with practicemanager"
        )
    return own


def normalise_scopes(text: str) -> str:
    """Return the setting as it is stored: the name of a preset, or the scopes separated by single spaces."""
    found = parse_scopes(text)
    return next((name for name, preset in PRESETS.items() if preset == found), " ".join(found))


def scope_advice(scope: str, asked: Collection[str]) -> str:
    """Return sentences on how to get a missing scope; ``asked`` are the requested ones."""
    if not OPENING.get(scope, frozenset({scope})).isdisjoint(asked):
        return (
            "Xero was asked for it but did not grant it. Ask Xero to attach it to your app "
            "(developer.xero.com), then: xpm-tui connect."
        )
    return f"To ask for it: xpm-tui settings set xero.scopes {STANDARD}, then: xpm-tui connect."


Setting = str | int | bool | tuple[str, ...] | Secret
"""The value of a setting."""

TomlType = Literal["text", "integer", "boolean", "list"]

PREFIX = "XPM_TUI_"
"""The prefix of all environment variables."""

_YES = {"yes", "true", "on", "1", "y"}
_NO = {"no", "false", "off", "0", "n"}
_CONTROL = pattern(r"[\x00-\x1f\x7f-\x9f]")
LONGEST = 2_000
"""The maximum number of characters of a setting."""


class Kind(msgspec.Struct, frozen=True):
    """The type of a setting.

    ``words`` say what may be typed, ``toml`` is the type that a file may use instead of a text, and
    ``choices`` are the values that can be offered, if they are known.
    """

    words: str
    parse: Callable[[str], Setting]
    toml: TomlType = "text"
    choices: tuple[str, ...] = ()


class SettingEntry(msgspec.Struct, frozen=True):
    """A setting: its ``key`` in files and options, its ``label``, and a sentence of ``help`` for users."""

    key: str
    label: str
    kind: Kind
    default: Setting
    help: str

    @property
    def env(self) -> str:
        """Return the name of its environment variable."""
        return PREFIX + self.key.upper().replace(".", "_")

    @property
    def secret(self) -> bool:
        """Return whether its value is never shown."""
        return isinstance(self.default, Secret)


def _text(value: str) -> str:
    if len(value) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    if _CONTROL.search(value):
        raise ValueError("it contains a line break or another control character")
    return value.strip()


def _yes_no(value: str) -> bool:
    word = value.strip().casefold()
    if word not in _YES | _NO:
        raise ValueError("it must be yes or no")
    return word in _YES


def _origin(value: str) -> str:
    """Parse scheme, host and port; http is only for this machine, because it would expose the login."""
    try:
        parts = urlsplit(_text(value))
        port = parts.port
    except ValueError as reason:
        raise ValueError(f"it is not a web address ({reason})") from None
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.password:
        raise ValueError("it must be an address such as https://api.xero.com")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("it must end after host and port: the paths are added automatically")
    if parts.scheme == "http" and not is_this_machine(host):
        raise ValueError("http is allowed for this machine only (localhost): Xero needs https")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")


def is_this_machine(host: str) -> bool:
    """Return whether a host name is this machine (RFC 6761, section 6.3; loopback addresses)."""
    return host in ("localhost", "::1") or host.endswith(".localhost") or host.startswith("127.")


def _zone(value: str) -> str:
    name = _text(value)
    try:
        if name:
            zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(
            "it must be a name from the tz database, such as Pacific/Auckland or Australia/Sydney"
        ) from None
    return name


def _clock_time(value: str) -> str:
    match = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*", value)
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError("it must be a time of day such as 06:30")
    return f"{int(match[1]):02}:{match[2]}"


def _scopes(value: str) -> str:
    return normalise_scopes(_text(value))


def _template(value: str) -> str:
    text = _text(value)
    known = {"proposal", "client", "period", "service"}
    wrong = [name for name in re.findall(r"\{([^{}]*)\}", text) if name not in known]
    if wrong or text.count("{") != text.count("}"):
        raise ValueError("it may contain {proposal}, {client}, {service} and {period}, and no other braces")
    if not text:
        raise ValueError("a job must have a name")
    return text


def _number_pattern(value: str) -> str:
    text = _text(value)
    bare = text.replace("{workflow}", "").replace("{date}", "")
    if text and (not re.fullmatch(r"[A-Za-z0-9_-]{0,30}", bare) or "{workflow}" not in text):
        raise ValueError("it must contain {workflow}, and may contain {date}, letters, digits, - and _")
    return text


def billing_categories(value: str) -> dict[str, str]:
    """Return categories by billing type, from ``BILLING=CATEGORY; BILLING=CATEGORY``.

    Raises:
        ValueError: The text has another form, or names a billing type twice.
    """
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in _text(value).split(";"))):
        billing, equals, category = (each.strip() for each in part.partition("="))
        if not (billing and equals and category):
            raise ValueError("it must be BILLING=CATEGORY; separate several with semicolons")
        if billing.casefold() in {each.casefold() for each in found}:
            raise ValueError(f"it names {billing} twice")
        found[billing] = category
    return found


def _billing_categories(value: str) -> str:
    return "; ".join(f"{billing}={category}" for billing, category in billing_categories(value).items())


def integer(low: int, high: int, unit: str) -> Kind:
    """Return the type of a whole number between two limits, both included; ``unit`` is what it counts."""

    def parse(value: str) -> int:
        digits = value.strip().replace("_", "")
        if not re.fullmatch(r"-?[0-9]{1,9}", digits) or not low <= int(digits) <= high:
            raise ValueError(f"it must be a whole number from {low} to {high}")
        return int(digits)

    return Kind(f"{unit}, {low} to {high}", parse, "integer")


def choice(*names: str) -> Kind:
    """Return the type of a choice; hyphens and spaces count as underscores."""

    def parse(value: str) -> str:
        name = re.sub(r"[\s-]+", "_", value.strip().casefold())
        if name not in names:
            raise ValueError(f"it must be one of {', '.join(names)}")
        return name

    return Kind(" | ".join(names), parse, choices=names)


def name_list(names: tuple[str, ...]) -> Kind:
    """Return the type of a list of names, separated by commas, in any order."""

    def parse(value: str) -> tuple[str, ...]:
        found = {word.strip().casefold() for word in value.split(",") if word.strip()}
        wrong = sorted(found - set(names))
        if wrong:
            near = difflib.get_close_matches(wrong[0], names, 1, 0.5)
            meant = f"did you mean {near[0]}? " if near else ""
            raise ValueError(f"there is no field {wrong[0]}: {meant}the fields are {', '.join(names)}")
        return tuple(name for name in names if name in found)

    return Kind("a list of " + ", ".join(names), parse, "list", names)


TEXT = Kind("text", _text)
YES_NO = Kind("yes | no", _yes_no, "boolean", ("yes", "no"))
ORIGIN = Kind("https:// address without a path", _origin)
SECRET = Kind("secret text", lambda value: Secret(_text(value)))
ZONE = Kind("time zone, such as Pacific/Auckland; empty: this machine's", _zone)
CLOCK_TIME = Kind("time of day, HH:MM", _clock_time)
SCOPES = Kind(" | ".join(PRESETS) + " | scope names", _scopes, choices=tuple(PRESETS))
JOB_NAME = Kind("text with {proposal}, {client}, {service}, {period}", _template)


def folder_path(value: str) -> str:
    """Return the full path of a folder; ``~`` is the home folder.

    Raises:
        ValueError: The text is not a full path.
    """
    text = _text(value)
    if text and not text.startswith(("/", "~/")):
        raise ValueError("it must be a full path such as /srv/inbox or ~/inbox")
    return text


def field_mapping(value: str) -> dict[str, str]:
    """Return the field for each key of ``inbox.map``.

    Raises:
        ValueError: The text is invalid; the message is the reason.
    """
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in _text(value).split(";"))):
        key, sign, name = part.rpartition("=")
        if not sign or not key.strip() or not re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", name.strip()):
            raise ValueError(
                "it must have a key, =, and a field for each key, such as Proposal ref=number; Value=price"
            )
        found[key.strip()] = name.strip()
    return found


def _field_mapping(value: str) -> str:
    return "; ".join(f"{key}={name}" for key, name in field_mapping(value).items())


def _database(value: str) -> Secret:
    """Return the address of a database as a secret, because it may contain a password."""
    text = _text(value)
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("it must begin with postgresql://")
    return Secret(text)


DATABASE = Kind("postgresql://USER@HOST/DATABASE; empty: files on this machine", _database)
FOLDER = Kind("a full path; empty for none", folder_path)
FIELD_MAPPING = Kind("KEY=FIELD; KEY=FIELD", _field_mapping)
BILLING_CATEGORIES = Kind("BILLING=CATEGORY; BILLING=CATEGORY", _billing_categories)
JOB_NUMBER = Kind("text with {workflow} and {date}; empty: XPM's numbers", _number_pattern)


def format_value(value: Setting) -> str:
    """Return the text of a value, as it would be typed; for a secret, only whether it is set."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Secret):
        return "(set, not shown)" if value else ""
    return str(value)


YES_NO_LABELS: Labels = {"yes": Label("Yes", ""), "no": Label("No", "")}

SETTING_CHOICES: dict[str, Labels] = {
    "sync.direction": DIRECTIONS,
    "sync.level": LEVELS,
    "sync.on_conflict": {
        "overwrite": Label("Master wins", "The other value is overwritten. You can undo it."),
        "hold": Label("Ask me", "The change waits until you tick it in the plan."),
    },
    "sync.clear": {
        "never": Label("Keep the value", "The other system keeps its value."),
        "ask": Label("Ask me", "The change waits until you tick it in the plan."),
        "yes": Label("Empty it too", "The value is emptied in the other system as well."),
    },
    "schedule.every": {
        "daily": Label("Once a day", "At the time of the daily sync."),
        "1h": Label("Every hour", "Only what has changed, and everything once a day."),
        "30m": Label("Every 30 minutes", "Only what has changed, and everything once a day."),
        "15m": Label("Every 15 minutes", "Only what has changed, and everything once a day."),
    },
    "jobs.budget": {
        "none": Label("No budget", "New jobs have no budget."),
        "proposal": Label("Value of the services", "The budget is the value of the proposal's services."),
    },
    "jobs.per": {
        "proposal": Label("Proposal", "One job for a whole proposal."),
        "project": Label("Project", "One job for each project of a proposal."),
        "entity": Label("Entity", "One job for each entity of a proposal."),
    },
    "jobs.reference": {
        "none": Label("None", "New jobs have no client order number."),
        "client": Label("Client", "The client's number, such as CLI-1012."),
        "proposal": Label("Proposal", "The proposal's number, such as PROP-201."),
    },
    "jobs.ignition_deploys": {
        "unknown": Label("Not known yet", "No jobs are created from here."),
        "yes": Label("Yes", "Ignition creates the jobs; none are created from here."),
        "no": Label("No", "Jobs of the proposals you have taken over are created from here."),
    },
    "jobs.missing_person": {
        "skip": Label("Leave the person out", "The job is created without the person, and a note says so."),
        "hold": Label("Hold the job", "The job is not created until the person is linked."),
    },
    "practice.colour": {
        "none": Label("No colour", "The name has the colour of other text."),
        "blue": Label("Blue", "The name is blue."),
        "pink": Label("Pink", "The name is pink."),
        "lime": Label("Lime", "The name is lime."),
        "orange": Label("Orange", "The name is orange."),
    },
    "log.level": {
        "debug": Label("Everything", "Also details that only support needs."),
        "info": Label("Normal", "What was done, warnings and errors."),
        "warning": Label("Warnings", "Warnings and errors only."),
        "error": Label("Errors", "Errors only."),
    },
    "glyphs": {
        "auto": Label("Automatic", "ASCII where the terminal's encoding is not UTF-8."),
        "unicode": Label("Unicode", "Unicode signs and borders."),
        "ascii": Label("ASCII", "Signs and borders in plain ASCII."),
    },
    "cursor": {
        "hidden": Label("Hidden", "The terminal's own cursor is not shown."),
        "shown": Label("Shown", "The terminal's own cursor is shown at the focused element."),
    },
}
"""Labels and meanings of choices, by the key of the setting; other choices are shown by their codes."""


def setting_choices(key: str, words: str) -> dict[str, Label]:
    """Return the choices of a setting with their labels; empty if other values are possible.

    Args:
        key: The setting.
        words: What its kind accepts, such as ``yes | no``.
    """
    codes = words.split(" | ")
    if len(codes) < 2 or any(" " in code for code in codes):
        return {}
    known = SETTING_CHOICES.get(key) or (YES_NO_LABELS if set(codes) == {"yes", "no"} else {})
    return {code: known.get(code) or Label(code, "") for code in codes}
