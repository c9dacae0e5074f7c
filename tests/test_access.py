"""Who may call what, and what it can fail with: for every method of the contract."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha import reflection_pb2
from grpc_status import rpc_status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook._calls import from_rpc_error
from rollbook._channel import endpoint
from rollbook_server.app import SERVICES
from rollbook_server.domain.errors import Reason
from rollbook_server.transport.guard import OPEN_SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollbook import RollbookError
    from running import Server

PROTO = Path(__file__).parents[1] / "proto/rollbook/v1"
HEALTH = "grpc.health.v1.Health"
REFLECTION = ("grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection")
MALFORMED = b"\xff\xff\xff"
# Any call can fail so, beside what its comment tells.
GENERAL = {Reason.REQUEST_MALFORMED, Reason.FIELD_INVALID, Reason.REQUEST_ID_INVALID}


class Method(NamedTuple):
    service: str
    name: str

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"

    @property
    def descriptor(self) -> Any:
        service = descriptor_pool.Default().FindServiceByName(self.service)
        return service.methods_by_name[self.name]

    def documented(self) -> set[str]:
        """The reasons that the contract names in the comment of the method."""
        text = "".join(path.read_text() for path in sorted(PROTO.glob("*_service.proto")))
        comment = re.search(rf"((?: *//.*\n)+) *rpc {self.name}\(", text)
        assert comment
        reasons = comment[1].partition("Reasons:")[2]
        prefixes = tuple(re.findall(r"\b([A-Z]+_)\s+reasons", re.sub(r"\n *//", "", comment[1])))
        if "as EnrollDevice" in re.sub(r"\n *//", "", reasons):
            own = set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", reasons))
            return own | Method(self.service, "EnrollDevice").documented()
        whole = {str(reason) for reason in Reason if prefixes and reason.startswith(prefixes)}
        return set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", reasons)) | whole


def methods(*services: str) -> list[Method]:
    pool = descriptor_pool.Default()
    return [Method(s, m.name) for s in services for m in pool.FindServiceByName(s).methods]


ROLLBOOK = methods(*SERVICES)
EVERY = [
    *ROLLBOOK,
    *methods(HEALTH),
    *(Method(name, "ServerReflectionInfo") for name in REFLECTION),
]
OPEN = [method for method in EVERY if method.service in OPEN_SERVICES]
CLOSED = [method for method in EVERY if method not in OPEN]
NOT_SERVED_YET = {"rollbook.v1.AccessService"}
SERVED = [method for method in ROLLBOOK if method.service not in NOT_SERVED_YET]
each_method = pytest.mark.parametrize("method", EVERY, ids=lambda m: m.path)


class Caller:
    """Sends bytes to any method, and reads the first answer or the error."""

    def __init__(self, server: Server) -> None:
        self.server, self.channel = server, grpc.insecure_channel(server.address)

    def send(self, method: Method, *requests: bytes, key: str | None = None) -> bytes:
        metadata = () if key is None else (("authorization", key),)
        behavior: Any = self.channel.stream_stream(method.path)
        call = behavior(iter(requests), metadata=metadata, timeout=20)
        try:
            return bytes(next(call))
        finally:
            call.cancel()

    def error(self, method: Method, *requests: bytes, key: str | None = None) -> RollbookError:
        """The error of a call that must fail; it must carry one ErrorInfo of ours."""
        with pytest.raises(grpc.RpcError) as caught:
            self.send(method, *requests, key=key)
        status = rpc_status.from_call(caught.value)
        assert status is not None, caught.value
        kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
        assert kinds[0] == "ErrorInfo"
        assert sorted(set(kinds)) == sorted(kinds)
        return from_rpc_error(caught.value, endpoint(self.server.address))

    def send_anything(self, method: Method, *requests: bytes) -> None:
        """Send what may fail, but only for a reason that the contract names."""
        try:
            self.send(method, *requests, key=self.key)
        except grpc.RpcError as failed:
            error = from_rpc_error(failed, endpoint(self.server.address))
            assert error.reason in GENERAL | method.documented(), error
            assert error.message

    @property
    def key(self) -> str:
        return f"Bearer {self.server.api_key}"


@pytest.fixture
def caller(server: Server) -> Iterator[Caller]:
    caller = Caller(server)
    yield caller
    caller.channel.close()


@pytest.mark.parametrize("method", CLOSED, ids=lambda m: m.path)
def test_no_method_for_administrators_answers_without_the_key(
    caller: Caller, method: Method
) -> None:
    for key in (None, "", "Bearer", "Bearer ", f"Basic {caller.server.api_key}"):
        error = caller.error(method, b"", key=key)
        assert (error.code, error.reason) == ("UNAUTHENTICATED", "API_KEY_MISSING")
    for key in ("Bearer x", f"{caller.key}x", caller.key[:-1]):
        error = caller.error(method, MALFORMED, key=key)
        assert (error.code, error.reason) == ("UNAUTHENTICATED", "API_KEY_INVALID")
        assert key not in error.message


def test_the_word_bearer_has_no_case(caller: Caller) -> None:
    template = next(method for method in SERVED if method.name == "GetUploadTemplate")
    for word in ("Bearer", "bearer", "BEARER"):
        assert b"IMEI" in caller.send(template, b"", key=f"{word} {caller.server.api_key}")


@each_method
def test_bytes_that_are_no_message_are_refused_as_such(caller: Caller, method: Method) -> None:
    key = None if method in OPEN else caller.key
    error = caller.error(method, MALFORMED, key=key)

    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "REQUEST_MALFORMED")


@pytest.mark.parametrize("method", ROLLBOOK, ids=lambda m: m.path)
def test_an_empty_message_is_answered_or_the_method_is_not_served(
    caller: Caller, method: Method
) -> None:
    if method not in SERVED:
        error = caller.error(method, b"", key=caller.key)
        assert (error.code, error.reason) == ("UNIMPLEMENTED", "METHOD_NOT_SERVED")
        assert method.name in error.message
    else:
        caller.send_anything(method, b"")


def values(field: Any, texts: Sequence[str], depth: int) -> st.SearchStrategy[Any]:
    """Values of a field in protobuf's JSON, sensible and not."""
    if field.message_type is not None:
        return bodies(field.message_type, texts, depth - 1)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values]) | st.just(99)
    if field.cpp_type == field.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type == field.CPPTYPE_STRING:
        base64 = st.sampled_from(["", "aW1laQox", "IiIi", "AAAA", "//79"])
        return base64 if field.type == field.TYPE_BYTES else st.sampled_from(texts) | st.text()
    lowest = 0 if field.cpp_type in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64) else -(2**31)
    return st.integers(-1 if lowest else 0, 3) | st.integers(lowest, 2**31 - 1)


SCALARS = st.none() | st.booleans() | st.floats(-9, 9) | st.text(max_size=3)
PATHS = st.sampled_from(["*", "", "userName", "name", "email", "disabled", "etag", "a.b"])
# In protobuf's JSON they have forms of their own.
WELL_KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "google.protobuf.Struct": st.dictionaries(st.text(max_size=9), SCALARS, max_size=3),
    "google.protobuf.Timestamp": st.sampled_from(
        ["0001-01-01T00:00:00Z", "2026-11-25T12:00:00.000001Z"]
    ),
    "google.protobuf.Duration": st.sampled_from(["0s", "3600s", "86400.000000001s", "-5s"]),
    "google.protobuf.FieldMask": st.lists(PATHS, max_size=3).map(",".join),
}


def bodies(message: Any, texts: Sequence[str], depth: int = 3) -> st.SearchStrategy[Any]:
    """Messages of a type, as far as they can be told apart from bytes at random."""
    if message.full_name in WELL_KNOWN:
        return WELL_KNOWN[message.full_name]
    if message.GetOptions().map_entry:
        return st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3)
    if depth == 0:
        return st.just({})
    fields = {field.json_name: values(field, texts, depth) for field in message.fields}
    for field in message.fields:
        mapped = field.message_type is not None and field.message_type.GetOptions().map_entry
        if field.is_repeated and not mapped:
            fields[field.json_name] = st.lists(fields[field.json_name], max_size=5)
    if message.oneofs and not any(field.containing_oneof is None for field in message.fields):
        return st.one_of(*(st.fixed_dictionaries({n: s}) for n, s in fields.items()))
    return st.fixed_dictionaries({}, optional=fields)


@pytest.mark.parametrize("method", SERVED, ids=lambda m: m.path)
@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_request_at_all_fails_but_for_a_documented_reason(
    caller: Caller, method: Method, data: st.DataObject
) -> None:
    with caller.server.admin() as admin:
        profile = next(admin.list_profiles(), None) or admin.create_profile("Depot")
    kind = method.descriptor.input_type
    request = message_factory.GetMessageClass(kind)
    texts = [
        profile.profile_id,
        "u",
        "35693803564380",
        "Depot",
        "00000000-0000-4000-8000-00000000000a",
    ]
    made = bodies(kind, texts).map(
        lambda body: json_format.ParseDict(body, request()).SerializeToString()
    )
    requests = data.draw(st.lists(made | st.binary(max_size=60), min_size=1, max_size=4))

    many = method.descriptor.client_streaming
    caller.send_anything(method, *(requests if many else requests[:1]))


@pytest.mark.parametrize("method", SERVED, ids=lambda m: m.path)
def test_a_bug_is_told_by_its_number_alone(
    request: pytest.FixtureRequest, method: Method, caplog: pytest.LogCaptureFixture
) -> None:
    caller: Caller = request.getfixturevalue("caller")

    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    for name in ("read", "write", "submit"):
        setattr(caller.server.app._store, name, fail)
    asked: dict[str, Any] = {
        "UploadDevices": {"open": {"uploadId": "u"}},
        "GetUploadTemplate": {"profileId": "p"},
        "CreateUser": {"user": {"userName": "u"}},
        "UpdateDevices": {"updates": [{"device": {"deviceId": "dev-1", "imei": "35"}}]},
        "DeleteDevices": {"devices": [{"deviceId": "dev-1"}]},
        "CreateDevices": {"profileId": "p", "devices": [{"imei": "35693803564380"}]},
    }
    message = message_factory.GetMessageClass(method.descriptor.input_type)()
    json_format.ParseDict(asked.get(method.name, {}), message)
    error = caller.error(method, message.SerializeToString(), key=caller.key)

    assert (error.code, error.reason) == ("INTERNAL", "INTERNAL_ERROR")
    assert "secret" not in error.message + str(error.metadata)
    assert error.metadata["number"] in error.message
    assert f"bug {error.metadata['number']} in {method.path}" in caplog.text
    assert "RuntimeError: secret" in caplog.text


@pytest.mark.parametrize("service", REFLECTION)
def test_reflection_tells_the_services_to_who_has_the_key(caller: Caller, service: str) -> None:
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    answer = caller.send(
        Method(service, "ServerReflectionInfo"), asked.SerializeToString(), key=caller.key
    )
    listed = reflection_pb2.ServerReflectionResponse.FromString(answer).list_services_response
    names = [each.name for each in listed.service]

    assert {*SERVICES, HEALTH} < set(names)
    for name in names:  # as `grpcurl describe` does
        asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol=name)
        answer = caller.send(
            Method(service, "ServerReflectionInfo"), asked.SerializeToString(), key=caller.key
        )
        found = reflection_pb2.ServerReflectionResponse.FromString(answer)
        assert found.WhichOneof("message_response") == "file_descriptor_response", name
