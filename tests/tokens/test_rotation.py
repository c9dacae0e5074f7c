"""A new sealing key takes over while the server serves, and no token is unreadable half way."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from databases import DATABASES
from rollbook import (
    EnrollOutcome,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
    SealingKeyRotation,
)
from rollbook_server import sealing_file
from rollbook_server.config import SEALING_KEY_NAME
from rollbook_server.domain import clock, tokens
from rollbook_server.key_files import KeyFileError
from rollbook_server.storage.tokens import StoredTokens
from tokens.rotating import opened
from tokens.sealed import COUNT, LONG_SECONDS, call, document, fill_disk, key_ids, sealed_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Server

pytestmark = pytest.mark.sqlite_only  # where other servers seal, it is refused

IMEI = "356938035643809"
# Where a rotation dies, in its order: at which passing of which seam.
MOMENTS = [
    ("before replace", 1),  # nothing was done
    ("after _write_durably", 1),  # the new file lies beside the old one
    ("after replace", 1),  # the new key is kept, and seals nothing yet
    ("after put_to_use", 1),
    ("before reseal", 1),
    ("after reseal", 2),  # a piece is done and not committed
    ("after reseal", 3),  # the first piece is committed
    ("after reseal", COUNT + 1),  # all tokens, and the first answer
    ("after reseal", 2 * COUNT),
    ("before replace", 2),  # all is sealed anew
    ("after _write_durably", 2),
    ("after replace", 2),  # the old key is gone
]


def revealed(folder: Path) -> dict[str, str]:
    """Start over in the data directory, and give the tokens that it holds by then."""
    store, keys = opened(folder, DATABASES.url(folder))
    try:
        keys.finish()
        assert not keys.rotation(key_ids(folder)[-1], clock.now()).is_under_way(LONG_SECONDS)
        found = store.read(lambda roll: roll.tokens.sealed_otherwise(b"?", after="", limit=99))
        assert sealed_with(folder) == set(key_ids(folder)) == {keys.sealer.mark[1:].hex()}
        return {each.profile_id: tokens.value_of(each, keys.sealer) for each in found}
    finally:
        store.close()


@pytest.mark.parametrize(("seam", "passes"), MOMENTS)
def test_killed_at_any_moment_it_is_finished_at_the_next_start(
    server: Server, values: dict[str, str], seam: str, passes: int
) -> None:
    before = key_ids(server.data_dir)
    server.stop()
    database = DATABASES.url(server.data_dir)
    what = (str(server.data_dir), seam, str(passes), database)
    command = [sys.executable, "-m", "tokens.rotating", *what]
    killed = subprocess.run(command, cwd=Path(__file__).parents[1], check=False)

    assert killed.returncode == -signal.SIGKILL
    assert revealed(server.data_dir) == values
    assert len(key_ids(server.data_dir)) == 1
    begun = (seam, passes) not in MOMENTS[:2]
    assert (key_ids(server.data_dir) != before) == begun
    told = "SELECT resource_id FROM audit_events WHERE action = 'RotateSealingKey'"
    events = [key_id for (key_id,) in DATABASES.query(server.data_dir, told)]
    assert events == (key_ids(server.data_dir) if begun else [])
    assert (server.data_dir / SEALING_KEY_NAME).stat().st_mode & 0o777 == 0o600


def test_while_it_goes_on_everybody_is_served(
    server: Server, values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook_server.domain.resealing.TOKENS_AT_ONCE", 1)
    over, failed = Event(), []

    def look_on() -> None:
        with server.admin() as admin, server.agent() as agent:
            while not over.is_set():
                for profile_id, value in values.items():
                    failed.append(admin.reveal_token(profile_id) != value)
                answer = agent.enroll_device(token=next(iter(values.values())), imeis=[IMEI])
                failed.append(answer.outcome is not EnrollOutcome.NOT_REGISTERED)
                admin.create_profile(str(uuid4()))

    onlookers = [Thread(target=look_on) for _ in range(2)]
    with server.admin() as admin:
        for each in onlookers:
            each.start()
        done = [admin.rotate_sealing_key() for _ in range(5)]
        over.set()
        for each in onlookers:
            each.join()
        newest = admin.rotate_sealing_key()
    assert failed
    assert not any(failed)
    assert all(each.resealed_count >= len(values) for each in done)
    assert key_ids(server.data_dir) == [newest.key_id]
    assert sealed_with(server.data_dir) == {newest.key_id}


def test_whoever_follows_a_rotation_is_told_how_far_it_is(
    server: Server, values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook_server.transport.token_servicer.PIECE_SECONDS", 0)
    told, go_on = list[SealingKeyRotation](), Event()
    reseal = StoredTokens.reseal

    def wait(*arguments: Any) -> None:
        assert go_on.wait(LONG_SECONDS)
        reseal(*arguments)

    def note(step: SealingKeyRotation) -> None:
        told.append(step)
        go_on.set()

    monkeypatch.setattr(StoredTokens, "reseal", wait)
    with server.admin() as admin:
        done = admin.rotate_sealing_key(progress=note)
    total = 2 * len(values)  # the tokens, and the answers that made them
    assert (told[0].resealed_count, told[0].total_count) == (0, total)
    assert (done.resealed_count, done.total_count) == (total, total)
    assert told[-1] == done
    assert {step.key_id for step in told} == {done.key_id}
    counts = [step.resealed_count for step in told]
    assert counts == sorted(counts)


def test_a_rotation_goes_on_when_nobody_follows_it_any_more(
    server: Server, values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook_server.transport.token_servicer.PIECE_SECONDS", 0)

    def leave(_: SealingKeyRotation) -> None:
        raise KeyboardInterrupt

    with server.admin() as admin, pytest.raises(KeyboardInterrupt):
        admin.rotate_sealing_key(progress=leave)
    (rotation,) = server.app._rotations._by_key.values()
    rotation.await_end()
    assert rotation.resealed_count == 2 * len(values)
    assert key_ids(server.data_dir) == [rotation.key_id]


def test_of_a_rotation_before_the_start_it_is_known_that_it_is_over(
    server: Server, serve: Callable[..., Server], values: dict[str, str]
) -> None:
    assert values
    with server.admin() as admin:
        key_id = admin.rotate_sealing_key().key_id
    server.stop()
    with serve().admin() as admin:
        answer = call(admin, "RotateSealingKey", key_id=key_id, in_pieces=True)
    assert (answer.key_id, answer.under_way) == (key_id, False)
    assert key_ids(server.data_dir) == [key_id]


def test_whoever_follows_a_rotation_is_told_of_no_other(
    server: Server, values: dict[str, str]
) -> None:
    with server.admin() as admin:
        first, second = admin.rotate_sealing_key(), admin.rotate_sealing_key()
        answer = call(admin, "RotateSealingKey", key_id=first.key_id, in_pieces=True)
        assert (answer.key_id, answer.resealed_count) == (first.key_id, 2 * len(values))
        with pytest.raises(InvalidArgumentError, match="no rotation that this server knows"):
            call(admin, "RotateSealingKey", key_id="0" * 8, in_pieces=True)
    assert key_ids(server.data_dir) == [second.key_id]


def test_a_rotation_that_broke_off_at_the_start_goes_on_for_who_follows_it(
    server: Server,
    serve: Callable[..., Server],
    values: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched, server.admin() as admin:
        patched.setattr(StoredTokens, "reseal", fill_disk)
        with pytest.raises(ResourceExhaustedError):
            admin.rotate_sealing_key()
        server.stop()
        again = serve()
    newest = key_ids(again.data_dir)[-1]
    with again.admin() as admin:
        answer = call(admin, "RotateSealingKey", key_id=newest)
    assert (answer.key_id, answer.under_way) == (newest, False)
    assert answer.resealed_count == 2 * len(values)
    assert key_ids(again.data_dir) == [newest]


def test_an_answer_is_given_again_after_a_rotation(server: Server, values: dict[str, str]) -> None:
    request_id, profile_id = str(uuid4()), next(iter(values))
    with server.admin() as admin:
        first = call(admin, "RefreshToken", profile_id=profile_id, request_id=request_id)
        admin.rotate_sealing_key()
        assert call(admin, "RefreshToken", profile_id=profile_id, request_id=request_id) == first


def test_a_reader_who_came_before_the_rotation_reads_on(
    server: Server, values: dict[str, str]
) -> None:
    profile_id, value = next(iter(values.items()))
    store = server.app._store
    before = store.read(lambda roll: roll.tokens.current(profile_id))
    assert before is not None
    with server.admin() as admin:
        admin.rotate_sealing_key()
    assert tokens.value_of(before, server.app._sealing.sealer) == value


def test_what_cannot_be_opened_stays_and_hinders_nothing(
    server: Server, values: dict[str, str]
) -> None:
    damaged, *others = values
    store = server.app._store
    token = store.read(lambda roll: roll.tokens.current(damaged))
    assert token is not None
    otherwise = token.sealed_value[:-1] + bytes([token.sealed_value[-1] ^ 1])
    store.write(lambda roll: roll.tokens.reseal(token.token_id, otherwise))
    with server.admin() as admin:
        done = admin.rotate_sealing_key()
        assert (done.unreadable_count, done.total_count - done.resealed_count) == (1, 1)
        with pytest.raises(FailedPreconditionError, match="damaged"):
            admin.reveal_token(damaged)
        assert {each: admin.reveal_token(each) for each in others} == {
            each: values[each] for each in others
        }


def test_a_full_disk_leaves_both_keys_and_the_next_start_goes_on(
    server: Server,
    serve: Callable[..., Server],
    values: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched, server.admin() as admin:
        patched.setattr(StoredTokens, "reseal", fill_disk)
        with pytest.raises(ResourceExhaustedError) as caught:
            admin.rotate_sealing_key()
        assert caught.value.reason == "STORE_FULL"
        assert {each: admin.reveal_token(each) for each in values} == values
    assert len(key_ids(server.data_dir)) == 2
    server.stop()
    again = serve()
    with again.admin() as admin:
        assert {each: admin.reveal_token(each) for each in values} == values
    assert len(key_ids(again.data_dir)) == 1


def test_a_key_file_that_somebody_else_changed_is_not_written_over(
    server: Server, values: dict[str, str]
) -> None:
    path = server.data_dir / SEALING_KEY_NAME
    for content in (json.dumps(document(server.data_dir) | {"lookup_key": "A" * 43 + "="}), ""):
        path.write_text(content)
        with server.admin() as admin:
            with pytest.raises(FailedPreconditionError) as caught:
                admin.rotate_sealing_key()
            assert caught.value.reason == "SEALING_KEYS_FIXED"
            assert admin.reveal_token(next(iter(values)))
        assert path.read_text() == content


def test_keys_from_the_environment_are_rotated_by_hand(
    server: Server, serve: Callable[..., Server], values: dict[str, str]
) -> None:
    server.stop()
    (old,) = document(server.data_dir)["sealing_keys"]
    new = {"key_id": "0" * len(old["key_id"]), "key": document(server.data_dir)["lookup_key"]}
    lookup = {"format": 1, "lookup_key": document(server.data_dir)["lookup_key"]}
    (server.data_dir / SEALING_KEY_NAME).unlink()

    # Retiring is as it was copied from a key file: nobody but its owner can let it go.
    for keys in ([old], [{**old, "retiring": True}, new], [old, new], [new]):
        serving = serve(sealing_keys=json.dumps({**lookup, "sealing_keys": keys}))
        with serving.admin() as admin:
            assert {each: admin.reveal_token(each) for each in values} == values
            with pytest.raises(FailedPreconditionError, match="ROLLBOOK_SEALING_KEY") as caught:
                admin.rotate_sealing_key()
        assert caught.value.reason == "SEALING_KEYS_FIXED"
        assert sealed_with(serving.data_dir) == {keys[-1]["key_id"]}
        serving.stop()
    assert not (server.data_dir / SEALING_KEY_NAME).exists()


def test_the_page_tells_how_a_key_is_made(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    (command,) = re.findall(r"^python3 (-c '.*)$", page, re.MULTILINE)
    made = subprocess.check_output([sys.executable, *shlex.split(command)], text=True)
    path = tmp_path / SEALING_KEY_NAME
    before = sealing_file.load_or_create(path)
    there = document(tmp_path)
    there["sealing_keys"].insert(0, json.loads(made))
    path.write_text(json.dumps(there))
    assert sealing_file.load_or_create(path).keys[1:] == before.keys


@pytest.mark.parametrize("content", ["{", "rbk_key", '{"format": 2}'])
def test_a_damaged_environment_is_refused_without_showing_it(
    serve: Callable[..., Server], content: str
) -> None:
    with pytest.raises(KeyFileError, match="ROLLBOOK_SEALING_KEY is damaged") as caught:
        serve(sealing_keys=content)
    assert content not in str(caught.value)
