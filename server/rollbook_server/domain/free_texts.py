"""What people write for people: any text that is not too long and that every database can hold."""

from __future__ import annotations

from rollbook_server.domain.errors import FieldsError


def check(text: str, limit: int, path: str) -> None:
    """Raise FieldsError, naming that path, if the text is longer or holds a NUL."""
    if len(text) > limit:
        raise FieldsError({path: f"has more than {limit} characters"})
    if "\0" in text:
        raise FieldsError({path: "holds a NUL, which PostgreSQL cannot keep; take it out"})
