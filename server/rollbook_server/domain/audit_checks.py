"""Whether the audit log is as it was written, and where it is not."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.audit_chain import BEGINNING, End
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.pages import page_of, page_request

if TYPE_CHECKING:
    from rollbook_server.domain.audit_chain import Seals
    from rollbook_server.domain.audit_repository import AuditLog, StoredLink
    from rollbook_server.domain.pages import PageRequest

PIECE = 50_000  # events a call: well below the deadline that clients set
_LOWEST = -(2**63)  # from the beginning on, an event that was slipped in before the first one, too


class Fault(StrEnum):
    """What can be wrong with the log; see `AuditFault` in the contract."""

    EVENT_MISSING = "EVENT_MISSING"
    EVENT_CHANGED = "EVENT_CHANGED"
    SEAL_INVALID = "SEAL_INVALID"
    END_UNKNOWN = "END_UNKNOWN"
    ANCHOR_DIFFERS = "ANCHOR_DIFFERS"


class Break(NamedTuple):
    """The first event that is missing or not as it was written."""

    sequence: int
    fault: Fault


class Check(NamedTuple):
    """How far the log was found unbroken, whether that is all of it, and the first break."""

    reached: End
    is_whole: bool
    first_break: Break | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks the chain and its seals.

    `anchor` is an event known from elsewhere, with sequence 0 for none; `seen` is one that this
    server knows itself, from before it looked.
    """

    seals: Seals
    anchor: End = BEGINNING
    seen: End = BEGINNING

    def check(self, log: AuditLog, begin: End, piece: int) -> Check:
        """Check at most a piece of events behind `begin`, the end of the piece before."""
        reached, count = begin, 0
        for stored in log.links(after=begin.sequence or _LOWEST, limit=piece):
            fault = self._fault(stored, reached)
            if fault is not None:
                return Check(reached, True, Break(reached.sequence + 1, fault))
            reached, count = End(stored.sequence, stored.digest), count + 1
        if count == piece:
            return Check(reached, is_whole=False)
        return Check(reached, True, self._break_at_end(log, reached))

    def _fault(self, stored: StoredLink, before: End) -> Fault | None:
        if stored.sequence != before.sequence + 1:
            return Fault.EVENT_MISSING
        if stored.link is None or stored.link.digest(before.digest) != stored.digest:
            return Fault.EVENT_CHANGED
        if not hmac.compare_digest(self.seals.of_event(stored.digest), stored.seal):
            return Fault.SEAL_INVALID
        found = End(stored.sequence, stored.digest)
        differs = any(found.sequence == each.sequence and found != each for each in self._known)
        return Fault.ANCHOR_DIFFERS if differs else None

    @property
    def _known(self) -> tuple[End, End]:
        return self.anchor, self.seen

    def _break_at_end(self, log: AuditLog, reached: End) -> Break | None:
        """Compare the last event with what is remembered of it."""
        if any(each.sequence > reached.sequence for each in self._known):
            return Break(reached.sequence + 1, Fault.EVENT_MISSING)
        remembered = log.end()
        if remembered is None:
            return Break(reached.sequence, Fault.END_UNKNOWN) if reached.sequence else None
        end, seal = remembered
        if not hmac.compare_digest(self.seals.of_end(end), seal):
            return Break(reached.sequence, Fault.END_UNKNOWN)
        if end.sequence > reached.sequence:
            return Break(reached.sequence + 1, Fault.EVENT_MISSING)
        return None if end == reached else Break(reached.sequence, Fault.END_UNKNOWN)


def piece_request(page_token: str, anchor: End) -> PageRequest:
    """Read where the next piece begins; raises RollbookError with PAGE_TOKEN_INVALID."""
    return page_request(1, page_token, ("audit check", anchor), kinds=(int, str))


def begin_of(request: PageRequest) -> End:
    """Give what the piece before reached; raises RollbookError with PAGE_TOKEN_INVALID."""
    if request.after is None:
        return BEGINNING
    sequence, digest = request.after
    try:
        return End(int(sequence), bytes.fromhex(str(digest)))
    except ValueError:
        raise RollbookError(
            Reason.PAGE_TOKEN_INVALID,
            "The page token does not belong to this check; begin again without one.",
        ) from None


def next_token(check: Check, request: PageRequest) -> str:
    """Give the page token of the piece behind; empty if there is none."""
    found = [check.reached] * (1 if check.is_whole else 2)
    return page_of(found, request, lambda end: (end.sequence, end.digest.hex())).next_page_token
