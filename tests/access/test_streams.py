"""Calls under way when their key ends, and in whose name the server does what they ask."""

from __future__ import annotations

from contextlib import closing
from contextvars import Context
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from rollbook import AdminClient, Right, Role, UnauthenticatedError
from rollbook_server.domain import callers, enrollment, inventory, users
from rollbook_server.domain.callers import Caller
from rollbook_server.domain.rights import EVERY_RIGHT
from rollbook_server.transport.guard import Guard
from rollbook_server.transport.idle_limit import IdleLimit
from rollbook_server.transport.peers import source_of
from rollbook_server.transport.waiting_line import Lines
from uploads.wire import OPEN, Wire, csv, file, imei, opening, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Server

FILE = f"IMEI\n{imei(1)}\n{imei(2)}\n".encode()
FIRST = f"IMEI\n{imei(1)}\n".encode()


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot").profile_id


def end_key(admin: AdminClient, server: Server, how: str) -> None:
    """End every key but the administrator's."""
    if how == "EXPIRED":
        server.clock.turn(days=1)
        return
    for key in list(admin.list_api_keys())[1:]:
        admin.revoke_api_key(key.api_key_id)


@pytest.mark.parametrize("how", ["REVOKED", "EXPIRED"])
def test_an_upload_ends_with_its_key_and_is_resumed_with_another(
    admin: AdminClient, server: Server, profile: str, how: str
) -> None:
    end = server.clock().replace(day=24)
    made = admin.create_api_key("Uploader", rights=[Right.CREATE], expire_time=end)
    uploader: Any = SimpleNamespace(
        config=server.config, address=server.address, api_key=made.value
    )
    with Wire(uploader) as wire, Wire(server) as ours:
        stream = wire.stream().send(opening(profile), csv(FIRST))
        until(lambda: len(list(admin.list_uploads(profile))) == 1)
        end_key(admin, server, how)
        told = stream.send(csv(FILE, begin=len(FIRST))).refused()
        assert (told.code, told.reason) == ("UNAUTHENTICATED", f"API_KEY_{how}")

        assert ours.upload().state == OPEN
        assert imei(2)[:14] not in {device.imei for device in ours.devices()}
        assert ours.send(opening(profile), file(FILE)).created_count == 2


def test_an_inventory_ends_with_its_key(
    admin: AdminClient,
    client: Callable[[str], AdminClient],
    profile: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = admin.create_api_key("Reader", role=Role.VIEWER)
    ended = []

    def export(*_: object) -> Iterator[bytes]:
        with closing(SimpleNamespace(close=lambda: ended.append(True))):
            yield b"first"
            admin.revoke_api_key(made.api_key.api_key_id)
            yield b"second"
            raise AssertionError

    monkeypatch.setattr(inventory, "export", export)
    pieces = client(made.value).export_devices(profile)
    assert next(pieces) == b"first"
    with pytest.raises(UnauthenticatedError, match="was revoked"):
        list(pieces)
    until(lambda: ended == [True])


def test_a_call_that_waited_for_its_message_while_its_key_ended_is_refused(
    admin: AdminClient, server: Server
) -> None:
    made = admin.create_api_key("Creator", rights=[Right.CREATE])
    metadata = (("authorization", f"Bearer {made.value}"),)
    path = "/rollbook.v1.ProfileService/CreateProfile"

    def late() -> Iterator[bytes]:
        until(lambda: list(admin.list_api_keys())[1].last_use_time is not None)
        admin.revoke_api_key(made.api_key.api_key_id)
        yield b"\x0a\x05Depot"

    with grpc.insecure_channel(server.address) as channel:
        behavior: Any = channel.stream_unary(path)
        with pytest.raises(grpc.RpcError) as caught:
            behavior(late(), metadata=metadata)
    assert "was revoked" in str(caught.value)
    assert list(admin.list_profiles()) == []


def test_the_domain_knows_who_calls(
    admin: AdminClient,
    server: Server,
    client: Callable[[str], AdminClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Caller] = []

    def noting(work: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **options: Any) -> Any:
            seen.append(callers.current())
            return work(*arguments, **options)

        return note

    monkeypatch.setattr(users, "new_password", noting(users.new_password))
    monkeypatch.setattr(enrollment, "token_digest", noting(enrollment.token_digest))
    made = admin.create_api_key("Operator", role=Role.OPERATOR)
    admin.create_user("ada")
    client(made.value).create_user("bob")
    with server.agent() as agent:
        agent.enroll_device(imeis=[imei(1)])
    rights = frozenset(EVERY_RIGHT - {"MANAGE_ACCESS"})
    assert seen == [
        Caller("admin", "127.0.0.1", EVERY_RIGHT),
        Caller(made.api_key.api_key_id, "127.0.0.1", rights),
        Caller("", "127.0.0.1"),
    ]
    assert callers.current() == Caller()


def test_every_piece_of_a_stream_is_made_in_the_name_of_its_caller() -> None:
    """However gRPC pulls them: here each in a context of its own, two calls in turns."""

    def told(_: object, __: object) -> Iterator[str]:
        yield callers.current().source
        yield callers.current().source

    handler: Any = grpc.unary_stream_rpc_method_handler(told)
    details: Any = SimpleNamespace(
        method="/rollbook.v1.EnrollmentService/X", invocation_metadata=()
    )

    def context(number: int) -> Any:
        peer = f"ipv4:192.0.2.{number}:1"
        return SimpleNamespace(peer=lambda: peer, add_callback=lambda _: True)

    with closing(IdleLimit(60, 1)) as limit, closing(Lines(9)) as lines:
        keys: Any = None  # none is asked for
        guard = Guard(keys, limit, lines, lambda *_: None)
        guarded = guard.intercept_service(lambda _: handler, details)
        calls = [guarded.stream_stream(iter([b""]), context(n)) for n in (1, 2)]
        pulled = [[Context().run(next, call) for call in calls] for _ in range(2)]
        for call in calls:
            assert Context().run(next, call, "the end") == "the end"
    assert pulled == [["192.0.2.1", "192.0.2.2"]] * 2
    assert callers.current() == Caller()


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("ipv4:192.0.2.7:50123", "192.0.2.7"),
        ("ipv6:%5B2001:db8::7%5D:50123", "2001:db8::7"),
        ("ipv6:[::1]:50123", "::1"),
        ("unix:", ""),
        ("", ""),
    ],
)
def test_a_source_is_an_address_without_its_port(peer: str, source: str) -> None:
    assert source_of(peer) == source
