"""Who is calling, for the rules that depend on it and for the audit log.

The transport says it once, around each call; whatever runs in the thread of the call
can ask. So can work handed to a store: it is run elsewhere, but in its own context.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.domain.rights import Right


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever makes a call.

    `api_key_id` names the API key and is empty for device agents, who have none.
    `source` is the address the call came from, without the port; empty if unknown.
    `rights` are those of the key.
    """

    api_key_id: str = ""
    source: str = ""
    rights: frozenset[Right] = frozenset()


_current = ContextVar("caller", default=Caller())  # noqa: B039 - it is frozen


def current() -> Caller:
    """Give the caller of the call under way, or a Caller of no name outside of calls."""
    return _current.get()


@contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """Let `current` give this caller until the end of the block."""
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)
