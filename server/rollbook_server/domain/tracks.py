"""The call under way, as logs and traces name it.

The transport says it once, when the call comes; whatever is done for the call can ask. So
can work handed to a store, as with `callers`.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Track:
    """What one call is known by.

    `request_id` is the `x-request-id` of its metadata, or one of ours; it is not the
    request_id of a mutation, which stands in the message and makes it idempotent.
    `api_key_id` is empty until the key has been found good, and for who has none.
    """

    request_id: str
    api_key_id: str = ""


_current: ContextVar[Track | None] = ContextVar("track", default=None)


def follow(track: Track) -> None:
    """Let `current` give this track from now on, in this context."""
    _current.set(track)


def current() -> Track | None:
    """Give the track of the call under way; None outside of calls, and of those not followed."""
    return _current.get()
