"""A token's life: refreshed, extended, revoked, and what each value ever issued still opens."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from raw_calls import unary
from rollbook import (
    DeviceRow,
    EnrollOutcome,
    FailedPreconditionError,
    InvalidArgumentError,
    RollbookError,
    TokenState,
)
from rollbook.v1 import token_service_pb2 as messages
from rollbook_server import settings_check
from rollbook_server.config import Config, ConfigError
from rollbook_server.domain.tokens import TokenLimits
from running import Server, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook import AdminClient, EnrollmentAgent, Profile

IMEI = "35693803564380"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHANGES = ("RefreshToken", "ExtendToken", "RevokeToken")


@pytest.fixture
def profile(admin: AdminClient) -> Profile:
    made = admin.create_profile("Depot")
    admin.upload_rows(made.profile_id, [DeviceRow(imei=IMEI)])
    return made


def call(admin: AdminClient, method: str, **fields: Any) -> Any:
    request = getattr(messages, f"{method}Request")(**fields)
    return unary(admin, getattr(admin._tokens, method), request)


def opens(agent: EnrollmentAgent, value: str) -> bool:
    outcome = agent.enroll_device(token=value, imeis=[IMEI]).outcome
    assert outcome in (EnrollOutcome.REGISTERED, EnrollOutcome.SIGN_IN_REQUIRED)
    return outcome is EnrollOutcome.REGISTERED


@dataclass
class Issued:
    """What a naive model knows of one value."""

    value: str
    expires: datetime
    ends: datetime | None = None

    def works(self, now: datetime) -> bool:
        return now < self.expires and (self.ends is None or now < self.ends)


class TokenLife(RuleBasedStateMachine):
    """One profile, its clock, and a list of all values against the real server."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        data_dir = Path(self.folder.name) / "data"
        self.server = Server(Config(data_dir=data_dir, listen="127.0.0.1:0"))
        self.admin, self.agent = self.server.admin(), self.server.agent()
        self.profile_id = self.admin.create_profile("Depot").profile_id
        self.admin.upload_rows(self.profile_id, [DeviceRow(imei=IMEI)])
        self.issued: list[Issued] = []
        self.note_new()

    def note_new(self) -> None:
        value = self.admin.reveal_token(self.profile_id)
        self.issued.append(Issued(value, self.now + 7 * DAY))

    @property
    def now(self) -> datetime:
        return self.server.clock.now

    @property
    def is_revoked(self) -> bool:
        ends = self.issued[-1].ends
        return ends is not None and ends <= self.now

    def end_all(self, instant: datetime) -> None:
        for each in self.issued:
            each.ends = instant if each.ends is None else min(each.ends, instant)

    @rule(overlap=st.none() | st.timedeltas(timedelta(0), DAY))
    def refresh(self, overlap: timedelta | None) -> None:
        token = self.admin.refresh_token(self.profile_id, overlap=overlap)
        self.end_all(self.now + (overlap or timedelta(0)))
        self.note_new()
        assert (token.state, token.create_time) == (TokenState.ACTIVE, self.now)
        assert token.expire_time == self.issued[-1].expires

    @rule(days=st.integers(7, 99))
    def extend(self, days: int) -> None:
        last = self.issued[-1]
        if self.is_revoked:
            with pytest.raises(FailedPreconditionError, match="revoked"):
                self.admin.extend_token(self.profile_id, days)
            return
        last.expires = max(last.expires, self.now + days * DAY)
        token = self.admin.extend_token(self.profile_id, days)
        assert (token.state, token.expire_time) == (TokenState.ACTIVE, last.expires)

    @rule()
    def revoke(self) -> None:
        self.end_all(self.now)
        assert self.admin.revoke_token(self.profile_id).state is TokenState.REVOKED

    @rule(ahead=st.sampled_from([timedelta(microseconds=1), HOUR, DAY, 7 * DAY, 40 * DAY]))
    def wait(self, ahead: timedelta) -> None:
        self.server.clock.now += ahead

    @precondition(lambda self: any(each.works(self.now) for each in self.issued))
    @rule(data=st.data())
    def wait_for_the_end_of_one(self, data: st.DataObject) -> None:
        alive = [each for each in self.issued if each.works(self.now)]
        one = data.draw(st.sampled_from(alive))
        end = min(one.expires, one.ends or one.expires)
        self.server.clock.now = end - timedelta(microseconds=1)
        assert opens(self.agent, one.value)
        self.server.clock.now = end

    @invariant()
    def every_value_ever_issued_opens_what_it_should(self) -> None:
        told = [opens(self.agent, each.value) for each in self.issued]
        assert told == [each.works(self.now) for each in self.issued]

    @invariant()
    def the_token_shown_is_the_last_one(self) -> None:
        last = self.issued[-1]
        works = TokenState.ACTIVE if last.works(self.now) else TokenState.EXPIRED
        shown = self.admin.get_token(self.profile_id)
        assert shown.state is (TokenState.REVOKED if self.is_revoked else works)
        assert shown.expire_time == last.expires
        assert (self.admin.get_profile_with_token(self.profile_id))[1] == shown

    def teardown(self) -> None:
        self.admin.close()
        self.agent.close()
        self.server.stop()
        self.folder.cleanup()


TokenLife.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
TestEveryTokenLife = TokenLife.TestCase


@pytest.mark.parametrize("how", ["refresh", "revoke", "revoke all"])
def test_a_clock_that_is_set_back_brings_no_voided_token_to_life(
    server: Server, admin: AdminClient, agent: EnrollmentAgent, profile: Profile, how: str
) -> None:
    value = admin.reveal_token(profile.profile_id)
    {
        "refresh": lambda: admin.refresh_token(profile.profile_id),
        "revoke": lambda: admin.revoke_token(profile.profile_id),
        "revoke all": admin.revoke_all_tokens,
    }[how]()
    server.clock.turn(days=-30)
    assert not opens(agent, value)
    server.clock.turn(days=30)
    assert not opens(agent, value)


@pytest.mark.parametrize(("days", "reason"), [
    (0, "TOKEN_DAYS_MISSING"), (-1, "TOKEN_DAYS_NEGATIVE"), (-(2**31), "TOKEN_DAYS_NEGATIVE"),
    (1, "TOKEN_DAYS_TOO_FEW"), (6, "TOKEN_DAYS_TOO_FEW"),
    (100, "TOKEN_DAYS_TOO_MANY"), (2**31 - 1, "TOKEN_DAYS_TOO_MANY"),
])  # fmt: skip
def test_days_out_of_bounds_have_each_their_reason(
    admin: AdminClient, profile: Profile, days: int, reason: str
) -> None:
    before = admin.get_token(profile.profile_id)
    with pytest.raises(InvalidArgumentError) as caught:
        admin.extend_token(profile.profile_id, days)

    assert (caught.value.reason, caught.value.metadata) == (reason, {"fewest": "7", "most": "99"})
    assert "7 to 99 days" in caught.value.message
    assert admin.get_token(profile.profile_id) == before


@pytest.mark.parametrize("days", [7, 99])
def test_the_bounds_themselves_are_allowed(
    server: Server, admin: AdminClient, profile: Profile, days: int
) -> None:
    server.clock.turn(days=30)
    token = admin.extend_token(profile.profile_id, days)

    assert (token.state, token.expire_time) == (TokenState.ACTIVE, server.clock.now + days * DAY)


def test_an_expiry_never_comes_earlier(admin: AdminClient, profile: Profile) -> None:
    late = admin.extend_token(profile.profile_id, 99).expire_time
    assert admin.extend_token(profile.profile_id, 7).expire_time == late


def test_a_revoked_token_cannot_be_extended(admin: AdminClient, profile: Profile) -> None:
    revoked = admin.revoke_token(profile.profile_id)
    with pytest.raises(FailedPreconditionError) as caught:
        admin.extend_token(profile.profile_id, 7)

    assert caught.value.reason == "TOKEN_IS_REVOKED"
    assert admin.revoke_token(profile.profile_id) == revoked
    assert admin.get_token(profile.profile_id) == revoked


OVERLAPS = {
    "negative": Duration(seconds=-1),
    "a nanosecond below 0": Duration(nanos=-1),
    "a nanosecond above 24 hours": Duration(seconds=86400, nanos=1),
    "25 hours": Duration(seconds=25 * 3600),
    "signs that differ": Duration(seconds=1, nanos=-1),
    "too many nanoseconds": Duration(nanos=10**9),
    "10,001 years": Duration(seconds=315_576_000_001),
    "the largest number": Duration(seconds=2**63 - 1),
    "the smallest number": Duration(seconds=-(2**63)),
}


@pytest.mark.parametrize("overlap", OVERLAPS.values(), ids=OVERLAPS)
def test_an_overlap_that_cannot_be_is_refused_and_the_old_token_stays(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile, overlap: Duration
) -> None:
    value = admin.reveal_token(profile.profile_id)
    with pytest.raises(InvalidArgumentError) as caught:
        call(admin, "RefreshToken", profile_id=profile.profile_id, overlap=overlap)

    assert caught.value.reason == "TOKEN_OVERLAP_INVALID"
    assert admin.reveal_token(profile.profile_id) == value
    assert opens(agent, value)


def test_an_overlap_does_not_bring_a_revoked_or_expired_token_back(
    server: Server, admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    revoked = admin.reveal_token(profile.profile_id)
    admin.revoke_token(profile.profile_id)
    admin.refresh_token(profile.profile_id, overlap=DAY)
    expired = admin.reveal_token(profile.profile_id)
    server.clock.turn(days=7)
    admin.refresh_token(profile.profile_id, overlap=DAY)

    assert [opens(agent, value) for value in (revoked, expired)] == [False, False]


def test_uses_of_an_old_token_are_not_counted_for_the_new_one(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    old = admin.reveal_token(profile.profile_id)
    admin.refresh_token(profile.profile_id, overlap=HOUR)
    assert opens(agent, old)
    assert admin.get_token(profile.profile_id).use_count == 0


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_that_comes_again_gets_the_stored_answer(
    server: Server, admin: AdminClient, profile: Profile, method: str
) -> None:
    fields: dict[str, Any] = {"profile_id": profile.profile_id, "request_id": str(uuid4())}
    fields |= {"days": 30} if method == "ExtendToken" else {}
    first = call(admin, method, **fields)
    server.clock.turn(days=1)
    after = admin.get_token(profile.profile_id)

    assert call(admin, method, **fields) == first
    assert admin.get_token(profile.profile_id) == after
    with pytest.raises(InvalidArgumentError) as caught:
        call(admin, method, **{**fields, "profile_id": "prf-0"})
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_no_code_is_drawn_of_a_revoked_token_and_a_refreshed_one_draws_another(
    admin: AdminClient, profile: Profile
) -> None:
    before = admin.generate_qr_code(profile.profile_id).payload
    admin.revoke_token(profile.profile_id)
    with pytest.raises(FailedPreconditionError) as caught:
        admin.generate_qr_code(profile.profile_id)
    admin.refresh_token(profile.profile_id)

    assert caught.value.reason == "TOKEN_IS_REVOKED"
    after = admin.generate_qr_code(profile.profile_id).payload
    assert admin.reveal_token(profile.profile_id) in after
    assert after != before


def test_the_bounds_are_settings(serve: Callable[..., Server]) -> None:
    limits = TokenLimits(default_days=2, fewest_days=1, most_days=3, longest_overlap=HOUR)
    server = serve(token_limits=limits)
    with server.admin() as admin:
        profile_id = admin.create_profile("Depot").profile_id
        assert admin.get_token(profile_id).expire_time == server.clock.now + 2 * DAY
        assert admin.extend_token(profile_id, 3).expire_time == server.clock.now + 3 * DAY
        assert admin.refresh_token(profile_id).expire_time == server.clock.now + 2 * DAY
        with pytest.raises(RollbookError, match="1 to 3 days"):
            admin.extend_token(profile_id, 4)
        with pytest.raises(RollbookError, match="0 to 1 hours"):
            admin.refresh_token(profile_id, overlap=2 * HOUR)


@pytest.mark.parametrize(
    "days", [(7, 8, 99), (7, 7, 6), (0, 0, 99), (7, -1, 99), (100, 7, 99), (7, 7, 3651)]
)
def test_bounds_that_contradict_each_other_are_refused(
    tmp_path: Path, days: tuple[int, int, int]
) -> None:
    with pytest.raises(ConfigError, match="--token-min-days"):
        settings_check.check(Config(data_dir=tmp_path, token_limits=TokenLimits(*days)))


def test_the_options_of_serve_reach_tokens_and_profiles(tmp_path: Path) -> None:
    days = ("--token-default-days", "2", "--token-min-days", "1", "--token-max-days", "3")
    process = ServerProcess(tmp_path / "data", *days, "--allow-csv-profile-edit").start()
    try:
        with process.admin() as admin:
            made = admin.create_profile("Depot")
            with pytest.raises(InvalidArgumentError, match="1 to 3 days"):
                admin.extend_token(made.profile_id, 4)
            token = admin.get_token(made.profile_id)
            assert admin.update_profile(made.profile_id, name="Lager").name == "Lager"
    finally:
        process.kill()
    assert token.create_time is not None
    assert token.expire_time == token.create_time + 2 * DAY
