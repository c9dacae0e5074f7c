"""Tells people what a roll holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.cli.output import counted, words

if TYPE_CHECKING:
    from rollbook_server.storage.contents import Contents


def in_words(contents: Contents) -> str:
    """Give what a roll holds as people read it."""
    parts = [
        f"{counted(contents.device_count, 'device')} ({contents.registered_count:,} registered)",
        f"{counted(contents.profile_count, 'profile')}",
        f"{counted(contents.user_count, 'user')}",
        f"{counted(contents.api_key_count, 'API key')}",
    ]
    told = f"the newest event is of {words(contents.newest_event_time)}"
    return ", ".join([*parts, told] if contents.newest_event_time else parts)
