"""Pieces of paths: UUIDs and job numbers, checked before they go into an address.

The job half of Practice Manager 3.1: jobs are addressed by their number, never by UUID.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from urllib.parse import quote

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.quarantine import Records
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.xpm import XpmJob
from xpm_tui.xero.client.calls import Caller, Spec
from xpm_tui.xero.codec import listings, request_bodies
from xpm_tui.xero.codec.xml_reader import read_list, read_single, read_status
from xpm_tui.xero.error_body import RequestInfo

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid_piece(text: str) -> str:
    """A UUID in lower case; raises ``BadInput`` for anything else."""
    lowered = text.strip().lower()
    if _UUID.fullmatch(lowered) is None:
        raise BadInput(
            f'"{visible(text, 60)}" is not an XPM UUID.',
            hint="It looks like 6f2b1c50-91d7-4f2e-8a3b-52f0c6b7a101.",
        )
    return lowered


def job_number_piece(text: str) -> str:
    """A job number as a piece of a path, percent-encoded; it is never parsed. ``BadInput`` when empty."""
    text = text.strip()
    if not text.strip("."):
        raise BadInput("A job number is required.", hint="It looks like J000412.")
    return quote(text, safe="")


def moment(when: datetime) -> str:
    """``yyyy-MM-ddTHH:mm:ss`` in UTC, without zone, as ``modifiedsince`` takes it."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JobCalls:
    """Typed calls for jobs; writes raise ``OutcomeUnknown`` where they may have taken effect."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def current_jobs(self) -> Records[XpmJob]:
        """``GET job.api/current``: neither completed nor cancelled, any age, without tasks.

        Scope ``practicemanager.job.read`` or more. One unpaged list, no window of dates.
        """
        return await self._jobs(Spec("GET", "job.api/current", long=True))

    async def client_jobs(self, client: str, *, detailed: bool = False) -> Records[XpmJob]:
        """``GET job.api/client/{uuid}``: all jobs of a client, in any state.

        Scope ``practicemanager.job.read`` or more. ``RecordMissing`` for an unknown client.
        """
        query = {"detailed": "true"} if detailed else None
        return await self._jobs(Spec("GET", f"job.api/client/{uuid_piece(client)}", query, record=True))

    async def jobs_created(self, first: date, last: date, *, detailed: bool = False) -> Records[XpmJob]:
        """``GET job.api/list``: the jobs created from one day to another, in any state.

        Scope ``practicemanager.job.read`` or more. Xero takes at most one year, both days included.
        """
        query = {"from": f"{first:%Y%m%d}", "to": f"{last:%Y%m%d}"}
        if detailed:
            query["detailed"] = "true"
        return await self._jobs(Spec("GET", "job.api/list", query, long=True))

    async def _jobs(self, spec: Spec) -> Records[XpmJob]:
        return await self._caller.read(spec, lambda body, asked: read_list(listings.JOBS, body, asked)[0])

    async def job(self, number: str) -> XpmJob:
        """``GET job.api/get/{number}``: one job in full, with its tasks.

        Scope ``practicemanager.job.read`` or more. ``RecordMissing`` when there is none. Its category is a
        name; which template made it cannot be read back.
        """
        spec = Spec("GET", f"job.api/get/{job_number_piece(number)}", record=True)
        return await self._caller.read(spec, _job)

    async def add_job(
        self,
        *,
        name: str,
        description: str,
        client: str,
        start: date,
        due: date,
        contact: str = "",
        order_number: str = "",
        number: str = "",
        template: str = "",
        category: str = "",
        budget: str = "",
    ) -> XpmJob:
        """``POST job.api/add``: a new job, in the practice's first state; gives it with its number.

        Scope ``practicemanager.job``. ``number`` is a job number of one's own; what XPM says to one that
        exists is not documented. Manager, partner and staff are set afterwards by :meth:`assign`.
        ``OutcomeUnknown``: look for the job before sending again.
        """
        fields: dict[str, str | date] = {
            "Name": name,
            "Description": description,
            "ClientUUID": uuid_piece(client),
            "ContactUUID": contact,
            "StartDate": start,
            "DueDate": due,
            "ClientNumber": order_number,
            "ID": number,
            "TemplateUUID": template,
            "CategoryUUID": category,
            "Budget": budget,
        }
        needed = {"Name", "Description", "ClientUUID", "StartDate", "DueDate"}
        given = {tag: value for tag, value in fields.items() if value or tag in needed}
        return await self._write("POST", "job.api/add", request_bodies.job(given))

    async def set_job_state(self, number: str, code: str) -> None:
        """``PUT job.api/state``: ``code`` is the state's Interface Code as the practice set it, not its name.

        Scope ``practicemanager.job``. ``Refused`` (case ``state-code``) for a code that XPM does not know.
        The reply is a status only in recordings, a job in the specification: neither is relied upon.
        """
        spec = Spec("PUT", "job.api/state", body=request_bodies.job({"ID": number, "State": code}))
        await self._caller.write(spec, lambda body, asked: read_status(body, asked))

    async def assign(
        self,
        number: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        manager: str | None = None,
        partner: str | None = None,
    ) -> XpmJob:
        """``PUT job.api/assign``: staff, manager and partner by UUID; ``""`` takes manager or partner away.

        Scope ``practicemanager.job``. The only way to set a job's manager and partner.
        """
        body = request_bodies.assign(number, add=add, remove=remove, manager=manager, partner=partner)
        return await self._write("PUT", "job.api/assign", body)

    async def apply_template(self, number: str, template: str, *, append: bool = False) -> XpmJob:
        """``POST job.api/applytemplate``: adds the template's tasks; gives the job with them.

        Scope ``practicemanager.job``. Sent twice it adds the tasks twice, unless ``append`` (XPM's
        ``AppendExisting``). ``Refused`` for a template that is gone.
        """
        mode = "AppendExisting" if append else "AddNew"
        body = request_bodies.job({"ID": number, "TemplateUUID": uuid_piece(template), "TaskMode": mode})
        return await self._write("POST", "job.api/applytemplate", body)

    async def _write(self, method: str, path: str, body: bytes) -> XpmJob:
        return await self._caller.write(Spec(method, path, body=body), _job)


def _job(body: bytes, asked: RequestInfo) -> XpmJob:
    return read_single(listings.JOB, body, asked)
