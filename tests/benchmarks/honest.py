"""Devices that belong here, and how long they wait while others guess."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from rollbook import DeviceRow, EnrollmentAgent, EnrollOutcome, RollbookError

if TYPE_CHECKING:
    from rollbook import AdminClient

DEVICES = 300  # of each kind
PATIENCE_SECONDS = 60.0  # so that a busy machine shows in the times and not in errors


@dataclass
class Honest:
    """Devices of one kind that enroll one after another, and again, as long as it is open."""

    kind: str
    address: str
    presented: list[dict[str, Any]]
    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.seconds, self.refused = [], []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _go_on(self) -> None:
        with EnrollmentAgent(self.address, timeout_seconds=PATIENCE_SECONDS) as agent:
            while not self._ended.is_set():
                for presented in self.presented:
                    if self._ended.is_set():
                        return
                    self._enroll(agent, presented)

    def _enroll(self, agent: EnrollmentAgent, presented: dict[str, Any]) -> None:
        begun = time.perf_counter()
        try:
            told = str(agent.enroll_device(**presented).outcome)
        except RollbookError as error:
            told = error.reason or error.code
        self.seconds.append(time.perf_counter() - begun)
        if told != EnrollOutcome.REGISTERED:
            self.refused.append(told)

    def percentile(self, share: float) -> float:
        """Give the milliseconds within which that share was answered."""
        return sorted(self.seconds)[int(len(self.seconds) * share)] * 1000


def settle(admin: AdminClient, here: str, elsewhere: str) -> list[Honest]:
    """Put them on the roll: two kinds that share the guessers' address, one that does not."""
    rows = {
        kind: [
            DeviceRow(f"86{kind}{number:011}", serial_number=f"S{kind}{number}", manufacturer="HTC")
            for number in range(DEVICES)
        ]
        for kind in range(3)
    }
    closed = admin.create_profile("Honest, with a token").profile_id
    opened = admin.create_profile("Honest, tokenless", tokenless=True).profile_id
    for kind, profile in ((0, closed), (1, opened), (2, opened)):
        admin.upload_rows(profile, rows[kind])
    token = admin.reveal_token(closed)
    imeis = {kind: [{"imeis": [row.imei]} for row in rows[kind]] for kind in rows}
    whole = [{"imeis": [r.imei], "serial_number": r.serial_number, "manufacturer": "HTC"}
             for r in rows[1]]  # fmt: skip
    return [
        Honest("same address, right token", here, [{"token": token, **each} for each in imeis[0]]),
        Honest("same address, IMEI and serial", here, whole),
        Honest("another address, IMEI alone", elsewhere, imeis[2]),
    ]
