"""No answer, and nothing that is done for it, tells why a token was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from guessing.depot import CLOSED_IMEI, LIMITS, Depot
from rollbook.v1 import enrollment_service_pb2 as messages
from rollbook_server.domain.token_values import new_value
from rollbook_server.domain.tokens import Token
from rollbook_server.storage.tokens import StoredTokens

if TYPE_CHECKING:
    import pytest

METHOD = "/rollbook.v1.EnrollmentService/EnrollDevice"
# Else the server makes up another name for each call, and sends it back.
NAMED = (("x-request-id", "the-same"),)


def wrong_tokens(depot: Depot) -> dict[str, str]:
    """Give one of every kind: unknown, revoked, refreshed, expired."""
    found = {"unknown": new_value()}
    for kind in ("revoked", "refreshed", "expired"):
        profile = depot.admin.create_profile(kind).profile_id
        found[kind] = depot.admin.reveal_token(profile)
        if kind == "revoked":
            depot.admin.revoke_token(profile)
        elif kind == "refreshed":
            depot.admin.refresh_token(profile)
    depot.server.clock.turn(days=8)
    return found


def wire(channel: grpc.Channel, token: str) -> tuple[Any, ...]:
    """Give all that arrives: bytes or status, and the metadata before and after."""
    request = messages.EnrollDeviceRequest(token=token, imeis=[CLOSED_IMEI])
    call: Any = channel.unary_unary(METHOD)
    try:
        answer, done = call.with_call(request.SerializeToString(), metadata=NAMED)
    except grpc.RpcError as error:
        answer, done = None, error
    return (answer, done.code(), done.details(),
            tuple(done.initial_metadata()), tuple(done.trailing_metadata()))  # fmt: skip


def test_wrong_tokens_are_answered_alike_to_the_last_byte_before_the_limit_and_at_it(
    depot: Depot,
) -> None:
    kinds = wrong_tokens(depot)
    with grpc.insecure_channel(depot.server.address) as channel:
        answers = {kind: wire(channel, token) for kind, token in kinds.items()}
        assert len(set(answers.values())) == 1
        expected = messages.EnrollDeviceResponse(
            outcome=messages.ENROLL_OUTCOME_SIGN_IN_REQUIRED, sign_in_available=True
        )
        assert answers["unknown"][0] == expected.SerializeToString()

        depot.server.clock.turn(hours=1)
        depot.guess_tokens(LIMITS.wrong_tokens)
        held = {kind: wire(channel, token) for kind, token in kinds.items()}
    assert len(set(held.values())) == 1
    assert held["unknown"][1] is grpc.StatusCode.UNAVAILABLE


def test_wrong_tokens_take_the_same_road_before_the_limit_and_at_it(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot.server.app._sweeper.close()  # whose statements would be taken for ours
    kinds = wrong_tokens(depot)
    database, done = depot.server.app._store._database, list[str]()
    run: Any = database.execute_sql

    def noting(sql: str, *rest: Any, **more: Any) -> Any:
        done.append(sql)
        return run(sql, *rest, **more)

    def road(token: str) -> tuple[Any, ...]:
        done.clear()
        before = depot.server.app._witness._refusals._strangers._told.total()
        depot.enroll(token=token, imeis=[CLOSED_IMEI])
        told = depot.server.app._witness._refusals._strangers._told.total() - before
        return told, tuple(sql for sql in done if "checkpoint" not in sql and "BEGIN" not in sql)

    monkeypatch.setattr(database, "execute_sql", noting)
    roads = {road(token) for token in kinds.values()}
    assert len(roads) == 1
    assert len(done) > 3
    depot.server.clock.turn(hours=1)
    depot.guess_tokens(LIMITS.wrong_tokens + 5)
    depot.settle()
    assert len({road(token) for token in kinds.values()}) == 1


def test_a_token_is_read_and_thrown_away_where_there_is_none(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds, read = wrong_tokens(depot), list[Any]()
    real = StoredTokens._first

    def first(tokens: StoredTokens, *query: Any) -> Any:
        read.append(real(tokens, *query))
        return read[-1]

    monkeypatch.setattr(StoredTokens, "_first", first)
    assert {depot.enroll(token=token, imeis=[CLOSED_IMEI]) for token in kinds.values()} == {
        "SIGN_IN_REQUIRED"
    }
    assert [type(each) for each in read] == [Token] * len(kinds)
    assert len({each.token_id for each in read}) == len(kinds) - 1  # the newest for another one
