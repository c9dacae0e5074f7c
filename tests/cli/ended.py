"""What a run of the command leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from canaries import CANARIES


@dataclass
class Ended:
    """How one run of the command ended."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        """Look for secrets in what is said of failures; an IMEI there is one that was typed."""
        CANARIES.look("stderr", self.err, imeis=False)

    @property
    def document(self) -> Any:
        """What `--output json` wrote."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """What `--output json` said of a failure."""
        said: dict[str, Any] = json.loads(self.err)["error"]
        return said


Cli = Callable[..., Ended]
