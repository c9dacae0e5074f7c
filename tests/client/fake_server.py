"""A server in this process: real gRPC on a free port, memory behind it, faults on order.

It keeps the promises of the contract that the client leans on: committed positions,
gaps, totals, CRC, supersession by state, pages. `unary_faults` are answered one a
call, `stream_faults` one an UploadDevices stream; then all goes well.
"""

# ruff: noqa: N802 - the methods have the contract's names

from __future__ import annotations

import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self

import grpc

from client.faults import Fault
from rollbook._sources import canonical_text
from rollbook.resources import DeviceRow
from rollbook.v1 import (
    device_pb2,
    device_service_pb2,
    device_service_pb2_grpc,
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    profile_pb2,
    profile_service_pb2,
    profile_service_pb2_grpc,
    token_pb2,
    token_service_pb2,
    token_service_pb2_grpc,
    upload_pb2,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class FakeUpload:
    """What was taken in: bytes of a file, or rows."""

    message: upload_pb2.Upload
    data: bytes = b""
    rows: list[device_pb2.DeviceRow] = field(default_factory=list)

    def crc32(self) -> int:
        if not self.rows:
            return zlib.crc32(self.data)
        texts = (
            DeviceRow(r.imei, r.imei2, r.serial_number, r.manufacturer, dict(r.attributes))
            for r in self.rows
        )
        return zlib.crc32("".join(map(canonical_text, texts)).encode())

    def answer(self) -> upload_pb2.Upload:
        self.message.committed_offset = len(self.data)
        self.message.committed_rows = len(self.rows) or self.data.count(b"\n")
        self.message.committed_crc32 = self.crc32()
        return self.message


class FakeRollbook(
    profile_service_pb2_grpc.ProfileServiceServicer,
    device_service_pb2_grpc.DeviceServiceServicer,
    token_service_pb2_grpc.TokenServiceServicer,
    enrollment_service_pb2_grpc.EnrollmentServiceServicer,
):
    """The servicers. Every request is kept in `requests`, the metadata in `metadata`."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.unary_faults: deque[Fault] = deque()
        self.stream_faults: deque[Fault] = deque()
        self.uploads: dict[str, FakeUpload] = {}
        self.taken: SimpleQueue[str] = SimpleQueue()
        self.ended_streams: SimpleQueue[None] = SimpleQueue()
        self.profiles: list[profile_pb2.Profile] = []
        self.error_pages: list[device_service_pb2.ListUploadErrorsResponse] = []
        self.enrollment = enrollment_service_pb2.EnrollDeviceResponse()
        self.sign_in = enrollment_service_pb2.SignInDeviceResponse()
        self.qr_code = token_service_pb2.GenerateQrCodeResponse(
            image=b"\x89PNG", media_type="image/png", payload="{}", warnings=["dark"]
        )

    def streams(self) -> list[list[Any]]:
        """Give the messages of each upload stream."""
        streams: list[list[Any]] = []
        for request in self.requests:
            if isinstance(request, device_service_pb2.UploadDevicesRequest):
                if request.HasField("open"):
                    streams.append([])
                streams[-1].append(request)
        return streams

    def _receive(self, request: Any, context: grpc.ServicerContext) -> None:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        if self.unary_faults:
            self.unary_faults.popleft().raise_in(context)

    def CreateProfile(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        profile = profile_pb2.Profile(
            profile_id="p1", name=request.name, configuration=request.configuration
        )
        profile.create_time.FromSeconds(1_700_000_000)
        return profile_service_pb2.CreateProfileResponse(profile=profile)

    def GetProfile(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        return profile_service_pb2.GetProfileResponse(
            profile=profile_pb2.Profile(profile_id=request.profile_id)
        )

    def ListProfiles(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        first = int(request.page_token or 0)
        after = first + (request.page_size or 2)
        return profile_service_pb2.ListProfilesResponse(
            profiles=self.profiles[first:after],
            next_page_token=str(after) if after < len(self.profiles) else "",
        )

    def GetToken(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        token = token_pb2.Token(token_id="t1", state=token_pb2.TOKEN_STATE_ACTIVE)
        return token_service_pb2.GetTokenResponse(token=token)

    def RevealToken(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        return token_service_pb2.RevealTokenResponse(value="AAAA-BBBB")

    def GenerateQrCode(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        return self.qr_code

    def EnrollDevice(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        return self.enrollment

    def SignInDevice(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        return self.sign_in

    def GetUploadTemplate(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        return device_service_pb2.GetUploadTemplateResponse(data=b"imei\r\n")

    def ListUploadErrors(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        return self.error_pages[int(request.page_token or 0)]

    def GetUpload(self, request: Any, context: Any) -> Any:
        self._receive(request, context)
        if request.upload_id not in self.uploads:
            Fault(grpc.StatusCode.NOT_FOUND, "UPLOAD_NOT_FOUND").raise_in(context)
        return device_service_pb2.GetUploadResponse(upload=self.uploads[request.upload_id].answer())

    def UploadDevices(self, request_iterator: Any, context: Any) -> Any:
        fault = self.stream_faults.popleft() if self.stream_faults else Fault(after=10**9)
        self.metadata.append(dict(context.invocation_metadata()))
        context.add_callback(lambda: self.ended_streams.put(None))
        upload = self._take(request_iterator, context, fault)
        return device_service_pb2.UploadDevicesResponse(upload=upload.answer())

    def _take(
        self, messages: Iterator[Any], context: grpc.ServicerContext, fault: Fault
    ) -> FakeUpload:
        upload = FakeUpload(upload_pb2.Upload())
        if fault.after == 0:
            fault.raise_in(context)
        for count, message in enumerate(messages, start=1):
            self.requests.append(message)
            upload = self._take_one(upload, message, context)
            self.taken.put(message.WhichOneof("message"))
            if count == fault.after:
                if upload.message.state == upload_pb2.UPLOAD_STATE_OPEN:
                    upload.data = upload.data[: len(upload.data) - fault.lost_bytes]
                if not fault.answers:
                    fault.raise_in(context)
                return upload
            if upload.message.state == upload_pb2.UPLOAD_STATE_FINISHED:
                return upload
        return upload

    def _take_one(
        self, upload: FakeUpload, message: Any, context: grpc.ServicerContext
    ) -> FakeUpload:
        if message.HasField("open"):
            fresh = upload_pb2.Upload(
                upload_id=message.open.upload_id,
                profile_id=message.open.profile_id,
                state=upload_pb2.UPLOAD_STATE_OPEN,
            )
            return self.uploads.setdefault(message.open.upload_id, FakeUpload(fresh))
        if message.HasField("csv"):
            behind = self._behind(message.csv.offset, len(upload.data), context)
            upload.data += message.csv.data[behind:]
        elif message.HasField("rows"):
            behind = self._behind(message.rows.first_row, len(upload.rows), context)
            upload.rows += message.rows.rows[behind:]
        elif upload.message.state == upload_pb2.UPLOAD_STATE_OPEN:
            total = message.finish.total_bytes or message.finish.total_rows
            if total != (len(upload.data) or len(upload.rows)):
                Fault(grpc.StatusCode.INVALID_ARGUMENT, "UPLOAD_TOTAL_MISMATCH").raise_in(context)
            if message.finish.crc32 != upload.crc32():
                Fault(grpc.StatusCode.INVALID_ARGUMENT, "UPLOAD_CHECKSUM_MISMATCH").raise_in(
                    context
                )
            upload.message.state = upload_pb2.UPLOAD_STATE_FINISHED
        return upload

    def _behind(self, first: int, committed: int, context: grpc.ServicerContext) -> int:
        if first > committed:
            Fault(grpc.StatusCode.OUT_OF_RANGE, "UPLOAD_GAP").raise_in(context)
        return committed - first


def new_fake() -> FakeRollbook:
    """Give a fake in which nothing has happened yet; what no client calls it does not serve."""
    return FakeRollbook()  # type: ignore[abstract]  # only in mypy-protobuf's eyes


@dataclass
class Running:
    """A server for the length of a `with`; with the port of another it takes its place."""

    fake: FakeRollbook = field(default_factory=new_fake)
    port: int = 0
    server: grpc.Server = field(init=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        profile_service_pb2_grpc.add_ProfileServiceServicer_to_server(self.fake, self.server)
        device_service_pb2_grpc.add_DeviceServiceServicer_to_server(self.fake, self.server)
        token_service_pb2_grpc.add_TokenServiceServicer_to_server(self.fake, self.server)
        enrollment_service_pb2_grpc.add_EnrollmentServiceServicer_to_server(self.fake, self.server)
        self.port = self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop(0).wait()
