"""Answers that are kept for the same request_id: readable by nobody else, and not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from raw_calls import unary
from rollbook import RollbookError as RefusedError
from rollbook.v1 import profile_service_pb2 as messages
from rollbook_server.domain.answers import KEPT
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.sealing import Sealer
from rollbook_server.sweeper import Sweeper
from uploads.wire import until

if TYPE_CHECKING:
    from rollbook import AdminClient
    from running import Server

SECRET = "correct horse battery"
OLD, NEW = (b"\0\0\0\1", b"o" * 32), (b"\0\0\0\2", b"n" * 32)


def sealer(*keys: tuple[bytes, bytes]) -> Sealer:
    return Sealer(b"l" * 32, dict(keys))


def test_a_sealed_answer_opens_for_its_request_only() -> None:
    sealed = sealer(OLD).seal_answer(b"answer", request_id="r-1", digest=b"d-1")
    assert b"answer" not in sealed
    rotated = sealer(OLD, NEW)
    assert rotated.unseal_answer(sealed, request_id="r-1", digest=b"d-1") == b"answer"
    for opener, request_id, digest in (
        (rotated, "r-2", b"d-1"),
        (rotated, "r-1", b"d-2"),
        (sealer(NEW), "r-1", b"d-1"),
    ):
        with pytest.raises(RollbookError) as caught:
            opener.unseal_answer(sealed, request_id=request_id, digest=digest)
        assert caught.value.reason is Reason.ANSWER_UNREADABLE
        assert "read what the request was about" in caught.value.message


def test_an_answer_cannot_stand_in_for_a_token() -> None:
    sealed = sealer(OLD).seal_answer(b"answer", request_id="tok-1", digest=b"")
    with pytest.raises(RollbookError, match="damaged or was moved"):
        sealer(OLD).unseal(sealed, token_id="tok-1", profile_id="")


def configured(admin: AdminClient, request_id: str) -> Any:
    """Make a profile whose answer repeats the password of a Wi-Fi network."""
    request = messages.CreateProfileRequest(name="Depot", request_id=request_id)
    request.configuration.system_extras.wifi_password = SECRET
    return unary(admin, admin._profiles.CreateProfile, request)


def change(server: Server, sql: str, *values: object) -> None:
    server.app._store.write(lambda roll: roll.profiles._database.execute_sql(sql, values))  # type: ignore[attr-defined]


def kept(server: Server) -> list[bytes]:
    def look(roll: Any) -> list[bytes]:
        rows = roll.profiles._database.execute_sql("SELECT answer FROM answers").fetchall()
        return [bytes(answer) for (answer,) in rows]

    return server.app._store.read(look)


def test_the_database_does_not_tell_what_was_answered(server: Server, admin: AdminClient) -> None:
    request_id = str(uuid4())
    first = configured(admin, request_id)
    assert first.profile.configuration.system_extras.wifi_password == SECRET
    [sealed] = kept(server)
    assert SECRET.encode() not in sealed
    assert b"Depot" not in sealed
    assert configured(admin, request_id) == first


def test_an_answer_that_cannot_be_opened_is_not_given_and_nothing_is_done(
    server: Server, admin: AdminClient
) -> None:
    request_id = str(uuid4())
    configured(admin, request_id)
    change(server, "UPDATE answers SET answer = ?", bytes(64))
    with pytest.raises(RefusedError) as caught:
        configured(admin, request_id)
    assert (caught.value.reason, caught.value.code) == ("ANSWER_UNREADABLE", "FAILED_PRECONDITION")
    assert [profile.name for profile in admin.list_profiles()] == ["Depot"]


def test_old_answers_leave_the_database_though_nobody_asks_for_any(
    server: Server, admin: AdminClient
) -> None:
    configured(admin, str(uuid4()))
    server.clock.turn(seconds=KEPT.total_seconds(), microseconds=1)
    sweeper = Sweeper(server.app._store, server.clock, every_seconds=0.001)
    until(lambda: not kept(server))
    sweeper.close()


def test_a_young_answer_stays(server: Server, admin: AdminClient) -> None:
    configured(admin, str(uuid4()))
    server.clock.turn(seconds=KEPT.total_seconds())
    change(server, "INSERT INTO answers VALUES ('old', ?, ?, 0)", b"", b"")
    server.app._sweeper.wake()
    until(lambda: len(kept(server)) == 1)
    assert kept(server) != [b""]
