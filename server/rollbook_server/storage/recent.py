"""What was asked for last: of what is asked for next it is likely to be some.

Devices come in by the pallet, all of one profile. An engine that can be told which questions
come has the answers with those to others, and a wrong guess costs it two that nobody asks.
"""

from __future__ import annotations

_MOST = 2


class Recent:
    """A few keys. Thread-safe."""

    def __init__(self) -> None:
        self.keys: tuple[str, ...] = ()

    def note(self, key: str) -> None:
        """Remember a key, and forget one for it."""
        if key not in self.keys:
            self.keys = (key, *self.keys[: _MOST - 1])
