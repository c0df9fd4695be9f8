"""Named switches for behaviour of Xero that is not known, or that a test wants otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True)
class Switches:
    """The value of each switch. The defaults are "Xero after 3 September 2026"."""

    content_negotiation: Literal["strict", "off", "feature"] = "strict"
    """Strict: 406 and 415 as enforced since September 2026. Off: XML always, any body type. Feature: strict
    only with the header `Xero-Features: practice-strict-content-type`."""
    error_status: Literal["mixed", "200", "400"] = "mixed"
    """The HTTP status of application errors. Mixed: 200 for identifiers and states, 400 for parameters."""
    unknown_uuid: Literal["200", "400", "404-json"] = "200"
    """The reply to a `get` of an unknown UUID."""
    duplicate_job_id: Literal["error", "accept"] = "error"
    granular_scopes_open_lists: bool = False
    """Whether granular scopes give access to template.api, category.api and task.api."""
    paged_list_business_block: bool = False
    status_only_replies: bool = True
    """Whether job.api/state and /delete return the status only; otherwise the full job."""
    web_url_place: Literal["inside", "beside"] = "inside"
    """The place of WebUrl: the last child of a record, or beside Status in replies of one record."""
    pretty_xml: bool = False
    """Whether XML is indented with a declaration, as in the documents, or on one line."""
    jobs_inherit_managers: bool = False
    """Whether a new job gets partner and manager from its client."""
    deleted_contacts_listed: bool = False
    null_tenant_names: bool = False
    offer_other_tenants: bool = False
    """Whether the consent page also offers tenants that are not Practice Manager."""
    user: Literal["ana", "tom", "mere"] = "ana"
    """The user at the consent page: ana (may connect), tom (lacks the permission), mere (may connect)."""
    latency: float = 0.0
    """Seconds before each response."""
    minute_limit: int = 60
    day_limit: int = 5000
    concurrent_limit: int = 5
    app_minute_limit: int = 10_000
    rejected_calls_count: bool = False
    """Whether a call that is answered with 429 counts against the limit itself."""
    limit_headers: bool = True
    access_token_life: float = 1800.0
    create_lag: float = 0.0
    """Seconds until a new record appears in lists and searches."""
    colleague_every: int = 0
    """The number of Practice Manager calls after which a colleague edits a record; 0 for never."""

    def changed(self, values: Mapping[str, object]) -> Switches:
        """Return a copy with `values` (JSON values or text from a command line).

        Raises:
            ValueError: A switch does not exist or cannot take its value; the message names it.
        """
        kinds = get_type_hints(Switches)
        known = {item.name for item in fields(self)}
        for name in values:
            if name not in known:
                raise ValueError(f"There is no switch {name!r}. Known: {', '.join(sorted(known))}.")
        read: dict[str, Any] = {name: _read(name, kinds[name], value) for name, value in values.items()}
        return replace(self, **read)

    def as_dict(self) -> dict[str, object]:
        """Return the switches by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


_WORDS = {
    "yes": True,
    "true": True,
    "on": True,
    "1": True,
    "no": False,
    "false": False,
    "off": False,
    "0": False,
}


def _read(name: str, kind: object, value: object) -> object:
    if get_origin(kind) is Literal:
        if str(value) not in get_args(kind):
            raise ValueError(f"{name} takes one of {', '.join(get_args(kind))}, not {value!r}.")
        return str(value)
    if kind is bool:
        word = str(value).lower()
        if word not in _WORDS:
            raise ValueError(f"{name} takes yes or no, not {value!r}.")
        return _WORDS[word]
    try:
        number = float(str(value))
    except ValueError:
        raise ValueError(f"{name} takes a number, not {value!r}.") from None
    if not 0 <= number < float("inf"):
        raise ValueError(f"{name} takes a number from 0 upwards, not {value!r}.")
    return int(number) if kind is int else number
