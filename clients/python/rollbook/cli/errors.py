"""How a command ends when it cannot be done: a message, a next step, an exit code.

`describe` turns every exception into a `Failure`; `report` writes it to stderr.
No traceback reaches a user unless ROLLBOOK_DEBUG=1 asks for it.
"""

from __future__ import annotations

import json
import os
import traceback
from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import TYPE_CHECKING

import click

from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.next_steps import next_step_after
from rollbook.cli.output import clean, say
from rollbook.cli.plain import plain
from rollbook.cli.tracebacks import keep_traceback
from rollbook.cli.wording import in_our_words, place
from rollbook.errors import DeadlineExceededError, RollbookError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rollbook.cli.session import Session


class CommandError(Exception):
    """The command itself refuses to go on; says why and what to do."""

    def __init__(  # noqa: PLR0913 - one keyword for each field of a Failure
        self,
        message: str,
        *,
        reason: str,
        code: str = "FAILED_PRECONDITION",
        next_step: str = "",
        exit_code: ExitCode = ExitCode.REFUSED,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.failure = Failure(
            message,
            exit_code,
            reason=reason,
            code=code,
            next_step=next_step,
            metadata=metadata or {},
        )


@dataclass(frozen=True)
class Failure:
    """What is told of an exception; the names are those of an RPC's error."""

    message: str
    exit_code: int
    reason: str = ""
    code: str = ""
    next_step: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


def not_there(option: str, name: str, there: Iterable[str]) -> click.BadParameter:
    """Give what to raise where an option takes away what is not there: it is mistyped."""
    names = ", ".join(map(clean, sorted(there)))
    return click.BadParameter(
        f"there is no {name!r}; there is {names or 'none'}", param_hint=f"'{option}'"
    )


@singledispatch
def describe(error: BaseException) -> Failure:
    """Give what to tell of an exception; of one that nobody foresaw, that it is a bug."""
    said = traceback.format_exception_only(error)[-1].strip()
    where = "above" if _debugging() else f"in {keep_traceback(error)}"
    return Failure(
        f"{said} (this is a bug of rollbook; its traceback is {where})",
        ExitCode.REFUSED,
        reason="BUG",
        code="INTERNAL",
    )


@describe.register
def _(error: CommandError) -> Failure:
    return error.failure


@describe.register
def _(error: RollbookError) -> Failure:
    unreachable = isinstance(error, UnavailableError | DeadlineExceededError)
    return Failure(
        error.message,
        ExitCode.UNREACHABLE if unreachable else ExitCode.REFUSED,
        reason=error.reason,
        code=error.code,
        metadata=error.metadata,
        fields=error.fields,
    )


@describe.register
def _(error: OSError) -> Failure:
    message = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
    return Failure(message, ExitCode.REFUSED, reason="FILE_UNUSABLE", code="FAILED_PRECONDITION")


@describe.register
def _(_error: UnicodeEncodeError) -> Failure:
    # Without what it was: it may be a password.
    return Failure(
        "An argument is not UTF-8, so it cannot be sent.",
        ExitCode.USAGE,
        reason="COMMAND_LINE_INVALID",
        code="INVALID_ARGUMENT",
    )


@describe.register
def _(error: click.ClickException) -> Failure:
    return Failure(
        error.format_message(),
        error.exit_code,
        reason="COMMAND_FAILED",
        code="FAILED_PRECONDITION",
    )


@describe.register
def _(error: click.UsageError) -> Failure:
    return Failure(
        error.format_message(),
        error.exit_code,
        reason="COMMAND_LINE_INVALID",
        code="INVALID_ARGUMENT",
    )


@describe.register
def _(_error: click.Abort) -> Failure:
    return Failure("Interrupted.", ExitCode.INTERRUPTED, reason="INTERRUPTED", code="CANCELLED")


def report(error: BaseException, session: Session) -> int:
    """Write to stderr what went wrong; gives the exit code."""
    if _debugging():
        traceback.print_exception(error)
    if isinstance(error, click.UsageError) and not session.wants_json:
        error.show()
        return ExitCode.USAGE
    failure = describe(error)
    if isinstance(error, RollbookError):
        failure = _in_our_words(failure, error, session)
    (_say_json if session.wants_json else _say)(failure)
    return failure.exit_code


def _in_our_words(failure: Failure, error: RollbookError, session: Session) -> Failure:
    """Give what people read in words of the command; programs get the contract's fields."""
    told = {place(path, session): text for path, text in error.fields.items()}
    return replace(
        failure,
        message=in_our_words(error, session),
        fields=error.fields if session.wants_json else told,
        next_step=next_step_after(error, session),
    )


def _debugging() -> bool:
    return os.environ.get("ROLLBOOK_DEBUG") == "1"


def _say(failure: Failure) -> None:
    say(f"Error: {clean(failure.message)}", style="red")
    for name, text in failure.fields.items():
        if text not in failure.message:
            say(f"  {clean(name)}: {clean(text)}")
    if failure.next_step:
        say(failure.next_step)


def _say_json(failure: Failure) -> None:
    names = ("reason", "code", "message", "metadata", "fields", "next_step")
    told = {name: plain(getattr(failure, name)) for name in names}
    click.echo(json.dumps({"error": told}, ensure_ascii=False), err=True)
