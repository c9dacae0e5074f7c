"""Devices behind a token and behind none, and callers from other addresses than this one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faults.proxy import Proxy
from rollbook import DeviceRow, EnrollmentAgent, RollbookError
from rollbook_server.domain.guess_limits import GuessLimits
from rollbook_server.domain.token_values import new_value
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, AuditEvent
    from running import Server

LIMITS = GuessLimits(wrong_tokens=5, wrong_devices=6, wrong_sign_ins=10)
CLOSED_IMEI, OPEN_IMEI, OPEN_SERIAL = imei(1), imei(2), "R58M"
PASSWORD = "correct horse"
HELD = "TOO_MANY_ATTEMPTS"


@dataclass
class Depot:
    """A profile with a token, a tokenless one, a device on the roll of each, and a user."""

    server: Server
    admin: AdminClient
    agent: EnrollmentAgent
    closed: str = field(init=False)
    opened: str = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        self.closed = self.admin.create_profile("Closed").profile_id
        self.opened = self.admin.create_profile("Open", tokenless=True).profile_id
        self.admin.create_devices(self.closed, [DeviceRow(CLOSED_IMEI)])
        row = DeviceRow(OPEN_IMEI, serial_number=OPEN_SERIAL, manufacturer="HTC")
        self.admin.create_devices(self.opened, [row])
        self.admin.create_user("ada", password=PASSWORD)
        self.token = self.admin.reveal_token(self.closed)

    def enroll(self, agent: EnrollmentAgent | None = None, **presented: Any) -> str:
        """Give the outcome, or the reason for which there is none."""
        try:
            return str((agent or self.agent).enroll_device(**presented).outcome)
        except RollbookError as error:
            return error.reason

    def sign_in(self, name: str, password: str, agent: EnrollmentAgent | None = None) -> str:
        try:
            told = (agent or self.agent).sign_in_device(
                user_name=name, password=password, imeis=[CLOSED_IMEI]
            )
        except RollbookError as error:
            return error.reason
        return str(told.outcome)

    @contextmanager
    def elsewhere(self, source: str = "127.0.9.1") -> Iterator[EnrollmentAgent]:
        """Give an agent that calls from another address; its network may be ours."""
        with (
            Proxy(self.server.address, None, source) as proxy,
            EnrollmentAgent(proxy.address) as agent,
        ):
            yield agent

    def guess_tokens(self, count: int) -> list[str]:
        return [self.enroll(token=new_value(), imeis=[CLOSED_IMEI]) for _ in range(count)]

    def guess_devices(self, count: int, first: int = 1000, **more: Any) -> list[str]:
        """Guess devices that are not on the roll, by one IMEI each."""
        return [self.enroll(imeis=[imei(n)], **more) for n in range(first, first + count)]

    def alarms(self) -> list[AuditEvent]:
        """Give them in the order in which they were raised."""
        return [*self.admin.list_audit_events(action="RaiseAlarm")][::-1]

    def settle(self) -> None:
        """End a period of counted refusals."""
        self.server.app._witness.settle(self.server.app._store, self.server.clock())
