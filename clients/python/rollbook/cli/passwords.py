"""Reads passwords: hidden from a terminal, or from stdin; never from an argument.

Arguments can be read by everyone on the machine, and stay in the shell's history.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import click

from rollbook import InvalidArgumentError
from rollbook.cli.output import say
from rollbook.cli.terminals import can_ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

T = TypeVar("T")

# Bytes of stdin: more than the longest password in any encoding, and its line's end.
_LONGEST = 64 * 1024


def password_stdin_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option --password-stdin."""
    return click.option(
        "--password-stdin", is_flag=True, help="Read the password from stdin, for scripts."
    )(function)


def read_password(*, from_stdin: bool, confirmed: bool = False) -> str:
    """Give the password; `confirmed` has it typed twice. Raises UsageError if there is none."""
    if from_stdin:
        return _read_stdin()
    if not can_ask():
        raise click.UsageError(
            "A password cannot be asked for without a terminal; add --password-stdin."
        )
    password: str = click.prompt(
        "Password", hide_input=True, confirmation_prompt=confirmed, err=True
    )
    return password


def with_password(call: Callable[[str], T], *, from_stdin: bool) -> T:
    """Give what the call gives with a password typed twice, or from stdin.

    On a terminal one that the server refuses is asked for anew. Raises UsageError if
    there is none.
    """
    while True:
        password = read_password(from_stdin=from_stdin, confirmed=True)
        try:
            return call(password)
        except InvalidArgumentError as error:
            if from_stdin or error.reason != "PASSWORD_INVALID":
                raise
            say(error.message, style="red")


def _read_stdin() -> str:
    read = b"" if sys.stdin is None else sys.stdin.buffer.read(_LONGEST)
    line = read.removesuffix(b"\n").removesuffix(b"\r")
    if not line:
        raise click.UsageError("--password-stdin: stdin is empty.")
    try:
        return line.decode()
    except UnicodeDecodeError:
        # Without the cause: it would hold the password.
        raise click.UsageError("--password-stdin: stdin is not UTF-8.") from None
