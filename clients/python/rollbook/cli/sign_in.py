"""`rollbook sign-in`: speak for a device on which someone signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook.cli.passwords import password_stdin_option, read_password
from rollbook.cli.presenting import Presented, identifier_options, show_decision
from rollbook.cli.session import Session, with_session
from rollbook.cli.terminals import can_ask

if TYPE_CHECKING:
    from rollbook import EnrollmentAgent
    from rollbook.cli.exit_codes import ExitCode

_REFUSED = (
    "User and password do not fit, the user may not sign in, or the device is on no profile's "
    "roll; the server does not tell which, except in its log."
)


@click.command("sign-in")
@click.option("--user", "user_name", default="", metavar="NAME", help="The name to sign in with.")
@password_stdin_option
@identifier_options
@with_session
def sign_in(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    user_name: str,
    password_stdin: bool,
    imeis: tuple[str, ...],
    serial: str,
    manufacturer: str,
) -> ExitCode:
    """Register a device of any profile to the user who signs in. Needs no API key.

    Asks for the password on a terminal.
    """
    presented = Presented(imeis, serial, manufacturer)
    name = user_name or _ask_name()
    password = read_password(from_stdin=password_stdin)
    with session.agent() as agent:
        return _sign_in(session, agent, presented, name, password)


def ask_and_sign_in(session: Session, agent: EnrollmentAgent, presented: Presented) -> ExitCode:
    """Ask on the terminal for user and password, and sign in with them."""
    name = _ask_name()
    return _sign_in(session, agent, presented, name, read_password(from_stdin=False))


def _ask_name() -> str:
    if not can_ask():
        raise click.UsageError("A user cannot be asked for without a terminal; add --user NAME.")
    name: str = click.prompt("User", err=True)
    return name


def _sign_in(
    session: Session, agent: EnrollmentAgent, presented: Presented, user_name: str, password: str
) -> ExitCode:
    decision = agent.sign_in_device(
        user_name=user_name,
        password=password,
        imeis=presented.imeis,
        serial_number=presented.serial_number,
        manufacturer=presented.manufacturer,
    )
    return show_decision(session, decision, _REFUSED)
