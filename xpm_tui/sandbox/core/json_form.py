"""The flat camelCase JSON of Practice Manager 3.1, made from the same fragments as the XML."""

from __future__ import annotations

from lxml import etree

LISTS = frozenset(
    "Clients Contacts Notes Groups Relationships Jobs Assigned Tasks Milestones Comments Templates Categories"
    " StaffList TaskList JobStates".split()
)
_WHOLE = frozenset(
    "BalanceMonth PaymentDay NumberOfShares EstimatedMinutes ActualMinutes AllocatedMinutes".split()
)
_DECIMAL = frozenset("CostMarkup Percentage ProvisionalTaxRatio Budget".split())
_FLAGS = frozenset("Completed Billable".split())
_SPECIAL = {
    "UUID": "uuid",
    "ID": "id",
    "GSTRegistered": "gstRegistered",
    "PrepareGST": "prepareGst",
    "GSTPeriod": "gstPeriod",
    "GSTBasis": "gstBasis",
    "InternalID": "internalId",
    "Opt-Out": "opt-out",
    "TaskUUID": "taskUuid",
    "TemplateUUID": "templateUuid",
}
_BACK = {json_name: name for name, json_name in _SPECIAL.items()}


def to_json_name(name: str) -> str:
    """The camelCase name of an element."""
    return _SPECIAL.get(name) or name[0].lower() + name[1:]


def to_element_name(name: str) -> str:
    """The element that a JSON member stands for; lower-case names of assignments stay."""
    if name in _BACK:
        return _BACK[name]
    if "-" in name or name in ("add", "remove"):
        return name
    upper = name[:1].upper() + name[1:]
    return upper.removesuffix("Uuid") + "UUID" if upper.endswith("Uuid") else upper


def to_json(fragment: str) -> object:
    """The JSON value of one record's XML fragment."""
    return _value(etree.fromstring(fragment))


def _value(element: etree._Element) -> object:
    name = str(element.tag)
    if name in LISTS:
        return [_value(child) for child in element]
    if len(element):
        return {to_json_name(str(child.tag)): _value(child) for child in element}
    text = element.text or ""
    if name in _FLAGS:
        return text == "true"
    if text and name in _WHOLE:
        return int(text)
    if text and name in _DECIMAL:
        return float(text)
    return text
