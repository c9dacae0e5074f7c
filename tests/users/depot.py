"""Users in every state, and two devices on which they may sign in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rollbook import DeviceRow, EnrollOutcome
from rollbook.v1 import enrollment_service_pb2 as messages

if TYPE_CHECKING:
    import grpc

    from rollbook import AdminClient, Enrollment, EnrollmentAgent, Profile
    from running import Server

IMEI, OTHER_IMEI, UNKNOWN_IMEI = "356938035643809", "490154203237518", "353918052355563"
PASSWORD, OTHER_PASSWORD = "correct horse", "battery staple"


@dataclass
class Depot:
    """Two devices on the roll of a profile with a token, and users in every state."""

    server: Server
    admin: AdminClient
    agent: EnrollmentAgent
    profile: Profile = field(init=False)
    user_ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.profile = self.admin.create_profile("Depot")
        rows = [DeviceRow(IMEI, attributes={"hall": "3"}), DeviceRow(OTHER_IMEI)]
        self.admin.upload_rows(self.profile.profile_id, rows)
        for name, options in USERS.items():
            self.user_ids[name] = self.admin.create_user(name, **options).user_id

    def sign_in(self, name: str = "Ada", password: str = PASSWORD, imei: str = IMEI) -> Enrollment:
        return self.agent.sign_in_device(user_name=name, password=password, imeis=[imei])

    def counts(self) -> tuple[int, int]:
        now = self.admin.get_profile(self.profile.profile_id)
        return now.registered_count, now.pending_count

    def owner(self) -> str:
        """Give the user_id that a device is told which only enrolls; empty for none."""
        token = self.admin.reveal_token(self.profile.profile_id)
        user = self.agent.enroll_device(token=token, imeis=[IMEI]).user
        return user.user_id if user else ""

    def answer(self, channel: grpc.Channel, name: str, password: str, imei: str) -> bytes:
        call: Any = channel.unary_unary("/rollbook.v1.EnrollmentService/SignInDevice")
        request = messages.SignInDeviceRequest(user_name=name, password=password, imeis=[imei])
        return bytes(call(request.SerializeToString()))


USERS: dict[str, Any] = {
    "Ada": {"password": PASSWORD, "display_name": "Ada L.", "email": "ada@example.com"},
    "Bob": {"password": OTHER_PASSWORD},
    "disabled": {"password": PASSWORD, "disabled": True},
    "without password": {},
}


def model(name: str, password: str, imei: str) -> EnrollOutcome:
    """What the contract says, without a server."""
    right = {"Ada": PASSWORD, "Bob": OTHER_PASSWORD}.get(name) == password
    known = imei != UNKNOWN_IMEI
    return EnrollOutcome.REGISTERED if right and known else EnrollOutcome.NOT_REGISTERED


NAMES = [*USERS, "nobody", ""]
PASSWORDS = [PASSWORD, OTHER_PASSWORD, ""]
