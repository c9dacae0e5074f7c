"""Which engine keeps the roll: the URL of the database decides, and only here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from urllib.parse import SplitResult

    from rollbook_server.storage.roll_store import RollStore

_POSTGRES = ("postgresql", "postgres")


class DatabaseUrlError(ValueError):
    """No database has such a URL; the text says what to write instead."""


def check_url(url: str) -> None:
    """Raise DatabaseUrlError for what no database has; empty stands for the default."""
    parts = _split(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        return
    if url and (parts.scheme not in _POSTGRES or len(parts.path) <= 1):
        raise DatabaseUrlError(
            "--database takes sqlite:///PATH (three slashes and a path, four for an absolute "
            "one) or postgresql://USER@HOST/DATABASE."
        )


def open_store(url: str, default: Path, keyed: Callable[[str], bytes]) -> RollStore:
    """Open the database of the URL, or if that is empty the SQLite file that is the default.

    Raises DatabaseUrlError, or StoreError if it cannot be used.
    """
    check_url(url)
    if not url:
        return SqliteStore(default, keyed)
    parts = _split(url)
    if parts.scheme == "sqlite":
        return SqliteStore(Path(unquote(parts.path[1:])), keyed)
    return _postgres(f"postgresql{url[len(parts.scheme) :]}", keyed)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise DatabaseUrlError(f"--database is no URL: {error}.") from None


def _postgres(url: str, keyed: Callable[[str], bytes]) -> RollStore:
    try:
        from rollbook_server.storage.postgres.store import PostgresStore  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StoreError(
            f"PostgreSQL needs the extra `postgres`, which is not installed ({error}): "
            "pip install 'rollbook[server,postgres]'"
        ) from error
    return PostgresStore(url, keyed)
