"""What is stored of the audit log, as a Protocol; a part of `repositories`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollbook_server.domain.audit import AuditEvent, Deed
    from rollbook_server.domain.audit_chain import End, Link
    from rollbook_server.domain.audit_lists import AuditQuery


class StoredLink(NamedTuple):
    """An event with its digest and seal; `link` is None where it cannot even be read."""

    sequence: int
    link: Link | None
    digest: bytes
    seal: bytes


class AuditLog(Protocol):
    """The events in their chain. None is ever changed or removed."""

    def record(self, deed: Deed) -> None:
        """Put a deed at the end of the chain; it is undone with its transaction."""

    def list(self, query: AuditQuery, *, before: int, limit: int) -> Sequence[AuditEvent]:
        """Give at most `limit` events before sequence `before` (0: the newest), newest first."""

    def links(self, *, after: int, limit: int) -> Iterator[StoredLink]:
        """Give at most `limit` events behind sequence `after`, as they are stored."""

    def end(self) -> tuple[End, bytes] | None:
        """Give what is remembered of the newest event, and its seal; None if nothing is."""

    def newest(self) -> End:
        """Give the newest event that there is, whatever is remembered of it."""
