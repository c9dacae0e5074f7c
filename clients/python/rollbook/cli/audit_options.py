"""Which audit events are meant on the command line."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rollbook.cli.completing import profile_names

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound="Callable[..., Any]")

_DIGEST_BYTES = 32
_LAST_SEQUENCE = 2**63 - 1  # what the contract holds


def _moment(_ctx: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    """Read a time; one without a zone is meant here."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{value!r} is no time such as 2026-11-25, 2026-11-25T14:30 or 2026-11-25T14:30Z"
        ) from None


def filter_options(function: F) -> F:
    """Give a command one option for each thing by which events are looked for."""
    for name, field, metavar, text in reversed(_FILTERS):
        option = click.option(
            name,
            field,
            default="",
            metavar=metavar,
            shell_complete=profile_names if field == "profile" else None,
            help=text,
        )
        function = option(function)
    for name, field, text in (
        ("--until", "end_time", "Only before this time."),
        ("--since", "start_time", "Only from this time on, such as 2026-11-25T14:30."),
    ):
        option = click.option(name, field, metavar="TIME", callback=_moment, help=text)
        function = option(function)
    return function


_FILTERS = (
    ("--profile", "profile", "PROFILE", "Only about this profile; its id, once it is deleted."),
    ("--device", "device_id", "DEVICE", "Only about this device, by its device id."),
    (
        "--resource",
        "resource_id",
        "ID",
        "Only about the token, upload, user or API key with this id.",
    ),
    ("--action", "action", "ACTION", "Only this action, such as RevealToken."),
    ("--actor", "actor", "KEY", "Only what was done with the API key of this id, or by `device`."),
    ("--reason", "reason", "REASON", "Only with this reason, such as DONE or TOKEN_EXPIRED."),
)


def _anchor(
    _ctx: click.Context, _option: click.Parameter, value: str | None
) -> tuple[int, bytes] | None:
    if value is None:
        return None
    sequence, _, digest = value.partition(":")
    try:
        anchor = int(sequence), bytes.fromhex(digest)
    except ValueError:
        anchor = 0, b""
    if anchor == (0, bytes(_DIGEST_BYTES)):
        return None  # what is shown of an empty log
    if not 1 <= anchor[0] <= _LAST_SEQUENCE or len(anchor[1]) != _DIGEST_BYTES:
        raise click.BadParameter(f"{value!r} is not NUMBER:DIGEST as an earlier check showed it")
    return anchor


anchor_option: Callable[[Any], Any] = click.option(
    "--anchor",
    metavar="NUMBER:DIGEST",
    callback=_anchor,
    help="The newest event of an earlier check, which must be there still.",
)
