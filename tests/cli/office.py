"""An administrator at the command line, as the seed has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import RollbookError
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.ended import Cli, Ended
    from rollbook import AdminClient, EnrollmentAgent
    from running import Server

IMEI, OTHER_IMEI, UNKNOWN_IMEI = "356938035643809", "490154203237518", "353918058114894"


@dataclass
class Office:
    """An administrator at the command line, with a profile named Tablets."""

    cli: Cli
    admin: AdminClient
    agent: EnrollmentAgent
    server: Server
    folder: Path
    profile_id: str

    def file(self, text: str, name: str = "devices.csv") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def run(self, *words: object) -> Ended:
        """Run a command that must succeed."""
        ended = self.cli(*words)
        assert ended.code == ExitCode.DONE, (words, ended)
        return ended

    def document(self, *words: object) -> Any:
        return self.run(*words, "--output", "json").document

    def counts(self) -> tuple[int, int, int]:
        now = self.admin.get_profile(self.profile_id)
        return now.device_count, now.registered_count, now.pending_count

    def token(self) -> str:
        return self.admin.reveal_token(self.profile_id)


def reason(call: Callable[[], object]) -> str:
    with pytest.raises(RollbookError) as caught:
        call()
    return caught.value.reason
