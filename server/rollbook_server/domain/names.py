"""What people name things: one rule for profiles and users.

A name has 1 to 128 characters after trimming and NFC, none of them a control
character, and is compared without regard to case.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import FieldsError, RollbookError

if TYPE_CHECKING:
    from rollbook_server.domain.errors import Reason

NAME_LIMIT = 128  # characters; the seed's issue
# Before normalisation, which may shorten a name; of a long text it takes a time
# that grows with the square of its length.
TYPED_LIMIT = 4 * NAME_LIMIT


def name_key(name: str) -> str:
    """Give what names are compared by: NFC without regard to case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def checked(name: str, reason: Reason, what: str) -> str:
    """Give the name in normal form; `what` has it. Raises RollbookError with the reason."""
    name = name.strip()
    if len(name) <= TYPED_LIMIT:
        name = unicodedata.normalize("NFC", name)
    if not name:
        raise RollbookError(reason, f"The {what} needs a name.")
    if len(name) > NAME_LIMIT:
        raise RollbookError(
            reason, f"The name has {len(name)} characters; at most {NAME_LIMIT} are allowed."
        )
    if holds_control_character(name):
        raise RollbookError(reason, "The name holds a control character; take it out.")
    return name


def check_part(part: str) -> None:
    """Raise FieldsError for a `name_contains` that no name can contain."""
    if len(part) > TYPED_LIMIT:
        raise FieldsError({"name_contains": f"is longer than any name, {NAME_LIMIT} characters"})
    if holds_control_character(part):
        raise FieldsError({"name_contains": "holds a control character, which no name does"})


def holds_control_character(text: str) -> bool:
    """Tell whether a terminal or a log would obey some of the text."""
    return any(unicodedata.category(character) == "Cc" for character in text)
