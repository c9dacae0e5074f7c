"""What goes onto a roll and is counted there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook import (
    DeviceRow,
    EnrollOutcome,
)
from uploads.wire import imei

if TYPE_CHECKING:
    from rollbook import AdminClient, EnrollmentAgent, Profile
    from running import Server


def devices(*numbers: int, **attributes: str) -> list[DeviceRow]:
    return [DeviceRow(imei=imei(number), attributes=attributes) for number in numbers]


def upload(admin: AdminClient, profile: Profile, *numbers: int, **options: Any) -> str:
    given = devices(*numbers, depot=options.pop("depot", "North"))
    return admin.upload_rows(profile.profile_id, given, **options).upload_id


def counts(admin: AdminClient, profile: Profile) -> tuple[int, int, int]:
    now = admin.get_profile(profile.profile_id)
    return now.device_count, now.registered_count, now.pending_count


def stored(server: Server, table: str) -> int:
    ((found,),) = server.query(f"SELECT count(*) FROM {table}")
    return int(found)


def registers(agent: EnrollmentAgent, number: int) -> bool:
    return agent.enroll_device(imeis=[imei(number)]).outcome is EnrollOutcome.REGISTERED
