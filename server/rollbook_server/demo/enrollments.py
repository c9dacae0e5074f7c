"""Lets simulated devices switch on, one for each scenario, and compares outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.demo.scenarios import SCENARIOS, Scenario, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import DeviceRow, Enrollment, EnrollmentAgent, EnrollOutcome
    from rollbook_server.demo.devices import Devices

_WRONG_TOKEN = "WR0NG-WR0NG-WR0NG-WR0NG-WR0NG-WR0NG"  # noqa: S105 - opens nothing
_WRONG_IMEI = "990000000000001"
_WRONG_WORD = "no such thing"


@dataclass(frozen=True, slots=True)
class Result:
    """What a device was told."""

    scenario: Scenario
    actual: EnrollOutcome

    @property
    def is_right(self) -> bool:
        """Tell whether it is what it had to be."""
        return self.actual is self.scenario.expected


def enroll_all(agent: EnrollmentAgent, token: str, devices: Devices) -> Iterator[Result]:
    """Enroll a device of the roll for each scenario."""
    device = None
    for scenario in SCENARIOS:
        if device is None or not scenario.again:
            device = devices.take(scenario)
        yield Result(scenario, _enroll(agent, token, device, scenario).outcome)


def _enroll(
    agent: EnrollmentAgent, token: str, device: DeviceRow, scenario: Scenario
) -> Enrollment:
    imei = device.imei2 if scenario.imei is Value.SECOND else device.imei
    presented = _presented(scenario.imei, imei, _WRONG_IMEI)
    return agent.enroll_device(
        token=_presented(scenario.token, token, _WRONG_TOKEN),
        imeis=[presented] if presented else [],
        serial_number=_presented(scenario.serial_number, device.serial_number, _WRONG_WORD),
        manufacturer=_presented(scenario.manufacturer, device.manufacturer, _WRONG_WORD),
    )


def _presented(value: Value, right: str, wrong: str) -> str:
    if value is Value.OTHER_CASE:
        return right.swapcase()
    return {Value.NONE: "", Value.WRONG: wrong}.get(value, right)
