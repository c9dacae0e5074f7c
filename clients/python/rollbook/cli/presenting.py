"""What a device presents on the command line, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rollbook import EnrollOutcome
from rollbook.cli.configurations import key_names
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.output import facts, say, show, show_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook import Enrollment
    from rollbook.cli.session import Session

_EXIT_CODES = {
    EnrollOutcome.REGISTERED: ExitCode.DONE,
    EnrollOutcome.NOT_REGISTERED: ExitCode.NOT_REGISTERED,
    EnrollOutcome.SIGN_IN_REQUIRED: ExitCode.SIGN_IN_REQUIRED,
}


@dataclass(frozen=True)
class Presented:
    """The identifiers of a device as they were typed; at least what can be looked for."""

    imeis: tuple[str, ...]
    serial_number: str
    manufacturer: str

    def __post_init__(self) -> None:
        if not self.imeis and not (self.serial_number and self.manufacturer):
            raise click.UsageError("A device presents --imei, or --serial and --manufacturer.")

    def options(self) -> tuple[str, ...]:
        """Give them as options, to be repeated in a command that we suggest."""
        options = [word for imei in self.imeis for word in ("--imei", imei)]
        for name, value in (
            ("--serial", self.serial_number),
            ("--manufacturer", self.manufacturer),
        ):
            options += [name, value] if value else []
        return tuple(options)


def identifier_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --imei, --serial and --manufacturer."""
    for option in (
        click.option("--manufacturer", default="", help="The manufacturer, in any case."),
        click.option("--serial", default="", help="The serial number; needs --manufacturer."),
        click.option(
            "--imei", "imeis", multiple=True, metavar="IMEI", help="Once for each IMEI or MEID."
        ),
    ):
        function = option(function)
    return function


def show_decision(session: Session, decision: Enrollment, explanation: str) -> ExitCode:
    """Show a decision, and why it may have been refused; gives the exit code for it."""
    if session.wants_json:
        show_json(decision)
    elif decision.outcome is EnrollOutcome.REGISTERED:
        show(facts(_properties(decision)))
    else:
        show(facts({"Outcome": str(decision.outcome)}))
        say(explanation)
    return _EXIT_CODES.get(decision.outcome, ExitCode.REFUSED)


def _properties(decision: Enrollment) -> dict[str, object]:
    attributes = {f"  {name}": value for name, value in decision.attributes.items()}
    user = decision.user
    return {
        "Outcome": str(decision.outcome),
        "Device ID": decision.device_id,
        "Profile ID": decision.profile_id,
        "User": (user.display_name or user.email or user.user_id) if user else None,
        "Attributes": f"{len(attributes)}",
        **attributes,
        "Configuration": key_names(decision.configuration),
    }
