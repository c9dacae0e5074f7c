"""Which engine keeps the roll: the URL of the database decides, and only here."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.sqlite.places import SqlitePlace
from rollbook_server.storage.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from urllib.parse import SplitResult

    from rollbook_server.storage.places import Place
    from rollbook_server.storage.roll_store import RollStore

_POSTGRES = ("postgresql", "postgres")
# Up to the last @, for a password that was not written as it has to be may hold another.
_USER_INFO = re.compile("://.*@", re.DOTALL)
_SECRET = re.compile(r"((?:password|_secret|scram_(?:client|server)_key)=)[^&]*")
ESCAPES = "In a password, write @ : / ? # % as %40 %3A %2F %3F %23 %25."


class DatabaseUrlError(ValueError):
    """No database has such a URL; the text says what to write instead."""


def check_url(url: str) -> None:
    """Raise DatabaseUrlError for what no database has; empty stands for the default."""
    parts = _split(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        return
    if parts.scheme in _POSTGRES and _is_cut(parts):
        raise DatabaseUrlError(f"The URL of the database cannot be read. {ESCAPES}")
    if url and (parts.scheme not in _POSTGRES or len(parts.path) <= 1):
        raise DatabaseUrlError(
            "--database takes sqlite:///PATH (three slashes and a path, four for an absolute "
            "one) or postgresql://USER@HOST/DATABASE."
        )


def shown(url: str) -> str:
    """Give a URL as it may be shown: without what may be a password."""
    return _SECRET.sub(r"\1...", _USER_INFO.sub("://...@", url))


def _is_cut(parts: SplitResult) -> bool:
    """Tell whether a character of a password ended a part of the URL too early."""
    behind = parts.path + parts.fragment
    if len(parts.path) <= 1:
        behind += parts.query
    return "@" in behind or parts.netloc.count("@") > 1


def open_store(
    url: str, default: Path, keyed: Callable[[str], bytes], *, may_upgrade: bool = True
) -> RollStore:
    """Open the database of the URL, or if that is empty the SQLite file that is the default.

    A schema that is older is upgraded, if it may be. Raises DatabaseUrlError, or StoreError if
    the database cannot be used.
    """
    path = sqlite_path(url, default)
    if path is not None:
        return SqliteStore(path, keyed, may_upgrade=may_upgrade)
    with _postgres_extra():
        from rollbook_server.storage.postgres.store import PostgresStore  # noqa: PLC0415 - an extra
    return PostgresStore(_postgres_url(url), keyed, may_upgrade=may_upgrade)


def place(url: str, default: Path) -> Place:
    """Give the database of the URL, or the default, to be opened without a server.

    Raises DatabaseUrlError, or StoreError if the extra of its engine is missing.
    """
    path = sqlite_path(url, default)
    if path is not None:
        return SqlitePlace(path)
    with _postgres_extra():
        from rollbook_server.storage.postgres.places import PostgresPlace  # noqa: PLC0415 - an extra
    return PostgresPlace(_postgres_url(url))


def sqlite_path(url: str, default: Path) -> Path | None:
    """Give the file of the database, or None if it is one of PostgreSQL.

    Raises DatabaseUrlError.
    """
    check_url(url)
    parts = _split(url)
    if not url:
        return default
    return Path(unquote(parts.path[1:])) if parts.scheme == "sqlite" else None


def postgres_connection(url: str) -> str:
    """Give what PostgreSQL's own programs connect by, without a password.

    Raises StoreError if the extra is missing, or the URL cannot be read.
    """
    with _postgres_extra():
        from rollbook_server.storage.postgres.places import passwordless  # noqa: PLC0415 - an extra
    return passwordless(_postgres_url(url))


def absolute(url: str) -> str:
    """Give the URL so that it means the same wherever a program is started."""
    path = sqlite_path(url, Path()) if url else None
    return url if path is None else f"sqlite:///{quote(str(path.absolute()))}"


def _postgres_url(url: str) -> str:
    """Give the URL as the driver knows it, however its scheme was written."""
    return f"postgresql{url[len(_split(url).scheme) :]}"


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # whose text may repeat a part of it
        raise DatabaseUrlError(f"The URL of the database is none. {ESCAPES}") from None


@contextmanager
def _postgres_extra() -> Iterator[None]:
    """Import within what the extra brings; raises StoreError, which names it, if it is missing."""
    try:
        yield
    except ImportError as error:
        raise StoreError(
            f"PostgreSQL needs the extra `postgres`, which is not installed ({error}): "
            "pip install 'rollbook[server,postgres]'"
        ) from error
