"""`rollbook device`: add, list, show, edit and delete single devices."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from rollbook import DeviceRow, DeviceState, DeviceUpdate
from rollbook.cli.completing import profile_names
from rollbook.cli.confirmations import confirm, yes_option
from rollbook.cli.device_options import attribute_option, identifier_options, read_rows
from rollbook.cli.device_views import COLUMNS, IDENTIFIERS, identifiers, properties, row
from rollbook.cli.dry_runs import dry_run_option, tell_dry_run
from rollbook.cli.errors import not_there
from rollbook.cli.explanations import explain
from rollbook.cli.lists import show_json_list, watched
from rollbook.cli.output import clean, counted, facts, say, show, show_json
from rollbook.cli.profile_names import find_profile
from rollbook.cli.session import Session, with_session
from rollbook.cli.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rollbook import Device

# Devices that are shown before the next ones are asked for: a page of the server.
_AT_ONCE = 1_000
# Devices that are named before they are deleted.
_NAMED = 5


@click.group()
def device() -> None:
    """Add, find, edit and delete single devices, and explain how one is matched."""


@device.command()
@click.argument("profile", shell_complete=profile_names)
@identifier_options
@attribute_option
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE.json",
    help="Add up to 1,000 devices, all or none: a JSON array of objects with imei, imei2, "
    "serial_number, manufacturer, attributes. - is stdin.",
)
@with_session
def add(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    profile: str,
    imei: str | None,
    imei2: str | None,
    serial: str | None,
    manufacturer: str | None,
    attributes: Mapping[str, str],
    file: str | None,
) -> None:
    """Add a device to PROFILE, given by its id or name.

    A device needs an IMEI, or a serial number and a manufacturer.
    """
    one = DeviceRow(imei or "", imei2 or "", serial or "", manufacturer or "", attributes)
    if (file is None) == (one == DeviceRow(attributes={})):
        raise click.UsageError("Describe one device by options, or many by --file.")
    rows = [one] if file is None else read_rows(file)
    session.devices = ("",) if file is None else tuple(f"[{at}]" for at in range(len(rows)))
    with session.admin() as client:
        made = client.create_devices(find_profile(client, profile).profile_id, rows)
    _tell(session, made, "Added")


@device.command("list")
@click.argument("profile", required=False, shell_complete=profile_names)
@click.option("--prefix", default="", help="What an IMEI, MEID or serial number begins with.")
@click.option("--state", type=click.Choice(["pending", "registered"]), help="Only such devices.")
@click.option("--upload", default="", metavar="UPLOAD", help="Only those it wrote last.")
@with_session
def list_(
    session: Session, *, profile: str | None, prefix: str, state: str | None, upload: str
) -> None:
    """List the devices of PROFILE, or of all, in the order in which they came."""
    with session.admin() as client:
        found = client.list_devices(
            find_profile(client, profile).profile_id if profile else "",
            identifier_prefix=prefix,
            state=DeviceState(state.upper()) if state else DeviceState.UNSPECIFIED,
            upload_id=upload,
            page_size=_AT_ONCE,
        )
        _show_json_or_pages(session, found)


def _show_json_or_pages(session: Session, found: Iterator[Device]) -> None:
    if session.wants_json:
        show_json_list(found)
        return
    count, found = 0, watched(found)
    while page := list(islice(found, _AT_ONCE)):
        show(table(COLUMNS, map(row, page), whole=IDENTIFIERS))
        count += len(page)
    say(f"{counted(count, 'device')}." if count else "No device fits.")


@device.command("show")
@click.argument("device")
@with_session
def show_(session: Session, device: str) -> None:
    """Show DEVICE, given by its device id."""
    with session.admin() as client:
        found = client.get_device(device)
    if session.wants_json:
        show_json(found)
    else:
        show(facts(properties(found)))


@device.command()
@click.argument("devices", nargs=-1, required=True, metavar="DEVICE...")
@identifier_options
@attribute_option
@click.option(
    "--remove-attribute",
    "removed",
    multiple=True,
    metavar="NAME",
    help="Take an attribute away. May be repeated.",
)
@with_session
def edit(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    devices: Sequence[str],
    imei: str | None,
    imei2: str | None,
    serial: str | None,
    manufacturer: str | None,
    attributes: Mapping[str, str],
    removed: Sequence[str],
) -> None:
    """Change each DEVICE, given by its device id; what is not named stays as it is.

    "" clears an identifier. Of several devices the attributes alone can be changed.
    """
    named = list(dict.fromkeys(devices))
    identifying = (imei, imei2, serial, manufacturer)
    _check_edit(named, identifying, [*attributes, *removed])
    with session.admin() as client:
        before = [client.get_device(one) for one in named]
        session.devices = _called(before)
        _check_removed(before, removed)
        changed = client.update_devices(
            DeviceUpdate(
                one.device_id, *identifying, _edited(one, attributes, removed), etag=one.etag
            )
            for one in before
        )
    _tell(session, changed, "Changed")


def _called(named: Sequence[Device]) -> tuple[str, ...]:
    """Give what tells the devices of a command apart; the only one needs no name."""
    return tuple(one.device_id for one in named) if len(named) > 1 else ("",)


def _check_edit(
    named: Sequence[str], identifying: Sequence[str | None], names: Sequence[str]
) -> None:
    typed = any(value is not None for value in identifying)
    if not typed and not names:
        raise click.UsageError("Say what to change: --imei, --attribute NAME=VALUE, or another.")
    if typed and len(named) > 1:
        raise click.UsageError("Identifiers belong to one device; name one DEVICE to change them.")


def _check_removed(before: Iterable[Device], removed: Iterable[str]) -> None:
    """Refuse a name that no device has: it is mistyped."""
    there = {name for one in before for name in one.attributes}
    for name in removed:
        if name not in there:
            raise not_there("--remove-attribute", name, there)


def _edited(
    one: Device, attributes: Mapping[str, str], removed: Sequence[str]
) -> dict[str, str] | None:
    if not attributes and not removed:
        return None
    kept = {name: value for name, value in one.attributes.items() if name not in removed}
    return {**kept, **attributes}


@device.command()
@click.argument("devices", nargs=-1, required=True, metavar="DEVICE...")
@dry_run_option
@yes_option
@with_session
def delete(session: Session, *, devices: Sequence[str], dry_run: bool, yes: bool) -> None:
    """Take each DEVICE, given by its device id, off the roll: all of them or none."""
    with session.admin() as client:
        found = [client.get_device(one) for one in dict.fromkeys(devices)]
        session.devices = _called(found)
        if dry_run:
            would = f"Would delete {counted(len(found), 'device')}: {_named(found)}."
            tell_dry_run(session, {"deleted_count": len(found)}, would)
            return
        confirm(f"{_named(found)} will be deleted.", yes=yes)
        count = client.delete_devices(found)
    if session.wants_json:
        show_json({"deleted_count": count})
    else:
        say(f"Deleted {counted(count, 'device')}.")


def _named(found: Sequence[Device]) -> str:
    names = [f"{one.device_id} ({clean(identifiers(one))})" for one in found[:_NAMED]]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {counted(more, 'further device')}" if more else "")


def _tell(session: Session, devices: Sequence[Device], done: str) -> None:
    if session.wants_json:
        show_json(devices)
    elif len(devices) == 1:
        show(facts(properties(devices[0])))
    else:
        show(table(COLUMNS, map(row, devices), whole=IDENTIFIERS))
        say(f"{done} {counted(len(devices), 'device')}.")


device.add_command(explain)
