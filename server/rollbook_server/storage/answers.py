"""Answers in the database, to be given again for the same request_id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import fn

from rollbook_server.storage.tables import AnswerTable

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.storage.engine import RollDatabase


class StoredAnswers:
    """The answers as one transaction sees them."""

    def __init__(self, database: RollDatabase) -> None:
        self._database = database

    def recall(self, request_id: str, since: datetime) -> tuple[bytes, bytes] | None:
        """Give the digest of the request and the answer, unless it is older."""
        wanted = (AnswerTable.request_id == request_id) & (AnswerTable.create_time >= since)
        row = AnswerTable.select().where(wanted).dicts().first(self._database)
        return (bytes(row["digest"]), bytes(row["answer"])) if row else None

    def keep(self, request_id: str, digest: bytes, answer: bytes, now: datetime) -> None:
        """Keep an answer, in the place of an older one to the same request_id."""
        kept = {"digest": digest, "answer": answer, "create_time": now}
        AnswerTable.insert(request_id=request_id, **kept).on_conflict(
            conflict_target=[AnswerTable.request_id], update=kept
        ).execute(self._database)

    def forget(self, before: datetime, limit: int) -> bool:
        """Remove at most `limit` answers that are older; True if there may be more."""
        old = AnswerTable.select(AnswerTable.request_id).where(AnswerTable.create_time < before)
        query = AnswerTable.delete().where(AnswerTable.request_id.in_(old.limit(limit)))
        return int(query.execute(self._database)) == limit

    def sealed_otherwise(
        self, mark: bytes, *, after: str, limit: int
    ) -> list[tuple[str, bytes, bytes]]:
        """Give request_id, digest and answer of those behind `after` that begin otherwise."""
        otherwise = fn.substr(AnswerTable.answer, 1, len(mark)) != mark
        query = AnswerTable.select().where((AnswerTable.request_id > after) & otherwise)
        rows = query.order_by(AnswerTable.request_id).limit(limit).dicts()
        return [
            (row["request_id"], bytes(row["digest"]), bytes(row["answer"]))
            for row in rows.execute(self._database)
        ]

    def count_sealed_otherwise(self, mark: bytes) -> int:
        """Give how many answers begin otherwise."""
        otherwise = fn.substr(AnswerTable.answer, 1, len(mark)) != mark
        return int(AnswerTable.select().where(otherwise).count(self._database))

    def reseal(self, request_id: str, answer: bytes) -> None:
        """Replace the sealed answer."""
        query = AnswerTable.update(answer=answer).where(AnswerTable.request_id == request_id)
        query.execute(self._database)
