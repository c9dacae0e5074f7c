"""Serves with one slow call: `python -m stopping.slow FILE serve-options`.

A list of profiles makes the file, and is answered once somebody has removed it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rollbook_server import command
from rollbook_server.transport.profile_servicer import ProfileServicer

_list = ProfileServicer.ListProfiles


def _slowly(mark: Path) -> Any:
    def answer(servicer: ProfileServicer, request: Any, context: Any) -> Any:
        mark.touch()
        while mark.exists():
            pass
        return _list(servicer, request, context)

    return answer


if __name__ == "__main__":
    setattr(ProfileServicer, "ListProfiles", _slowly(Path(sys.argv.pop(1))))  # noqa: B010 - mypy
    command.serve(prog_name="python -m stopping.slow")
