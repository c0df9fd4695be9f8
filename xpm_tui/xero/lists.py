"""Which replies there are: the shape of each list and each single record."""

from __future__ import annotations

from typing import Final

from xpm_tui.model.xpm import Category, Named, Staff, Template, XpmClient, XpmContact, XpmJob
from xpm_tui.xero import shapes
from xpm_tui.xero.shapes import Element
from xpm_tui.xero.xml import Shape


def _group_members(element: Element, beside: str) -> tuple[Named, ...]:
    found: shapes.Found = {}
    shapes.read(element, {"Clients": ("members", lambda e: shapes.named_list(e, "Client"))}, found)
    return found.get("members") or ()


def _contact(element: Element, beside: str) -> XpmContact:
    return shapes.contact(element)


def _uuid(record: XpmClient | XpmContact | Staff | Template | Category | Named) -> str:
    return record.uuid


CLIENTS: Final[Shape[XpmClient]] = Shape("Client", shapes.client, "Clients", _uuid)
CLIENT: Final[Shape[XpmClient]] = Shape("Client", shapes.client)
CONTACT: Final[Shape[XpmContact]] = Shape("Contact", _contact)
GROUPS: Final[Shape[Named]] = Shape("Group", shapes.named_record, "Groups", _uuid)
GROUP_MEMBERS: Final[Shape[tuple[Named, ...]]] = Shape("Group", _group_members)
STAFF: Final[Shape[Staff]] = Shape("Staff", shapes.staff, "StaffList", _uuid)
STAFF_MEMBER: Final[Shape[Staff]] = Shape("Staff", shapes.staff)
TEMPLATES: Final[Shape[Template]] = Shape("Template", shapes.template, "Templates", _uuid)
CATEGORIES: Final[Shape[Category]] = Shape("Category", shapes.category, "Categories", _uuid)
JOBS: Final[Shape[XpmJob]] = Shape("Job", shapes.job, "Jobs", lambda job: job.number)
JOB: Final[Shape[XpmJob]] = Shape("Job", shapes.job)
