"""Says what the server says of fields in words of the command line.

The server speaks to every client of the contract's fields; here a field is the option
or the argument by which it was given.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollbook.cli.output import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rollbook.cli.session import Session
    from rollbook.errors import RollbookError

# Where commands name a field differently, the one that the command has is taken.
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "profile_id": ("PROFILE",),
    "name": ("--name", "NAME"),
    "user_name": ("--name", "NAME"),
    "name_contains": ("--name",),
    "description": ("--description",),
    "user_id": ("--user", "USER"),
    "display_name": ("--display-name", "NAME"),
    "role": ("--role",),
    "rights": ("--right",),
    "expire_time": ("--expires",),
    "email": ("--email",),
    "configuration": ("--configuration", "--set"),
    "file_name": ("FILE",),
    "upload_id": ("--resume", "UPLOAD", "--upload"),
    "on_invalid_row": ("--strict",),
    "on_conflict": ("--on-conflict",),
    "validate_only": ("--dry-run",),
    "column_mapping": ("--map",),
    "imei": ("--imei",),
    "imeis": ("--imei",),
    "imei2": ("--imei2",),
    "serial_number": ("--serial",),
    "manufacturer": ("--manufacturer",),
    "attributes": ("--attribute",),
    "identifier_prefix": ("--prefix",),
    "scale": ("--scale",),
    "token": ("--token",),
    "start_time": ("--since",),
    "end_time": ("--until",),
    "anchor_sequence": ("--anchor",),
    "anchor_digest": ("--anchor",),
}
_OF_DEVICE = re.compile(r"(?:devices|updates)\[(\d+)\](?:\.device)?(?:\.(\w+))?")
_LEADS = re.compile(r"^(?:open|profile|user)\.")
# Keys of a configuration have names of their own in --set and in files.
_GROUPS = "configuration."
# What leads the name of a device in a file: there it has fields, and no options.
_IN_FILE = "["
# Bad devices that are named.
_NAMED = 20
_POLICIES = re.compile(r"the conflict policy ([A-Z]+(?: or [A-Z]+)*)")


# Sentences that would puzzle somebody who did say what the contract misses.
_SENTENCES = {
    "TOKEN_DAYS_MISSING": "0 days would change nothing. {fewest} to {most} days are allowed.",
}


def option_of(field: str, session: Session) -> str:
    """Give the option of the present command for a field of the contract, or the field."""
    known = _OPTIONS.get(field, ())
    ours = (name for name in known if name in session.parameters)
    return next(ours, known[0] if known else field)


def in_our_words(error: RollbookError, session: Session) -> str:
    """Give the message of an error with what it says of fields in words of the command."""
    message = _sentence(error)
    if not error.fields:
        return message
    paths = "|".join(map(re.escape, error.fields))
    # `name` is the end of `display_name`, which is another field.
    return re.sub(rf"(?<![\w.])({paths}): ", lambda found: _lead(place(found[1], session)), message)


def _sentence(error: RollbookError) -> str:
    try:
        return _SENTENCES[error.reason].format_map(error.metadata)
    except KeyError:  # another reason, or a server that does not tell the bounds
        return error.message


def place(path: str, session: Session) -> str:
    """Name what a path of the contract leads to: option and device; empty for the only one."""
    match = _OF_DEVICE.fullmatch(path)
    if match is not None:
        return _place_of_device(int(match[1]), match[2] or "", session)
    if path.startswith(_GROUPS):
        return path.removeprefix(_GROUPS)
    return option_of(_LEADS.sub("", path).partition(".")[0], session)


def _place_of_device(index: int, field: str, session: Session) -> str:
    device = session.devices[index] if index < len(session.devices) else f"[{index}]"
    if device.startswith(_IN_FILE):
        return f"{device}.{field}" if field else device
    return " ".join(filter(None, (device, option_of(field, session) if field else "")))


def _lead(name: str) -> str:
    return f"{name}: " if name else ""


def bad_devices(error: RollbookError, session: Session) -> str:
    """Name the devices of a request that are bad; empty if they are not several."""
    indexes = [*_expanded(error.metadata.get("indexes", ""))]
    if len(indexes) <= 1:
        return ""
    names = [place(f"devices[{index}]", session) for index in indexes[:_NAMED]]
    more = len(indexes) - len(names)
    last = [f"{counted(more, 'further one')}"] if more else []
    counting = " (the first of the file is [0])" if names[0].startswith(_IN_FILE) else ""
    return f"What has to be mended{counting}: {', '.join(names + last)}"


def _expanded(runs: str) -> Iterator[int]:
    """Give the indexes of a text such as 0,3,7-12."""
    for run in filter(None, runs.split(",")):
        first, _, last = run.partition("-")
        yield from range(int(first), int(last or first) + 1)


def about_row(message: str) -> str:
    """Give what is said of a row, with policies as the options that choose them."""
    return _POLICIES.sub(lambda found: f"--on-conflict {found[1].lower()}", message)


def options_of(fields: Iterable[str], session: Session) -> str:
    """Give the options for fields of the contract."""
    return " and ".join(option_of(name, session) for name in fields if name in _OPTIONS)
