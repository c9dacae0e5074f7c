"""What every command shares: which server, which key, which form of output."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from rollbook import AdminClient, EnrollmentAgent
from rollbook._channel import endpoint, is_loopback
from rollbook._health import HealthProbe
from rollbook.cli.api_keys import find_api_key
from rollbook.cli.connections import Connection, unusable
from rollbook.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_ADDRESS = "127.0.0.1:7443"
KEY_FILE_OPTION = "--api-key-file"


@dataclass
class Session:
    """What is known of one run; `typed` are the global options that stood on the command line."""

    address: str = DEFAULT_ADDRESS
    api_key_file: Path | None = None
    connection: Connection = field(default_factory=Connection)
    output: Output = Output.TABLE
    typed: tuple[str, ...] = ()
    # What the present command can be given, as it is typed.
    parameters: frozenset[str] = frozenset()
    # What its user calls the devices of a request, in their order.
    devices: tuple[str, ...] = ()

    @property
    def wants_json(self) -> bool:
        """Tell whether a program reads the output."""
        return self.output is Output.JSON

    def admin(self, *, timeout_seconds: float = 30.0) -> AdminClient:
        """Give a client for administrators, to be used in a `with` block."""
        typed = KEY_FILE_OPTION in self.typed
        key = find_api_key(self.api_key_file, typed=typed, server_is_here=self.server_is_here)
        with _told():
            return AdminClient(
                self.address,
                api_key=key,
                timeout_seconds=timeout_seconds,
                **self.connection.settings(),
            )

    def agent(self) -> EnrollmentAgent:
        """Give a client that speaks for a device, to be used in a `with` block."""
        with _told():
            return EnrollmentAgent(self.address, **self.connection.settings())

    def probe(self, timeout_seconds: float) -> HealthProbe:
        """Give what asks for the health of a server, to be used in a `with` block."""
        settings = self.connection.settings()
        with _told():
            return HealthProbe(self.address, timeout_seconds=timeout_seconds, **settings)

    @property
    def server_is_here(self) -> bool:
        """Tell whether the server is on this machine."""
        return is_loopback(endpoint(self.address).address)

    @property
    def speaks_plaintext(self) -> bool:
        """Tell whether calls go without encryption."""
        return self.connection.speaks_plaintext(endpoint(self.address).address)

    def of_somebody_else(self) -> Session:
        """Give the same for commands that another one is to type, with a key of theirs."""
        if KEY_FILE_OPTION not in self.typed:
            return self
        place = self.typed.index(KEY_FILE_OPTION)
        return replace(self, typed=(*self.typed[:place], *self.typed[place + 2 :]))

    def command(self, *words: str, options: Sequence[str] = ()) -> str:
        """Give a command to be typed next, for the same server.

        `words` are its name and arguments, of which none is taken for an option.
        """
        dashed = (place for place, word in enumerate(words) if word.startswith("-"))
        first = next(dashed, None)
        if first is None:
            return shlex.join(("rollbook", *self.typed, *words, *options))
        before, after = words[:first], words[first:]
        return shlex.join(("rollbook", *self.typed, *before, *options, "--", *after))


@contextmanager
def _told() -> Iterator[None]:
    """Tell what is wrong with the settings of a client as a mistake of usage."""
    try:
        yield
    except ValueError as error:
        raise unusable(error) from error


def _choose_output(ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).output = Output(value)


# Eager, so that a mistake further right on the command line is told in this form.
output_option = click.option(
    "--output",
    type=click.Choice([form.value for form in Output]),
    callback=_choose_output,
    expose_value=False,
    is_eager=True,
    help="For people, or one JSON document for programs. May stand before a command or after it.",
)


def with_session(function: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Give a command the session as its first argument, and the option --output."""

    @wraps(function)
    def run(*arguments: P.args, **options: P.kwargs) -> R:
        context = click.get_current_context()
        session = context.ensure_object(Session)
        session.parameters = frozenset(_parameters(context.command))
        return function(session, *arguments, **options)

    return output_option(run)


def _parameters(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        argument = isinstance(parameter, click.Argument)
        yield from [parameter.human_readable_name] if argument else parameter.opts
