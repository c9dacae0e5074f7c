"""What the command's exit code says to a script."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    ROWS_REJECTED = 3
    UNREACHABLE = 4
    INCOMPLETE = 5
    NOT_REGISTERED = 6
    SIGN_IN_REQUIRED = 7
    BROKEN = 8
    OUTDATED = 9
    UNSOUND = 10
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.DONE: "done; enroll, sign-in: the device is REGISTERED",
    ExitCode.REFUSED: "the server refused, or a file could not be read or written",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.ROWS_REJECTED: "upload: ended, and rows were rejected",
    ExitCode.UNREACHABLE: "the server cannot be reached, or cannot answer now",
    ExitCode.INCOMPLETE: "upload, database copy: broke off; the message tells how to go on",
    ExitCode.NOT_REGISTERED: "enroll, sign-in: the device is NOT_REGISTERED",
    ExitCode.SIGN_IN_REQUIRED: "enroll: SIGN_IN_REQUIRED, the token does not open a profile",
    ExitCode.BROKEN: "audit verify: an event was changed or is missing",
    ExitCode.OUTDATED: "database status: the schema is not this program's",
    ExitCode.UNSOUND: "doctor: something is wrong; warnings alone are 0",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C",
}


def exit_codes_help() -> str:
    """Give the table of exit codes, in a form that click leaves as it is laid out."""
    lines = [f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items()]
    return "\n".join(["\b", "Exit codes:", *lines])
