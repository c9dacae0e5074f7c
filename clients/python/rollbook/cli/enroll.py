"""`rollbook enroll`: speak for a device that switches on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook import EnrollOutcome
from rollbook.cli.configurations import key_names
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.output import facts, say, show, show_json
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from rollbook import Enrollment

_EXIT_CODES = {
    EnrollOutcome.REGISTERED: ExitCode.DONE,
    EnrollOutcome.NOT_REGISTERED: ExitCode.NOT_REGISTERED,
    EnrollOutcome.SIGN_IN_REQUIRED: ExitCode.SIGN_IN_REQUIRED,
}
_NOT_OF_THE_PROFILE = "The token's profile does not have this device."
_NOT_TOKENLESS = "No tokenless profile has this device; add --token if its profile has one."
_SIGN_IN_REQUIRED = (
    "The token does not open a profile: it is mistyped, expired, revoked or was refreshed."
)


@click.command()
@click.option("--token", default="", help="The profile's token, as typed or scanned.")
@click.option("--imei", "imeis", multiple=True, metavar="IMEI", help="Once for each IMEI or MEID.")
@click.option("--serial", default="", help="The serial number; needs --manufacturer.")
@click.option("--manufacturer", default="", help="The manufacturer, in any case.")
@with_session
def enroll(
    session: Session, token: str, imeis: tuple[str, ...], serial: str, manufacturer: str
) -> ExitCode:
    """Enroll a device by what it presents. Needs no API key."""
    if not imeis and not (serial and manufacturer):
        raise click.UsageError("A device presents --imei, or --serial and --manufacturer.")
    with session.agent() as agent:
        decision = agent.enroll_device(
            token=token, imeis=imeis, serial_number=serial, manufacturer=manufacturer
        )
    if session.wants_json:
        show_json(decision)
    else:
        _show(decision, by_token=bool(token))
    return _EXIT_CODES.get(decision.outcome, ExitCode.REFUSED)


def _show(decision: Enrollment, *, by_token: bool) -> None:
    if decision.outcome is EnrollOutcome.REGISTERED:
        show(facts(_properties(decision)))
    else:
        show(facts({"Outcome": str(decision.outcome)}))
        say(_explanation(decision.outcome, by_token=by_token))


def _explanation(outcome: EnrollOutcome, *, by_token: bool) -> str:
    match outcome:
        case EnrollOutcome.NOT_REGISTERED:
            return _NOT_OF_THE_PROFILE if by_token else _NOT_TOKENLESS
        case EnrollOutcome.SIGN_IN_REQUIRED:
            return _SIGN_IN_REQUIRED
    return "This command is too old to know the outcome."


def _properties(decision: Enrollment) -> dict[str, object]:
    attributes = {f"  {name}": value for name, value in decision.attributes.items()}
    return {
        "Outcome": str(decision.outcome),
        "Device ID": decision.device_id,
        "Profile ID": decision.profile_id,
        "User": decision.user.display_name if decision.user else None,
        "Attributes": f"{len(attributes)}",
        **attributes,
        "Configuration": key_names(decision.configuration),
    }
