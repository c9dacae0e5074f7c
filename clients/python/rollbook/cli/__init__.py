"""The `rollbook` command: the client library for people at a terminal.

This file loads without click, rich and grpc, so that it can say which extra brings
them, and can be interrupted quietly while they load.
"""

from __future__ import annotations

import sys

# As in the package above: whatever loads before `main` cannot be interrupted quietly.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

__all__ = ["main"]

_EXTRA = frozenset({"click", "rich"})
_INTERRUPTED = 130


def main() -> int:
    """Run the command with the arguments of the process; gives its exit code."""
    try:
        return _load()(sys.argv[1:])
    except KeyboardInterrupt:
        return _INTERRUPTED


def _load() -> Callable[[Sequence[str]], int]:
    """Import the command; Ctrl-C meanwhile ends the process without a word.

    A KeyboardInterrupt in the middle of an import may be swallowed, or come out as
    another error. Who asked for SIGINT to be ignored goes on being obeyed.
    """
    import signal  # noqa: PLC0415 - see above

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_at_once)
    try:
        return _import()
    finally:
        signal.signal(signal.SIGINT, before)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    import os  # noqa: PLC0415 - see above

    os._exit(_INTERRUPTED)


def _import() -> Callable[[Sequence[str]], int]:
    import os  # noqa: PLC0415 - see above

    # gRPC writes lines of its own about a failed handshake, which we tell ourselves.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from rollbook.cli.entry import run  # noqa: PLC0415 - may be missing, see above
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        return _say_extra_is_missing
    return run


def _say_extra_is_missing(_arguments: Sequence[str]) -> int:
    text = "The command `rollbook` needs: pip install '.[cli]' (or 'rollbook[cli]')"
    print(text, file=sys.stderr)  # noqa: T201 - click, which would print it, is missing
    return 1
