"""The `rollbook` command: the client library for people at a terminal.

This file loads without click and rich, so that it can say which extra brings
them.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

_EXTRA = frozenset({"click", "rich"})


def main() -> int:
    """Run the command with the arguments of the process; gives its exit code."""
    try:
        from rollbook.cli.entry import run  # noqa: PLC0415 - may be missing, see above
    except ModuleNotFoundError as error:
        return _say_extra_is_missing(error)
    except KeyboardInterrupt:
        return 130
    return run(sys.argv[1:])


def _say_extra_is_missing(error: ModuleNotFoundError) -> int:
    if (error.name or "").partition(".")[0] not in _EXTRA:
        raise error
    print("The command needs its extra: pip install 'rollbook[cli]'", file=sys.stderr)  # noqa: T201
    return 1
