"""Reading a client's elements from an add or update: absent keeps, empty clears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from xpm_tui.sandbox.core.call import Call
from xpm_tui.sandbox.core.fields import ApplicationError, Fields
from xpm_tui.sandbox.core.records import Address, ClientRecord, Individual, Tax, with_values

_TEXTS = {
    "Phone": "phone",
    "Fax": "fax",
    "WebSite": "website",
    "ReferralSource": "referral",
    "ExportCode": "export_code",
}
"""The request spells it WebSite, the reply Website."""
_PLACES = {
    "Address": "street",
    "City": "city",
    "Region": "region",
    "PostCode": "post_code",
    "Country": "country",
}
_PERSON = {
    "Title": "title",
    "Gender": "gender",
    "FirstName": "first",
    "MiddleName": "middle",
    "LastName": "last",
    "OtherName": "other",
}
_NUMBERS = {"TaxNumber": "tax_number", "CompanyNumber": "company_number", "BusinessNumber": "business_number"}
_TAX = {
    "BranchNumber": "branch",
    "BusinessStructure": "structure",
    "BalanceMonth": "balance_month",
    "GSTRegistered": "gst_registered",
    "PrepareGST": "prepare_gst",
    "GSTPeriod": "gst_period",
    "GSTBasis": "gst_basis",
    "ProvisionalTaxBasis": "provisional_basis",
    "ProvisionalTaxRatio": "provisional_ratio",
    "SignedTaxAuthority": "signed_authority",
    "TaxAgent": "agent",
    "AgencyStatus": "agency_status",
    "ReturnType": "return_type",
    "PrepareActivityStatement": "prepare_activity",
    "PrepareTaxReturn": "prepare_return",
    "ActiveAtoClient": "active_ato",
}
_NULLABLE = frozenset("BalanceMonth GSTPeriod GSTBasis ProvisionalTaxBasis ProvisionalTaxRatio".split())
_FLAGS = frozenset(
    "GSTRegistered PrepareGST SignedTaxAuthority PrepareActivityStatement PrepareTaxReturn"
    " ActiveAtoClient".split()
)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_PERIODS = {"1": "Monthly", "2": "2 Monthly", "6": "6 Monthly"}
_CHOICES = {
    "GSTBasis": ("Invoice", "Payment", "Hybrid"),
    "ProvisionalTaxBasis": ("Standard Option", "Estimate Option", "Ratio Option"),
    "AgencyStatus": ("With EOT", "Without EOT", "Unlinked"),
}


def applied(call: Call, client: ClientRecord, given: Fields) -> ClientRecord:
    """The client with what the request says. Raises ApplicationError on a value that cannot be."""
    values: dict[str, object] = {"name": given.required("Name").strip()}
    values |= _texts(given, _TEXTS)
    values["address"] = _address(client.address, given, "")
    values["postal"] = _address(client.postal, given, "Postal")
    if "Email" in given:
        values["email"] = given.filled("Email")
    if "IsProspect" in given:
        values["prospect"] = flag(given, "IsProspect")
    values["person"] = _person(client.person, given)
    for element, name in (("AccountManagerUUID", "partner"), ("JobManagerUUID", "manager")):
        if element in given:
            uuid = given.uuid(element)
            values[name] = call.staff(uuid).uuid if uuid else None
    if "BillingClientUUID" in given:
        uuid = given.uuid("BillingClientUUID")
        values["billing"] = call.client(uuid).uuid if uuid else None
    values |= _texts(given, _NUMBERS)
    if "ClientCode" in given:
        values["code"] = given.filled("ClientCode")
    values["tax"] = _tax(client.tax, given)
    return with_values(replace(client, modified=call.now), values)


def flag(given: Fields, element: str) -> bool:
    """Yes or No. Raises ApplicationError on anything else."""
    text = (given.text(element) or "").strip()
    if text not in ("Yes", "No"):
        raise ApplicationError.parameter(f"Parameter '{element}' should be 'Yes' or 'No'")
    return text == "Yes"


def _texts(given: Fields, names: dict[str, str]) -> dict[str, object]:
    return {name: given.text(element) for element, name in names.items() if element in given}


def _address(before: Address, given: Fields, prefix: str) -> Address:
    names = {f"{prefix}{element}": name for element, name in _PLACES.items()}
    return with_values(before, _texts(given, names))


def _birth(text: str | None) -> str | None:
    """Return a date of birth as it is returned, `yyyy-MM-dd`, from any of the accepted forms.

    A text that is not a date is stored as it was sent.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text[:10] if "-" in text else text[:8]).strftime("%Y-%m-%d")
    except ValueError:
        return text


def _person(before: Individual | None, given: Fields) -> Individual | None:
    values = _texts(given, _PERSON)
    if "DateOfBirth" in given:
        values["born"] = _birth(given.filled("DateOfBirth"))
    if not values or (before is None and not any(values.values())):
        return before
    return with_values(before or Individual(), values)


def _tax(before: Tax | None, given: Fields) -> Tax | None:
    """The practice and tax block; it comes to be with the first element of it that is sent."""
    values: dict[str, object] = {}
    for element, name in _TAX.items():
        if element in given:
            values[name] = _tax_value(element, given)
    opt_in = given.inside("AutoBasOptInCriteria")
    if opt_in is not None:
        names = ("Annually", "Monthly", "Quarterly", "Opt-Out")
        values["bas_opt_in"] = tuple("Yes" if opt_in.text(name) == "Yes" else "No" for name in names)
    if not values and not any(element in given for element in (*_NUMBERS, "ClientCode")):
        return before
    return with_values(before or Tax(), values)


def _tax_value(element: str, given: Fields) -> str | None:
    text = (given.text(element) or "").strip()
    if element in _FLAGS:
        return "Yes" if flag(given, element) else "No"
    if not text:
        return None if element in _NULLABLE else ""
    reader = _READERS.get(element)
    read = reader(text) if reader else text
    if read is None or (element in _CHOICES and text not in _CHOICES[element]):
        raise ApplicationError.parameter(f"Parameter '{element}' has the invalid value '{text}'")
    return read


def _month(text: str) -> str | None:
    """1 to 12, from a number or the first three letters of a name."""
    if text.isdecimal() and len(text) <= 2:
        return str(int(text)) if 1 <= int(text) <= 12 else None
    short = text[:3].lower()
    return str(_MONTHS.index(short) + 1) if short in _MONTHS else None


_READERS: dict[str, Callable[[str], str | None]] = {"BalanceMonth": _month, "GSTPeriod": _PERIODS.get}
