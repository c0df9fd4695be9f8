"""The shapes of all replies: lists and single records."""

from __future__ import annotations

from typing import Final

from xpm_tui.domain.xpm import Category, RecordReference, Staff, Template, XpmClient, XpmContact, XpmJob
from xpm_tui.xero.codec import deserializers
from xpm_tui.xero.codec.deserializers import Element
from xpm_tui.xero.codec.xml_reader import Shape


def _group_members(element: Element, beside: str) -> tuple[RecordReference, ...]:
    found: deserializers.Found = {}
    deserializers.read(
        element, {"Clients": ("members", lambda e: deserializers.named_list(e, "Client"))}, found
    )
    return found.get("members") or ()


def _contact(element: Element, beside: str) -> XpmContact:
    return deserializers.contact(element)


def _uuid(record: XpmClient | XpmContact | Staff | Template | Category | RecordReference) -> str:
    return record.uuid


CLIENTS: Final[Shape[XpmClient]] = Shape("Client", deserializers.client, "Clients", _uuid)
CLIENT: Final[Shape[XpmClient]] = Shape("Client", deserializers.client)
CONTACT: Final[Shape[XpmContact]] = Shape("Contact", _contact)
GROUPS: Final[Shape[RecordReference]] = Shape("Group", deserializers.named_record, "Groups", _uuid)
GROUP_MEMBERS: Final[Shape[tuple[RecordReference, ...]]] = Shape("Group", _group_members)
STAFF: Final[Shape[Staff]] = Shape("Staff", deserializers.staff, "StaffList", _uuid)
STAFF_MEMBER: Final[Shape[Staff]] = Shape("Staff", deserializers.staff)
TEMPLATES: Final[Shape[Template]] = Shape("Template", deserializers.template, "Templates", _uuid)
CATEGORIES: Final[Shape[Category]] = Shape("Category", deserializers.category, "Categories", _uuid)
JOBS: Final[Shape[XpmJob]] = Shape("Job", deserializers.job, "Jobs", lambda job: job.number)
JOB: Final[Shape[XpmJob]] = Shape("Job", deserializers.job)
