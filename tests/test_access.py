"""Who may call what, and what it can fail with: for every method of the contract.

What each right opens is in `access/test_rights.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format, message_factory
from grpc_reflection.v1alpha import reflection_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from methods import MALFORMED, Caller, Method, methods
from rollbook_server.health import SERVICES
from rollbook_server.transport.admission import OPEN_SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from running import Server

HEALTH = "grpc.health.v1.Health"
REFLECTION = ("grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection")

ROLLBOOK = methods(*SERVICES)
EVERY = [
    *ROLLBOOK,
    *methods(HEALTH),
    *(Method(name, "ServerReflectionInfo") for name in REFLECTION),
]
OPEN = [method for method in EVERY if method.service in OPEN_SERVICES]
CLOSED = [method for method in EVERY if method not in OPEN]
TEMPLATE = next(method for method in ROLLBOOK if method.name == "GetUploadTemplate")
each_method = pytest.mark.parametrize("method", EVERY, ids=lambda m: m.path)


@pytest.fixture
def caller(server: Server) -> Iterator[Caller]:
    caller = Caller(server)
    yield caller
    caller.channel.close()


def test_no_method_for_administrators_answers_without_the_key(caller: Caller) -> None:
    for key in (None, "", "Bearer", "Bearer ", f"Basic {caller.server.api_key}"):
        for method in CLOSED:
            error = caller.error(method, b"", key=key)
            assert (error.code, error.reason) == ("UNAUTHENTICATED", "API_KEY_MISSING"), method
    for key in ("Bearer x", f"{caller.key}x", caller.key[:-1]):
        for method in CLOSED:
            error = caller.error(method, MALFORMED, key=key)
            assert (error.code, error.reason) == ("UNAUTHENTICATED", "API_KEY_INVALID"), method
            assert key not in error.message


def test_the_word_bearer_has_no_case(caller: Caller) -> None:
    for word in ("Bearer", "bearer", "BEARER"):
        assert b"IMEI" in caller.send(TEMPLATE, b"", key=f"{word} {caller.server.api_key}")


@each_method
def test_bytes_that_are_no_message_are_refused_as_such(caller: Caller, method: Method) -> None:
    key = None if method in OPEN else caller.key
    error = caller.error(method, MALFORMED, key=key)

    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "REQUEST_MALFORMED")


@pytest.mark.parametrize("method", ROLLBOOK, ids=lambda m: m.path)
def test_an_empty_message_is_answered(caller: Caller, method: Method) -> None:
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


@pytest.mark.parametrize("method", ROLLBOOK, ids=lambda m: m.path)
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


@pytest.mark.parametrize("method", ROLLBOOK, ids=lambda m: m.path)
def test_a_bug_is_told_by_its_number_alone(
    request: pytest.FixtureRequest, method: Method, caplog: pytest.LogCaptureFixture
) -> None:
    caller: Caller = request.getfixturevalue("caller")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    caller.send(TEMPLATE, b"", key=caller.key)  # from now on the server knows the key
    asked: dict[str, Any] = {
        "UploadDevices": {"open": {"uploadId": "u"}},
        "GetUploadTemplate": {"profileId": "p"},
        "CreateUser": {"user": {"userName": "u"}},
        "UpdateDevices": {"updates": [{"device": {"deviceId": "dev-1", "imei": "35"}}]},
        "DeleteDevices": {"devices": [{"deviceId": "dev-1"}]},
        "CreateApiKey": {"displayName": "k", "role": "ROLE_VIEWER"},
        "CreateDevices": {"profileId": "p", "devices": [{"imei": "35693803564380"}]},
    }
    message = message_factory.GetMessageClass(method.descriptor.input_type)()
    json_format.ParseDict(asked.get(method.name, {}), message)
    with pytest.MonkeyPatch.context() as patch:  # until the server is to stop
        for name in ("read", "write", "write_together", "submit"):
            patch.setattr(caller.server.app._store, name, fail)
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
