"""Devices that switch on while the server is killed, and what they were told."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from rollbook import EnrollmentAgent, EnrollOutcome, RollbookError

if TYPE_CHECKING:
    from random import Random

    from faults.plans import Plan


class Enroller:
    """Enrolls devices in a thread of its own; `told` has the acknowledged ones by IMEI."""

    def __init__(self, address: str, dice: Random) -> None:
        self._agent, self._dice = EnrollmentAgent(address), dice
        self._ahead: queue.Queue[str | None] = queue.Queue()
        self.told: dict[str, str] = {}
        self.faults: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def enroll(self, plan: Plan, hundredths: int) -> None:
        """Switch a device on that the plan has put on the roll by then, or is about to."""
        if self._ahead.qsize() > 1:  # the server is away: let it come back
            return
        so_far = plan.rows[: 1 + len(plan.rows) * hundredths // 100]
        imei = self._dice.choice([*plan.base[0], *so_far]).imei
        if imei.isdigit():
            self._ahead.put(imei)

    def settle(self) -> None:
        """Wait until every device has its answer, or has given up."""
        self._ahead.join()

    def close(self) -> None:
        """End behind the last device."""
        self._ahead.put(None)
        self._thread.join()
        self._agent.close()

    def _run(self) -> None:
        while (imei := self._ahead.get()) is not None:
            try:
                self._enroll(imei)
            except RollbookError:
                pass  # not acknowledged: it may be registered or not
            finally:
                self._ahead.task_done()

    def _enroll(self, imei: str) -> None:
        answer = self._agent.enroll_device(imeis=[imei])
        if answer.outcome is EnrollOutcome.REGISTERED:
            if self.told.setdefault(imei, answer.device_id) != answer.device_id:
                self.faults.append(f"IMEI {imei} became another device")
        elif imei in self.told:
            self.faults.append(f"IMEI {imei} was registered, and is not known any more")
