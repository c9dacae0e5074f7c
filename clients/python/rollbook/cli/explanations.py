"""`rollbook device explain`: how a device would be matched, and what comes near."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook import MatchRule
from rollbook.cli.device_views import identifiers
from rollbook.cli.output import facts, say, show, show_json
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from rollbook import Device, MatchExplanation, NearMiss

_RULES = {
    MatchRule.IMEI: "an IMEI that is on the roll, whatever serial number and manufacturer say",
    MatchRule.SERIAL_AND_MANUFACTURER: "serial number and manufacturer, both right for one device",
    MatchRule.NONE: "nothing that was presented is on the roll where it had to be",
    MatchRule.AMBIGUOUS: "two IMEIs that belong to two devices of the roll",
    MatchRule.TOKEN: "the token, which is mistyped, expired, revoked or was refreshed",
}


@click.command()
@click.option("--token", default="", help="The token it would present, as typed or scanned.")
@click.option("--imei", "imeis", multiple=True, metavar="IMEI", help="Once for each IMEI or MEID.")
@click.option("--serial", default="", help="The serial number.")
@click.option("--manufacturer", default="", help="The manufacturer, in any case.")
@with_session
def explain(
    session: Session, *, token: str, imeis: tuple[str, ...], serial: str, manufacturer: str
) -> None:
    """Tell what `enroll` would decide about a device, and why; enrolls nothing."""
    if not (imeis or serial or manufacturer):
        raise click.UsageError("Say what the device presents: --imei, --serial, --manufacturer.")
    with session.admin() as client:
        told = client.explain_match(
            token=token, imeis=imeis, serial_number=serial, manufacturer=manufacturer
        )
    if session.wants_json:
        show_json(told)
    else:
        _show(told)


def _show(told: MatchExplanation) -> None:
    show(
        facts(
            {
                "Outcome": str(told.outcome),
                "Decided by": _RULES.get(told.rule, "a rule this command is too old to know"),
                "Device": _named(told.device) if told.device else "none",
            }
        )
    )
    if told.near_misses:
        show("", "Near misses:", facts(dict(map(_told, told.near_misses))))
    elif told.device is None:
        say("No device of the roll comes near.")


def _named(one: Device) -> str:
    return f"{one.device_id} ({identifiers(one)}) of profile {one.profile_id}"


def _told(miss: NearMiss) -> tuple[str, str]:
    agrees, differs = map(_words, (miss.matching_fields, miss.differing_fields))
    name = f"  {miss.device.device_id} ({identifiers(miss.device)})"
    return name, f"{miss.message}. Agrees in: {agrees}; differs in: {differs}."


def _words(fields: tuple[str, ...]) -> str:
    return ", ".join(name.replace("_", " ") for name in fields) or "nothing"
