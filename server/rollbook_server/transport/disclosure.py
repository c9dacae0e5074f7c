"""How much of an answer its caller may see: who lacks VIEW, what names a thing and no more.

Whoever may change a thing could else read it by a change that changes nothing. It is decided
here, for the answers of all methods, so that no method can forget it, and once an answer is
made: the stored one of a request_id is whole, whoever asked first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from rollbook_server.domain.rights import Right

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from rollbook_server.domain.rights import Rule

# What a method answers that needs one of these is what the right is for.
_SEEING = frozenset({Right.VIEW, Right.REVEAL_TOKEN, Right.MANAGE_ACCESS})
# What one needs to go on with a thing.
_NAMING = re.compile(r"etag|state|.*_id|.*_time")
# These repeat what the caller sent, or say what is wrong with it.
_OF_THE_REQUEST = frozenset(
    {"rollbook.v1.UploadDevicesResponse.upload", "rollbook.v1.CreateProfileResponse.warnings"}
)


def disclosed(answer: Any, rule: Rule, rights: AbstractSet[Right]) -> Any:
    """Give the answer of a method that needs `rule` as who has these rights may see it.

    Without VIEW the answer to a change keeps its own numbers, and of the things in it ids,
    etags, states and times. Texts go as well: warnings quote a configuration.
    """
    needed = {rule} if isinstance(rule, Right) else {*rule}
    if needed and needed.isdisjoint(_SEEING) and Right.VIEW not in rights:
        for field, value in answer.ListFields():
            stays = field.full_name in _OF_THE_REQUEST or _NAMING.fullmatch(field.name)
            if not (stays or _cut(value)):
                answer.ClearField(field.name)
    return answer


def _cut(value: Any) -> bool:
    """Cut what a field of an answer holds; tells whether anything of it may stay."""
    if isinstance(value, int | float):  # also enums and bool
        return True
    things = [value] if isinstance(value, Message) else value
    if not all(isinstance(thing, Message) for thing in things):  # a text, bytes, texts, a map
        return False
    for thing in things:
        _keep_names(thing)
    return True


def _keep_names(thing: Message) -> None:
    for field, _ in thing.ListFields():
        if not _NAMING.fullmatch(field.name):
            thing.ClearField(field.name)
