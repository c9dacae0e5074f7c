"""What a type checker has to make of the library, as its users write it.

`test_typed_usage` has mypy check this file; nothing runs it. A line with `type: ignore` is
a slip that must be seen: the ignore counts as an error once it is not needed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any, assert_type

from rollbook import (
    AdminClient,
    ApiKey,
    AsyncAdminClient,
    AsyncEnrollmentAgent,
    AuditCheck,
    CreatedApiKey,
    Device,
    DeviceRow,
    DeviceUpdate,
    DiscardedUpload,
    Enrollment,
    EnrollmentAgent,
    EnrollOutcome,
    MatchExplanation,
    NotFoundError,
    OnConflict,
    Profile,
    QrCode,
    Right,
    RollbookError,
    RowError,
    Token,
    Upload,
    UploadIncompleteError,
    UploadProgress,
    UploadState,
    User,
)

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


def an_administrator(admin: AdminClient, csv: Path, out: io.BytesIO) -> None:
    profile = admin.create_profile("Depot", tokenless=True, on_warning=print)
    assert_type(profile, Profile)
    assert_type(profile.device_count, int)
    assert_type(admin.get_profile_with_token("p1"), tuple[Profile, Token | None])
    assert_type(admin.upload_devices("p1", csv, on_conflict=OnConflict.MOVE), Upload)
    assert_type(admin.upload_rows("p1", [DeviceRow(imei="356938035643809")]), Upload)
    assert_type(admin.upload_rows("p1", rows, upload_id="u1").state, UploadState)
    assert_type(admin.discard_upload("u1"), DiscardedUpload)
    assert_type(admin.create_devices("p1", [DeviceRow()]), list[Device])
    assert_type(admin.update_devices([DeviceUpdate("d1", imei="")]), list[Device])
    assert_type(admin.delete_devices(["d1", *admin.list_devices()]), int)
    assert_type(admin.explain_match(imeis=["1"]), MatchExplanation)
    assert_type(admin.reveal_token("p1"), str)
    assert_type(admin.generate_qr_code("p1"), QrCode)
    assert_type(admin.create_user("ada"), User)
    assert_type(admin.create_api_key("night", rights=[Right.CREATE]), CreatedApiKey)
    assert_type(admin.verify_audit_log(), AuditCheck)
    assert_type(admin.write_inventory("p1", out), int)
    assert_type(admin.get_upload_template(), bytes)


def lists(admin: AdminClient) -> None:
    assert_type(admin.list_profiles(name_contains="x"), Generator[Profile, None, None])
    assert_type(list(admin.list_upload_errors("u1")), list[RowError])
    assert_type(next(admin.list_api_keys()), ApiKey)
    with closing(admin.export_devices("p1")) as pieces:
        assert_type(b"".join(pieces), bytes)


def a_device(agent: EnrollmentAgent) -> None:
    enrollment = agent.enroll_device(token="T", imeis=["356938035643809"])
    assert_type(enrollment, Enrollment)
    assert_type(enrollment.outcome, EnrollOutcome)
    assert_type(agent.sign_in_device(user_name="ada", password="words"), Enrollment)


def failures(admin: AdminClient) -> None:
    try:
        admin.get_profile("p1")
    except NotFoundError as error:
        assert_type(error.reason, str)
        assert_type(error.fields, dict[str, str])
    except UploadIncompleteError as error:
        assert_type(error.upload, Upload | None)
    except RollbookError as error:
        assert_type(error.retry_after_seconds, float | None)


async def in_asyncio(csv: Path) -> None:
    async with AsyncAdminClient("localhost", api_key="key", plaintext=True) as admin:
        assert_type(admin, AsyncAdminClient)
        assert_type(await admin.create_profile("Depot"), Profile)
        assert_type(await admin.upload_devices("p1", csv, progress=told), Upload)
        assert_type(await admin.upload_rows("p1", rows), Upload)
        assert_type(await admin.upload_rows("p1", asynchronous_rows), Upload)
        assert_type(admin.list_devices(), AsyncGenerator[Device, None])
        assert_type([device async for device in admin.list_devices()], list[Device])
        assert_type(await admin.reveal_token("p1"), str)
        get: Callable[[str], Coroutine[Any, Any, Profile]] = admin.get_profile
        assert_type(await get("p1"), Profile)
    async with AsyncEnrollmentAgent("localhost", patience_seconds=60) as agent:
        assert_type((await agent.enroll_device(token="T")).outcome, EnrollOutcome)


def slips(admin: AdminClient, agent: AsyncEnrollmentAgent, other: AsyncAdminClient) -> None:
    admin.get_profile(7)  # type: ignore[arg-type]
    admin.get_profile(profil_id="p1")  # type: ignore[call-arg]
    admin.create_profile("Depot", "a description")  # type: ignore[call-arg]
    admin.upload_rows("p1", rows())  # type: ignore[arg-type]
    admin.upload_rows("p1", asynchronous_rows)  # type: ignore[arg-type]
    print(admin.get_profile("p1").nmae)  # type: ignore[attr-defined]
    admin.enroll_device()  # type: ignore[attr-defined]
    agent.enroll_device()  # type: ignore[unused-coroutine]
    len(other.reveal_token("p1"))  # type: ignore[arg-type]
    for _ in other.list_profiles():  # type: ignore[attr-defined]
        pass


class Counting(AdminClient):
    """Clients can be taken further, and methods be handed on."""

    def revealed(self) -> Callable[[str], str]:
        return self.reveal_token

    def names(self) -> list[str]:
        return [profile.name for profile in super().list_profiles()]


def rows() -> Iterator[DeviceRow]:
    yield DeviceRow(serial_number="S1", manufacturer="Acme", attributes={"site": "North"})


async def asynchronous_rows() -> AsyncIterator[DeviceRow]:
    yield DeviceRow(imei="356938035643809")


def told(progress: UploadProgress) -> None:
    assert_type(progress.total_bytes, int | None)
