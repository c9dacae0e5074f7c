"""`rollbook audit`: what was done on the server, and whether the log of it is unbroken."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from rollbook import AuditFault, RollbookError
from rollbook.cli.audit_options import anchor_option, filter_options
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.lists import show_json_list, watched
from rollbook.cli.output import facts, say, show, show_json
from rollbook.cli.plain import document
from rollbook.cli.profile_names import find_profile
from rollbook.cli.progress import counting
from rollbook.cli.session import Session, with_session
from rollbook.cli.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollbook import AdminClient, AuditCheck, AuditEvent

NEWEST = 100
_AT_ONCE = 1000
_ID_PREFIX = "prf-"

_COLUMNS = ("No.", "Time", "Action", "Reason", "About", "Details", "By", "From")
_IDENTIFIERS = ("Action", "Reason", "By", "From")
_FOLDED = ("About", "Details")


@click.group(invoke_without_command=True)
@with_session
def audit(session: Session) -> None:
    """Show the newest of what was done, or see the commands below for more."""
    if click.get_current_context().invoked_subcommand is None:
        with session.admin() as client:
            _show_events(session, client.list_audit_events(page_size=NEWEST), NEWEST)


@audit.command("list")
@filter_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=NEWEST,
    show_default=True,
    help="How many of the newest to show.",
)
@click.option("--all", "everything", is_flag=True, help="Show all that fit, however many.")
@with_session
def list_(
    session: Session, /, *, profile: str, limit: int, everything: bool, **filters: Any
) -> None:
    """List what was done, newest first: only events for which all holds that is named."""
    with session.admin() as client:
        most = None if everything else limit
        found = client.list_audit_events(
            profile_id=_profile_id(client, profile),
            page_size=min(most or _AT_ONCE, _AT_ONCE),
            **filters,
        )
        _show_events(session, found, most)


def _profile_id(client: AdminClient, profile: str) -> str:
    """Give the id of a profile, which may be deleted; its name only while it is there."""
    if not profile or profile.startswith(_ID_PREFIX):
        return profile
    return find_profile(client, profile).profile_id


def _show_events(session: Session, found: Iterator[AuditEvent], most: int | None) -> None:
    shown = islice(found, most)
    if session.wants_json:
        show_json_list(shown)
        return
    count, shown = 0, islice(watched(found), most)
    while page := list(islice(shown, _AT_ONCE)):
        show(table(_COLUMNS, map(_row, page), whole=_IDENTIFIERS, folded=_FOLDED))
        count += len(page)
    if not count:
        say("No event fits.")
    elif count == most:
        say("There may be older ones: see --limit and --all.")


def _row(event: AuditEvent) -> tuple[object, ...]:
    ids = (event.profile_id, event.device_id, event.resource_id)
    details = (f"{name}={text}" for name, text in event.details.items())
    return (
        *(str(event.sequence), event.event_time, event.action, event.reason),
        *(_joined(ids), _joined(details), event.actor, event.source),
    )


def _joined(texts: Iterable[str]) -> str:
    return " ".join(filter(None, texts))


@audit.command()
@anchor_option
@click.option(
    "--recompute",
    is_flag=True,
    help="Fetch all events and compute the chain here instead of asking the server; its "
    "seals are not checked.",
)
@with_session
def verify(session: Session, *, anchor: tuple[int, bytes] | None, recompute: bool) -> ExitCode:
    """Check that no event was changed, moved or removed, and name the first that was.

    Keep the newest event that it shows apart from the server: given as --anchor to a
    later check, it shows that nobody put an older copy of the log in its place.
    """
    if recompute and anchor is not None:
        raise click.UsageError("--recompute and --anchor exclude each other.")
    with session.admin() as client:
        check = _check(client, anchor or (0, b""), recompute, silent=session.wants_json)
    return _show_check(session, check)


def _check(
    client: AdminClient, anchor: tuple[int, bytes], recompute: bool, *, silent: bool
) -> AuditCheck:
    total, (sequence, digest) = 0 if silent else _newest(client), anchor
    with counting("Checking the audit log", "event", total, silent=silent) as told:
        if recompute:
            return client.recompute_audit_log(progress=told)
        return client.verify_audit_log(
            anchor_sequence=sequence, anchor_digest=digest, progress=told
        )


def _newest(client: AdminClient) -> int:
    """Give how many events there are, or 0 where the newest is so damaged that no list has it."""
    with suppress(RollbookError):
        return next((event.sequence for event in client.list_audit_events(page_size=1)), 0)
    return 0


def _show_check(session: Session, check: AuditCheck) -> ExitCode:
    if session.wants_json:
        show_json(document(check, anchor=_anchor(check)))
    else:
        show(facts(_properties(check)))
    if check.first_break is None:
        return ExitCode.DONE
    if not session.wants_json:
        said = _FAULTS.get(check.first_break.fault, "is not as it was written")
        say(f"The audit log is broken: event {check.first_break.sequence} {said}.")
        say("Every event before it is as it was written.")
    return ExitCode.BROKEN


_FAULTS = {
    AuditFault.EVENT_MISSING: "is missing",
    AuditFault.EVENT_CHANGED: "was changed, moved or put in",
    AuditFault.SEAL_INVALID: "was written anew by somebody without the server's key file, or "
    "the server runs with another one (--sealing-key-file)",
    AuditFault.END_UNKNOWN: "is not the one that the server remembers as the newest; later "
    "ones may have been removed",
    AuditFault.ANCHOR_DIFFERS: "is not the one that --anchor names, or that the server wrote or "
    "saw since its start",
}


def _properties(check: AuditCheck) -> dict[str, object]:
    broken = check.first_break
    return {
        "Unbroken events": check.checked_count,
        "First broken": None if broken is None else str(broken.sequence),
        "Last" if broken else "Newest": _anchor(check),
    }


def _anchor(check: AuditCheck) -> str:
    """Give the last event that was found unbroken, as --anchor takes it."""
    return f"{check.last_sequence}:{check.last_digest.hex()}"
