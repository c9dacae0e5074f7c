"""Answers in the database, to be given again for the same request_id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.storage.tables import AnswerTable

if TYPE_CHECKING:
    from datetime import datetime

    from peewee import Database


class StoredAnswers:
    """The answers as one transaction sees them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recall(self, request_id: str, since: datetime) -> tuple[bytes, bytes] | None:
        """Give the digest of the request and the answer, unless it is older."""
        wanted = (AnswerTable.request_id == request_id) & (AnswerTable.create_time >= since)
        row = AnswerTable.select().where(wanted).dicts().first(self._database)
        return (bytes(row["digest"]), bytes(row["answer"])) if row else None

    def keep(self, request_id: str, digest: bytes, answer: bytes, now: datetime) -> None:
        """Keep an answer, in the place of an older one to the same request_id."""
        AnswerTable.insert(
            request_id=request_id, digest=digest, answer=answer, create_time=now
        ).on_conflict_replace().execute(self._database)

    def forget(self, before: datetime, limit: int) -> bool:
        """Remove at most `limit` answers that are older; True if there may be more."""
        old = AnswerTable.select(AnswerTable.request_id).where(AnswerTable.create_time < before)
        query = AnswerTable.delete().where(AnswerTable.request_id.in_(old.limit(limit)))
        return int(query.execute(self._database)) == limit
