"""`rollbook enroll`: speak for a device that switches on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook import EnrollOutcome
from rollbook.cli.output import say
from rollbook.cli.presenting import Presented, identifier_options, show_decision
from rollbook.cli.session import Session, with_session
from rollbook.cli.sign_in import ask_and_sign_in
from rollbook.cli.terminals import can_ask

if TYPE_CHECKING:
    from rollbook.cli.exit_codes import ExitCode

_NOT_OF_THE_PROFILE = "The token's profile does not have this device."
_NOT_TOKENLESS = "No tokenless profile has this device; add --token if its profile has one."
_SIGN_IN_REQUIRED = (
    "The token does not open a profile: it is mistyped, expired, revoked or was refreshed."
)


@click.command()
@click.option("--token", default="", help="The profile's token, as typed or scanned.")
@identifier_options
@click.option("--no-sign-in", is_flag=True, help="Do not ask for user and password.")
@with_session
def enroll(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    token: str,
    imeis: tuple[str, ...],
    serial: str,
    manufacturer: str,
    no_sign_in: bool,
) -> ExitCode:
    """Enroll a device by what it presents. Needs no API key.

    If the token does not open a profile, it asks on a terminal for user and password.
    """
    presented = Presented(imeis, serial, manufacturer)
    with session.agent() as agent:
        decision = agent.enroll_device(
            token=token, imeis=imeis, serial_number=serial, manufacturer=manufacturer
        )
        may_ask = not no_sign_in and not session.wants_json and can_ask()
        if decision.outcome is EnrollOutcome.SIGN_IN_REQUIRED and may_ask:
            say(f"{_SIGN_IN_REQUIRED} Sign in to register the device.")
            return ask_and_sign_in(session, agent, presented)
    explanation = _explanation(session, decision.outcome, presented, by_token=bool(token))
    return show_decision(session, decision, explanation)


def _explanation(
    session: Session, outcome: EnrollOutcome, presented: Presented, *, by_token: bool
) -> str:
    match outcome:
        case EnrollOutcome.NOT_REGISTERED:
            return _NOT_OF_THE_PROFILE if by_token else _NOT_TOKENLESS
        case EnrollOutcome.SIGN_IN_REQUIRED:
            options = (*presented.options(), "--user", "NAME")
            instead = session.command("sign-in", options=options)
            return f"{_SIGN_IN_REQUIRED}\nSign in instead: {instead}"
    return "This command is too old to know the outcome."
