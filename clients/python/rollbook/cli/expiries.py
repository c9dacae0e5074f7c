"""When something ends, as it is typed: after so many days, or at a date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound="Callable[..., Any]")

_MOST_DAYS = 36_500  # a century; what is meant to live longer has no end


def _instant(_ctx: click.Context, _option: click.Parameter, typed: str | None) -> datetime | None:
    if typed is None:
        return None
    try:
        return datetime.fromisoformat(typed).astimezone()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{typed!r} is no date such as 2027-03-31 or 2027-03-31T18:00"
        ) from None


def expires_option(function: F) -> F:
    """Give a command --expires-in and --expires."""
    for option in (
        click.option(
            "--expires",
            callback=_instant,
            metavar="DATE",
            help="From when on it is refused: YYYY-MM-DD, as that day begins here, or with a "
            "time, YYYY-MM-DDTHH:MM.  [default: it has no end]",
        ),
        click.option(
            "--expires-in",
            type=click.IntRange(1, _MOST_DAYS),
            metavar="DAYS",
            help="For how many days it works.",
        ),
    ):
        function = option(function)
    return function


def given_expiry(expires_in: int | None, expires: datetime | None) -> datetime | None:
    """Give the instant that was meant, None for no end; UsageError for both options."""
    if expires_in is not None and expires is not None:
        raise click.UsageError("--expires-in and --expires exclude each other.")
    return expires if expires_in is None else datetime.now(UTC) + timedelta(days=expires_in)
