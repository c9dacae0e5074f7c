"""Enrolls devices that come at the same time together: one look at the roll for all of them.

Each is decided by `enrollment.enroll`, one after another, as if it had come alone. What
they ask of the roll is read before them at once, what they change is written behind them
at once; in between the group answers for the roll.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

from rollbook_server.domain import callers, enrollment
from rollbook_server.domain.devices import registered
from rollbook_server.domain.matching import Candidates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rollbook_server.domain.callers import Caller
    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.enrollment import Decision, Enrollment
    from rollbook_server.domain.gate import Gate
    from rollbook_server.domain.matching import Presented
    from rollbook_server.domain.ports import Roll


class Call(NamedTuple):
    """A device that wants to enroll, who called for it, and when."""

    enrollment: Enrollment
    caller: Caller
    now: datetime


def enroll_all(gate: Gate, roll: Roll, calls: Sequence[Call]) -> list[Decision]:
    """Give the decision for each call, in order; see `enrollment.enroll`."""
    group = _Group(roll, [call.enrollment for call in calls])
    decisions = []
    for call in calls:
        with callers.calling(call.caller):
            as_roll = cast("Roll", group)
            decisions.append(enrollment.enroll(as_roll, call.enrollment, gate, call.now))
    group.write()
    return decisions


class _Group:
    """What `enroll` asks of a `ports.Roll`, and nothing else of it."""

    def __init__(self, roll: Roll, enrollments: Sequence[Enrollment]) -> None:
        self.audit, self.guesses = roll.audit, roll.guesses
        self.tokens = _Tokens(roll, enrollments)
        self.profiles, self.users = _Profiles(roll), _Users(roll)
        self.devices = _Devices(roll, enrollments)  # whose question takes along what is foreseen

    def write(self) -> None:
        """Write what became of the devices."""
        self.devices.write()
        self.tokens.write()
        self.profiles.write()


class _Devices:
    def __init__(self, roll: Roll, enrollments: Sequence[Enrollment]) -> None:
        self._roll = roll
        wanted = list({each.presented: None for each in enrollments})
        self._found = dict(zip(wanted, roll.devices.candidates_of(wanted), strict=True))
        self._registered: dict[str, Device] = {}

    def candidates(self, presented: Presented) -> Candidates:
        found = self._found[presented]
        by_serial = found.by_serial and self._newest(found.by_serial)
        return Candidates([self._newest(each) for each in found.by_imei], by_serial)

    def overlook(self, presented: Presented) -> None:
        self._roll.devices.overlook(presented)

    def register(self, device: Device, request_id: str, now: datetime) -> Device:
        self._registered[device.device_id] = done = registered(device, request_id, now)
        return done

    def write(self) -> None:
        if self._registered:
            self._roll.devices.write_registered(list(self._registered.values()))

    def _newest(self, device: Device) -> Device:
        return self._registered.get(device.device_id, device)


class _Tokens:
    def __init__(self, roll: Roll, enrollments: Sequence[Enrollment]) -> None:
        self._roll, self.find = roll, cache(roll.tokens.find)
        roll.tokens.foresee({each.token_digest for each in enrollments if each.token_digest})
        self._uses: dict[str, list[datetime]] = defaultdict(list)

    def count_use(self, token_id: str, now: datetime) -> None:
        self._uses[token_id].append(now)

    def write(self) -> None:
        for token_id, times in self._uses.items():
            self._roll.tokens.count_use(token_id, max(times), len(times))


class _Profiles:
    def __init__(self, roll: Roll) -> None:
        self._roll, self.get = roll, cache(roll.profiles.get)
        roll.profiles.foresee()
        self._moves: dict[str, list[tuple[int, int, datetime]]] = defaultdict(list)

    def move_counts(self, profile_id: str, now: datetime, *, pending: int, registered: int) -> None:
        self._moves[profile_id].append((pending, registered, now))

    def write(self) -> None:
        for profile_id, moves in self._moves.items():
            pending, registered, times = zip(*moves, strict=True)
            self._roll.profiles.move_counts(
                profile_id, max(times), pending=sum(pending), registered=sum(registered)
            )


class _Users:
    def __init__(self, roll: Roll) -> None:
        self.get = cache(roll.users.get)
        roll.users.foresee()
