"""Who asks for a rotation while one is not over waits in no line, and is told what there is."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from rollbook import FailedPreconditionError, ResourceExhaustedError
from rollbook.v1 import token_service_pb2 as messages
from rollbook.v1 import token_service_pb2_grpc
from rollbook_server import rotations
from rollbook_server.config import SEALING_KEY_NAME
from rollbook_server.rotations import Rotation, Rotations
from rollbook_server.sealing_keys import SealingKeys
from rollbook_server.storage.tokens import StoredTokens
from tokens.sealed import COUNT, LONG_SECONDS, call, document, fill_disk, key_ids, sealed_with
from uploads.wire import refusal, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook import AdminClient
    from running import Server
    from uploads.wire import Refusal

pytestmark = [pytest.mark.sqlite_only, pytest.mark.usefixtures("values")]

ALL = 2 * COUNT  # the tokens, and the answers that made them
ROTATE = "RotateSealingKey"


class Gate:
    """Stands before each token that is sealed anew, until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = Event(), Event()
        self._reseal = StoredTokens.reseal

    def reseal(self, *arguments: Any) -> None:
        self._wait()
        self._reseal(*arguments)

    def refuse(self, *_: object) -> None:
        """Find the disk full by then."""
        self._wait()
        fill_disk()

    def _wait(self) -> None:
        self.reached.set()
        assert self.opened.wait(LONG_SECONDS)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Give what no rotation passes until it is opened."""
    gate = Gate()

    def reseal(*arguments: Any) -> None:
        gate.reseal(*arguments)

    monkeypatch.setattr(StoredTokens, "reseal", reseal)
    yield gate
    gate.opened.set()


def test_who_asks_for_another_is_told_of_the_one_under_way_at_once(
    admin: AdminClient, server: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook_server.transport.token_servicer.PIECE_SECONDS", 0)
    first = call(admin, ROTATE, in_pieces=True)
    second = call(admin, ROTATE, in_pieces=True)
    assert (second.key_id, second.under_way) == (first.key_id, True)
    assert (first.joined, second.joined, second.resumed) == (False, True, False)
    gate.opened.set()
    done = admin.rotate_sealing_key()
    assert (done.key_id, done.joined, done.resealed_count) == (first.key_id, True, ALL)
    assert key_ids(server.data_dir) == [first.key_id]
    assert admin.rotate_sealing_key().key_id != first.key_id


def test_two_who_ask_at_once_make_one_key(
    admin: AdminClient, server: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook_server.transport.token_servicer.PIECE_SECONDS", 0)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(call, admin, ROTATE, in_pieces=True) for _ in range(8)]
        answers = [each.result() for each in asked]
    assert [each.joined for each in answers].count(False) == 1
    assert {each.key_id for each in answers} == {key_ids(server.data_dir)[-1]}
    assert len(key_ids(server.data_dir)) == 2
    assert not gate.opened.is_set()


def test_who_waits_for_the_end_is_answered_before_it_if_that_takes_long(
    admin: AdminClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook_server.transport.token_servicer.WHOLE_SECONDS", 0)
    answer = call(admin, ROTATE)
    assert (answer.under_way, answer.resealed_count, answer.total_count) == (True, 0, ALL)
    assert not gate.opened.is_set()


def test_a_caller_who_left_holds_no_thread(
    admin: AdminClient,
    gate: Gate,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rollbook_server.transport.token_servicer.WHOLE_SECONDS", 3_600)
    request = messages.RotateSealingKeyRequest()
    asked = admin._tokens.RotateSealingKey.future(request, metadata=admin._caller.metadata)
    assert gate.reached.wait(LONG_SECONDS)
    asked.cancel()
    until(lambda: "RotateSealingKey CANCELLED" in caplog.messages)  # the thread is done with it
    assert not gate.opened.is_set()


def stopped_half_way(server: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Refusal:
    """Let a server stop when one piece is sealed anew; gives what who waits for the end is told."""
    monkeypatch.setattr("rollbook_server.domain.resealing.TOKENS_AT_ONCE", 1)
    key = (("authorization", f"Bearer {server.api_key}"),)
    with grpc.insecure_channel(server.address) as channel, ThreadPoolExecutor(1) as pool:
        stub = token_service_pb2_grpc.TokenServiceStub(channel)
        asked = stub.RotateSealingKey.future(messages.RotateSealingKeyRequest(), metadata=key)
        assert gate.reached.wait(LONG_SECONDS)
        stopped = pool.submit(server.stop)
        until(server.app._rotations._stopping.is_set)
        gate.opened.set()
        stopped.result()
        error = asked.exception()
    assert isinstance(error, grpc.RpcError)
    return refusal(error)


def test_a_server_that_stops_ends_a_rotation_after_its_piece(
    server: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stopped_half_way(server, gate, monkeypatch)
    assert (told.code, told.reason, told.retries) == ("UNAVAILABLE", "SERVER_STOPPING", True)
    assert not alive()
    assert len(sealed_with(server.data_dir)) == len(key_ids(server.data_dir)) == 2


def test_the_next_start_goes_on_while_it_serves_and_tells_what_it_does(
    serve: Callable[..., Server],
    server: Server,
    values: dict[str, str],
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped_half_way(server, gate, monkeypatch)
    gate.opened.clear()
    newest = key_ids(server.data_dir)[-1]
    with serve().admin() as admin:
        monkeypatch.setattr("rollbook_server.transport.token_servicer.PIECE_SECONDS", 0)
        half = call(admin, ROTATE, key_id=newest, in_pieces=True)
        assert (half.resumed, half.under_way, half.joined) == (True, True, False)
        assert (half.resealed_count, half.total_count) == (0, ALL - 1)
        gate.opened.set()
        done = call(admin, ROTATE, key_id=newest)
        assert {each: admin.reveal_token(each) for each in values} == values
    assert (done.resumed, done.under_way, done.unreadable_count) == (True, False, 0)
    assert done.resealed_count == done.total_count == ALL - 1
    assert key_ids(server.data_dir) == [newest]


def alive() -> list[str]:
    """Give the threads of rotations that there are."""
    return [each.name for each in threading.enumerate() if each.name == "rollbook-rotation"]


def test_who_stops_does_not_wait_for_a_piece_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotations, "CLOSE_SECONDS", 0)
    go_on, ours = Event(), Rotations()

    def hang(*_: Any) -> int:
        assert go_on.wait(LONG_SECONDS)
        return 0

    begun = ours.begin("01", 1, hang, resumed=False)
    ours.close()
    assert begun.is_under_way(0)
    go_on.set()
    assert begun.join(LONG_SECONDS)


def test_who_stops_waits_for_the_piece_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    is_awaited, done, ours, join = Event(), list[str](), Rotations(), Rotation.join

    def reseal(*_: Any) -> int:
        assert is_awaited.wait(LONG_SECONDS)
        done.append("the piece")
        return 0

    def joined(rotation: Rotation, seconds: float) -> bool:
        is_awaited.set()
        return join(rotation, seconds)

    monkeypatch.setattr(Rotation, "join", joined)
    ours.begin("01", 1, reseal, resumed=False)
    ours.close()
    is_over = bool(done)
    is_awaited.set()
    assert is_over


def test_after_a_change_by_hand_all_is_sealed_anew_before_there_are_calls(
    serve: Callable[..., Server], server: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    found, await_end = document(server.data_dir), Rotation.await_end
    new = {"key_id": "0" * 8, "key": found["lookup_key"]}
    keys = json.dumps({**found, "sealing_keys": [*found["sealing_keys"], new]})
    (server.data_dir / SEALING_KEY_NAME).write_text(keys)

    def awaited(rotation: Rotation) -> None:
        gate.opened.set()
        await_end(rotation)

    monkeypatch.setattr(Rotation, "await_end", awaited)
    again = serve()
    assert sealed_with(again.data_dir) == {new["key_id"]}
    assert len(key_ids(again.data_dir)) == 2  # they are taken out by hand, too


def test_a_key_file_that_changes_meanwhile_is_not_written_over(
    admin: AdminClient, server: Server, gate: Gate
) -> None:
    path = server.data_dir / SEALING_KEY_NAME
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(call, admin, ROTATE)
        assert gate.reached.wait(LONG_SECONDS)
        changed = json.dumps(document(server.data_dir) | {"lookup_key": "A" * 43 + "="})
        path.write_text(changed)
        gate.opened.set()
        with pytest.raises(FailedPreconditionError, match="Start the server again"):
            asked.result()
    assert path.read_text() == changed


def test_one_that_broke_off_goes_on_with_its_key_for_who_asks_for_another(
    admin: AdminClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(StoredTokens, "reseal", fill_disk)
        with pytest.raises(ResourceExhaustedError):
            admin.rotate_sealing_key()
    newest = key_ids(server.data_dir)[-1]
    done = admin.rotate_sealing_key()
    assert (done.key_id, done.joined, done.resumed) == (newest, True, True)
    assert (done.resealed_count, done.total_count) == (ALL, ALL)
    assert key_ids(server.data_dir) == [newest]


def test_who_follows_one_that_broke_off_is_told_why_before_it_goes_on(
    admin: AdminClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook_server.transport.token_servicer.PIECE_SECONDS", 0)
    gate = Gate()
    with monkeypatch.context() as patched:
        patched.setattr(StoredTokens, "reseal", gate.refuse)
        key_id = call(admin, ROTATE, in_pieces=True).key_id
        gate.opened.set()
        rotation = server.app._rotations.of(key_id)
        assert rotation
        rotation.await_end()
    with pytest.raises(ResourceExhaustedError):
        call(admin, ROTATE, key_id=key_id, in_pieces=True)
    done = call(admin, ROTATE, key_id=key_id)
    assert (done.resumed, done.under_way, done.resealed_count) == (True, False, ALL)


def test_a_key_that_was_not_put_to_use_lets_no_old_one_go(
    admin: AdminClient, server: Server, values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file was written, and then the disk was full."""
    with monkeypatch.context() as patched:
        patched.setattr(SealingKeys, "_put_to_use", fill_disk)
        with pytest.raises(ResourceExhaustedError):
            admin.rotate_sealing_key()
    newest = key_ids(server.data_dir)[-1]
    assert sealed_with(server.data_dir) == {key_ids(server.data_dir)[0]}
    done = call(admin, ROTATE, key_id=newest)
    assert (done.resumed, done.resealed_count) == (True, ALL)
    assert sealed_with(server.data_dir) == {newest} == set(key_ids(server.data_dir))
    assert {each: admin.reveal_token(each) for each in values} == values
    events = admin.list_audit_events(action="RotateSealingKey")
    assert [each.resource_id for each in events] == [newest]
