"""Which audit events an administrator looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import FieldsError
from rollbook_server.domain.pages import Page, page_of

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.audit import AuditEvent
    from rollbook_server.domain.pages import Kinds, PageRequest
    from rollbook_server.domain.ports import Roll

KINDS: Kinds = (int,)
"""The types of the keys by which the list is sorted."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which events to list: those for which all holds that is not empty.

    From `start_time` on, before `end_time`.
    """

    profile_id: str = ""
    device_id: str = ""
    resource_id: str = ""
    action: str = ""
    actor: str = ""
    reason: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None


def list_page(roll: Roll, query: AuditQuery, request: PageRequest) -> Page[AuditEvent]:
    """Give one page of events, newest first; raises FieldsError if they end before they begin."""
    start, end = query.start_time, query.end_time
    if start and end and end < start:
        raise FieldsError({"end_time": "is before start_time; exchange the two"})
    before = int(request.after[0]) if request.after else 0
    found = roll.audit.list(query, before=before, limit=request.size + 1)
    return page_of(found, request, lambda event: (event.sequence,))
