"""Answers in the database, to be given again for the same request_id."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rollbook_server.storage.tables import AnswerTable

if TYPE_CHECKING:
    from datetime import datetime

    from peewee import Database

KEPT = timedelta(days=2)  # AIP-155 asks for a day at least


class StoredAnswers:
    """The answers as one transaction sees them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recall(self, request_id: str, now: datetime) -> tuple[bytes, bytes] | None:
        """Forget what is old, then give the digest of the request and the answer."""
        AnswerTable.delete().where(AnswerTable.create_time < now - KEPT).execute(self._database)
        query = AnswerTable.select().where(AnswerTable.request_id == request_id).dicts()
        row = query.first(self._database)
        return (bytes(row["digest"]), bytes(row["answer"])) if row else None

    def keep(self, request_id: str, digest: bytes, answer: bytes, now: datetime) -> None:
        """Keep an answer."""
        AnswerTable.insert(
            request_id=request_id, digest=digest, answer=answer, create_time=now
        ).execute(self._database)
