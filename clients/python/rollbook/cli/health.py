"""`rollbook health`: whether a server can do its work, for probes and for people."""

from __future__ import annotations

import click

from rollbook import NotFoundError
from rollbook._channel import service_names
from rollbook._health import Health
from rollbook.cli.errors import CommandError
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.finite import FiniteRange
from rollbook.cli.output import show, show_json
from rollbook.cli.session import Session, with_session

_PACKAGE = "rollbook.v1."


@click.command()
@click.argument("service", default="")
@click.option(
    "--timeout",
    "timeout_seconds",
    type=FiniteRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the answer.",
)
@with_session
def health(session: Session, *, service: str, timeout_seconds: float) -> ExitCode:
    """Tell whether a server, or one SERVICE such as DeviceService, can do its work.

    Needs no API key. Exits with 0 if the answer is SERVING, with 4 if it is another one or
    there is none. A server says NOT_SERVING while it stops, and while its database does not
    answer or takes no writes; of DeviceService also when the disk has no room for uploads.
    """
    name = service if not service or "." in service else _PACKAGE + service
    with session.probe(timeout_seconds) as probe:
        try:
            found = probe.check(name)
        except NotFoundError as error:
            raise _unknown(service) from error
    if session.wants_json:
        show_json({"service": name, "status": found})
    else:
        show(found.value)
    return ExitCode.DONE if found is Health.SERVING else ExitCode.UNREACHABLE


def _unknown(service: str) -> CommandError:
    return CommandError(
        f"The server has no service {service!r}.",
        reason="SERVICE_UNKNOWN",
        code="NOT_FOUND",
        next_step=f"Its services are {', '.join(service_names())}.",
    )
