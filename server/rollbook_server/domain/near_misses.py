"""Devices of the roll that come near to one that presents itself, and why they are not taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollbook_server.domain import near_imeis
from rollbook_server.domain.enrollment import Outcome
from rollbook_server.domain.matching import Match, MatchRule, decide

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.enrollment import Finding
    from rollbook_server.domain.matching import Presented
    from rollbook_server.domain.ports import Roll

MOST = 10  # says the contract

_AMBIGUOUS = (
    "has one of the presented IMEIs, but another of them belongs to another device; none is taken"
)
_SERIAL_LOSES = (
    "has the serial number and the manufacturer, but a presented IMEI that is on the roll decides"
)
_CASE_DIFFERS = (
    "its serial number differs from the presented one in upper and lower case, which counts"
)
_NO_MAKER_ON_ROLL = (
    "has the serial number, but the roll knows no manufacturer of it; both must be right"
)
_NO_MAKER_PRESENTED = "has the serial number, but no manufacturer was presented; both must be right"


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A device that matches in part; see `NearMiss` in the contract."""

    device: Device
    matching_fields: Sequence[str]
    differing_fields: Sequence[str]
    message: str


class Search:
    """Looks for what comes near to one presentation, nearest first.

    `typed` are the presented IMEIs as they came: those that are none may be mistyped.
    """

    def __init__(
        self, roll: Roll, presented: Presented, typed: Sequence[str], finding: Finding
    ) -> None:
        self._roll, self._presented, self._typed, self._finding = roll, presented, typed, finding
        self._candidates = roll.devices.candidates(presented)
        self.match: Match = decide(self._candidates)

    def run(self) -> list[NearMiss]:
        """Give the near misses, each device once, and not the one that is taken."""
        taken = self._finding.decision.device
        told = {taken.device_id} if taken else set()
        misses: list[NearMiss] = []
        for miss in self._all():
            if miss.device.device_id not in told and len(misses) < MOST:
                told.add(miss.device.device_id)
                misses.append(miss)
        return misses

    def _all(self) -> Iterator[NearMiss]:
        yield from self._shut_out()
        yield from self._by_serial_number()
        if self.match.rule is MatchRule.NONE:
            yield from self._by_imei()

    def _shut_out(self) -> Iterator[NearMiss]:
        """Give what was found by its keys, and not taken."""
        if self.match.rule is MatchRule.AMBIGUOUS:
            for device in self._candidates.by_imei:
                yield self._miss(device, _AMBIGUOUS)
        elif self.match.device is not None and self._finding.decision.device is None:
            text = self._why_shut_out(self.match.device)
            yield self._miss(self.match.device, text, "token")

    def _why_shut_out(self, device: Device) -> str:
        profile, token = self._roll.profiles.get(device.profile_id), self._finding.token
        assert profile is not None  # devices go with their profile
        if self._finding.decision.outcome is Outcome.SIGN_IN_REQUIRED:
            cause = self._finding.decision.cause.removeprefix("TOKEN_").lower()
            way = "without a token" if profile.tokenless else "with its token"
            return f"would match {way}, for its profile is {profile.name!r}; this token is {cause}"
        if token is None:
            return f"matches, but its profile {profile.name!r} wants a token; none was presented"
        if profile.tokenless:
            return f"matches, but its profile {profile.name!r} takes no token; present none"
        return f"matches, but the token is not that of its profile {profile.name!r}"

    def _by_serial_number(self) -> Iterator[NearMiss]:
        own = self._presented.serial_number
        if not own:
            return
        spellings = {own, own.upper(), own.lower()}
        found = self._roll.devices.with_serial_numbers(spellings, limit=4 * MOST)
        for device in sorted(found, key=lambda device: device.serial_number != own):
            yield self._miss(device, self._why_not_by_serial_number(device))

    def _why_not_by_serial_number(self, device: Device) -> str:
        key = self._presented.manufacturer_key
        if device.serial_number != self._presented.serial_number:
            return _CASE_DIFFERS
        if device.manufacturer and device.manufacturer_key == key:
            return _SERIAL_LOSES
        if not device.manufacturer:
            return _NO_MAKER_ON_ROLL
        if not key:
            return _NO_MAKER_PRESENTED
        return f"has the serial number, but its manufacturer is {device.manufacturer!r}"

    def _by_imei(self) -> Iterator[NearMiss]:
        """Give devices whose IMEI is what was meant, or nearly so."""
        meant = {core: core for core in near_imeis.likely(self._typed)}
        near = {other: core for core in meant for other in near_imeis.neighbours(core)}
        origins = near | meant
        for device in self._roll.devices.with_imeis(origins, limit=MOST):
            field = "imei" if device.imei in origins else "imei2"
            own: str = getattr(device, field)
            miss = self._miss(device, _why_not_by_imei(own, origins[own]))
            kept = [name for name in miss.differing_fields if name not in ("imei", "imei2")]
            yield replace(miss, differing_fields=[field, *kept])

    def _miss(self, device: Device, message: str, *more: str) -> NearMiss:
        same, other = compared(self._presented, device)
        return NearMiss(device, same, [*more, *other], message)


def _why_not_by_imei(own: str, presented: str) -> str:
    if own == presented:
        return f"has the IMEI {own}, but the presented one is malformed or has another check digit"
    return f"its IMEI {own} differs from the presented one {near_imeis.difference(presented, own)}"


def compared(presented: Presented, device: Device) -> tuple[list[str], list[str]]:
    """Name the presented fields in which a device agrees, and those in which it differs."""
    same = [name for name in ("imei", "imei2") if getattr(device, name) in presented.imeis]
    other = []
    if set(presented.imeis) - {device.imei, device.imei2}:
        other.append("imei2" if "imei" in same else "imei")
    for name, given, own in (
        ("serial_number", presented.serial_number, device.serial_number),
        ("manufacturer", presented.manufacturer_key, device.manufacturer_key),
    ):
        if given:
            (same if given == own else other).append(name)
    return same, other
