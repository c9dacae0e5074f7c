"""Lists in pages: where a page begins and how the next one is asked for.

Paging is by key, not by offset: what is added or removed between two pages
moves nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from rollbook_server.domain.errors import FieldsError, Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")

Cursor = tuple[str | int, ...]
"""Sort keys of the last resource of a page."""

Kinds = tuple[type[str] | type[int], ...]
"""The types of such keys."""

_HIGHEST = 2**63 - 1  # what a database takes for an integer


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many resources to give, after which one; `scope` names the whole list."""

    size: int
    scope: str
    after: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Resources in order, and the token of the next page (empty on the last)."""

    values: list[T]
    next_page_token: str


def page_request(  # noqa: PLR0913 - what a list says of itself
    page_size: int,
    page_token: str,
    scope: Sequence[object],
    *,
    kinds: Kinds,
    default: int = 100,
    most: int = 1000,
) -> PageRequest:
    """Read the paging fields of a request.

    `scope` holds the other arguments of the list: a token made with others is
    refused with PAGE_TOKEN_INVALID, as is one that does not hold sort keys of
    `kinds`: anyone can write a token. A size of 0 means `default`, a larger one
    than `most` is taken as `most` (AIP-158), a negative one raises FieldsError.
    """
    if page_size < 0:
        raise FieldsError({"page_size": "is negative; leave it out for the default"})
    name = hashlib.sha256(json.dumps(list(map(str, scope))).encode()).hexdigest()[:12]
    size = min(page_size or default, most)
    return PageRequest(size, name, _read_token(page_token, name, kinds) if page_token else None)


def page_of(found: Sequence[T], request: PageRequest, key: Callable[[T], Cursor]) -> Page[T]:
    """Cut what was found (asked for one more than the size) into a page.

    `key` gives the sort keys under which a resource stands in its list.
    """
    shown = list(found[: request.size])
    more = len(found) > request.size
    return Page(shown, _write_token(request.scope, key(shown[-1])) if more else "")


def fitting(values: Iterable[T], size: Callable[[T], int], most: int) -> tuple[list[T], list[T]]:
    """Give as many values as together have at most that size, and the one behind them.

    One fits always; values behind those are not looked at.
    """
    fits: list[T] = []
    for value in values:
        most -= size(value)
        if fits and most < 0:
            return fits, [value]
        fits.append(value)
    return fits, []


def _write_token(scope: str, key: Cursor) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, *key]).encode()).decode().rstrip("=")


def _read_token(token: str, scope: str, kinds: Kinds) -> Cursor:
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        named, *key = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        named, key = None, []
    if named != scope or tuple(map(type, key)) != kinds or not all(map(_is_storable, key)):
        raise RollbookError(
            Reason.PAGE_TOKEN_INVALID,
            "The page token does not belong to this list with these arguments; "
            "begin again without one.",
        )
    return tuple(key)


def _is_storable(part: str | int) -> bool:
    if isinstance(part, int):
        return abs(part) <= _HIGHEST
    return not any("\ud800" <= character <= "\udfff" for character in part)
