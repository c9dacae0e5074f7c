"""ExplainMatch says what EnrollDevice would do, does nothing, and names what comes near."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.calls import imei
from rollbook import DeviceRow, EnrollOutcome, MatchExplanation, MatchRule

if TYPE_CHECKING:
    from rollbook import AdminClient, EnrollmentAgent
    from running import Server

MINE = DeviceRow("356938035643809", "490154203237518", "R58M123ABC", "Samsung")
THEIRS = DeviceRow("353918058114899", "", "ZX1G42", "motorola")
OPEN = DeviceRow(imei(1), "", "OPEN1", "Nokia")
WRONG_TOKEN = "7K3M-Q9XT-2AV4"


@dataclass
class House:
    """Three profiles, one of them tokenless, and their tokens."""

    server: Server
    admin: AdminClient
    agent: EnrollmentAgent
    ids: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, row, tokenless in (
            ("Mine", MINE, False),
            ("Theirs", THEIRS, False),
            ("Open", OPEN, True),
        ):
            profile_id = self.admin.create_profile(name, tokenless=tokenless).profile_id
            self.ids.append(profile_id)
            self.admin.create_devices(profile_id, [row])
            if not tokenless:
                self.tokens[name] = self.admin.reveal_token(profile_id)
        self.tokens |= {"": "", "wrong": WRONG_TOKEN, "nonsense": "?"}

    def state(self) -> list[Any]:
        tokens = [self.admin.get_token(each) for each in self.ids[:2]]
        return [*self.admin.list_profiles(), *self.admin.list_devices(), *tokens]

    def explain(self, **presented: Any) -> MatchExplanation:
        before = self.state()
        told = self.admin.explain_match(**presented)
        assert self.state() == before
        assert len(told.near_misses) <= 10
        ids = [miss.device.device_id for miss in told.near_misses]
        assert len(set(ids)) == len(ids)
        return told


@pytest.fixture
def house(server: Server, admin: AdminClient, agent: EnrollmentAgent) -> House:
    return House(server, admin, agent)


VALUES = {
    name: [getattr(row, name) for row in (MINE, THEIRS, OPEN)] + ["", "wrong", imei(77)]
    for name in ("serial_number", "manufacturer")
}
IMEIS = [MINE.imei, MINE.imei2, THEIRS.imei, OPEN.imei, imei(77), "356938035643808", "x", ""]


@pytest.mark.parametrize("expired", [False, True])
def test_it_never_differs_from_enrolling(house: House, *, expired: bool) -> None:
    if expired:
        house.server.clock.turn(days=8)

    @given(
        st.sampled_from(sorted(house.tokens)),
        st.lists(st.sampled_from(IMEIS), max_size=3),
        st.sampled_from(VALUES["serial_number"]),
        st.sampled_from(VALUES["manufacturer"]),
    )
    def hold(token: str, imeis: list[str], serial: str, maker: str) -> None:
        presented: dict[str, Any] = {
            "token": house.tokens[token],
            "imeis": imeis,
            "manufacturer": maker,
        }
        told = house.explain(serial_number=serial, **presented)
        done = house.agent.enroll_device(serial_number=serial, **presented)
        assert told.outcome is done.outcome
        assert (told.device.device_id if told.device else "") == done.device_id
        registered = done.outcome is EnrollOutcome.REGISTERED
        assert (told.rule in ("IMEI", "SERIAL_AND_MANUFACTURER")) == registered
        assert (told.rule == "TOKEN") == (done.outcome is EnrollOutcome.SIGN_IN_REQUIRED)

    hold()


def test_the_rule_that_decides_is_named(house: House) -> None:
    token = house.tokens["Mine"]
    by_imei = house.explain(token=token, imeis=[MINE.imei2], serial_number="x")
    assert (by_imei.rule, by_imei.near_misses) == (MatchRule.IMEI, ())
    by_serial = house.explain(token=token, serial_number="R58M123ABC", manufacturer="SAMSUNG")
    assert by_serial.rule is MatchRule.SERIAL_AND_MANUFACTURER
    assert by_serial.device == by_imei.device
    nothing = house.explain()
    assert (nothing.outcome, nothing.rule) == (EnrollOutcome.NOT_REGISTERED, MatchRule.NONE)
    assert (nothing.device, nothing.near_misses) == (None, ())


NEAR: list[tuple[dict[str, Any], str, DeviceRow, list[str], list[str], str]] = [
    # The seed's row 4: serial number right, manufacturer wrong.
    (
        {"imeis": [imei(987654)], "serial_number": MINE.serial_number, "manufacturer": "Sony"},
        *(
            "Mine",
            MINE,
            ["serial_number"],
            ["imei", "manufacturer"],
            "its manufacturer is 'Samsung'",
        ),
    ),
    (
        {"serial_number": MINE.serial_number},
        *("Mine", MINE, ["serial_number"], [], "no manufacturer was presented"),
    ),
    (
        {"serial_number": "r58m123abc", "manufacturer": "Samsung"},
        *("Mine", MINE, ["manufacturer"], ["serial_number"], "upper and lower case"),
    ),
    ({"imeis": ["356938035643817"]}, "Mine", MINE, [], ["imei"], "in one digit"),
    ({"imeis": ["35693803564830"]}, "Mine", MINE, [], ["imei"], "neighbouring digits"),
    ({"imeis": ["490154203237517"]}, "Mine", MINE, [], ["imei2"], "another check digit"),
    ({"imeis": ["49015420323752"]}, "Mine", MINE, [], ["imei2"], "in one digit"),
    ({"imeis": [MINE.imei]}, "Theirs", MINE, ["imei"], ["token"], "not that of its profile 'Mine'"),
    ({"imeis": [MINE.imei]}, "", MINE, ["imei"], ["token"], "wants a token; none was presented"),
    ({"imeis": [MINE.imei]}, "wrong", MINE, ["imei"], ["token"], "this token is unknown"),
    ({"imeis": [OPEN.imei]}, "Mine", OPEN, ["imei"], ["token"], "takes no token"),
    ({"imeis": [OPEN.imei]}, "wrong", OPEN, ["imei"], ["token"], "would match without a token"),
    (
        {"serial_number": MINE.serial_number, "manufacturer": "samsung"},
        *(
            "wrong",
            MINE,
            ["serial_number", "manufacturer"],
            ["token"],
            "would match with its token",
        ),
    ),
]


@pytest.mark.parametrize(("presented", "token", "near", "same", "other", "text"), NEAR)
def test_what_comes_near_is_named_with_the_reason(
    house: House,
    *,
    presented: dict[str, Any],
    token: str,
    near: DeviceRow,
    same: list[str],
    other: list[str],
    text: str,
) -> None:
    told = house.explain(token=house.tokens[token], **presented)
    assert told.device is None
    (miss,) = told.near_misses
    assert miss.device.imei == near.imei[:14]
    assert [*miss.matching_fields] == same
    assert sorted(miss.differing_fields) == sorted(other)
    assert text in miss.message


def test_both_devices_of_an_ambiguous_match_are_named(house: House) -> None:
    told = house.explain(token=house.tokens["Mine"], imeis=[MINE.imei, THEIRS.imei])
    assert (told.rule, told.device) == (MatchRule.AMBIGUOUS, None)
    assert {miss.device.imei for miss in told.near_misses} == {MINE.imei[:14], THEIRS.imei[:14]}


def test_an_expired_token_is_told_apart_from_an_unknown_one(house: House) -> None:
    house.server.clock.turn(days=8)
    told = house.explain(token=house.tokens["Mine"], imeis=[MINE.imei])
    assert told.rule is MatchRule.TOKEN
    assert "this token is expired" in told.near_misses[0].message


def test_a_device_that_loses_against_an_imei_is_near(house: House) -> None:
    told = house.explain(
        token=house.tokens["Mine"],
        imeis=[MINE.imei],
        serial_number="ZX1G42",
        manufacturer="Motorola",
    )
    assert told.device is not None
    (miss,) = told.near_misses
    assert (miss.device.serial_number, told.rule) == ("ZX1G42", MatchRule.IMEI)
    assert "a presented IMEI that is on the roll decides" in miss.message


def test_ten_near_misses_are_enough(house: House) -> None:
    core = "44000000000000"
    rows = [DeviceRow(f"{core[:place]}5{core[place + 1 :]}") for place in range(2, 14)]
    house.admin.create_devices(house.ids[0], rows)
    told = house.explain(imeis=[core])
    assert len(told.near_misses) == 10


def test_long_near_misses_are_told_as_far_as_a_message_holds_them(house: House) -> None:
    long = {f"Note {number}": "\U0001f600" * 4_096 for number in range(100)}
    rows = [DeviceRow(imei(number), attributes=long) for number in range(10, 13)]
    for row in rows:  # each of 1.6 MB, so that two fit
        house.admin.create_devices(house.ids[0], [row])
    told = house.admin.explain_match(imeis=[row.imei for row in rows])
    assert told.rule is MatchRule.AMBIGUOUS
    assert [miss.device.attributes for miss in told.near_misses] == [long, long]


@pytest.mark.parametrize("odd", ["\0", "x" * 20_000, "\u202e", '="1"', "9" * 600])
def test_odd_input_is_explained_as_no_match(house: House, odd: str) -> None:
    told = house.explain(token="", imeis=[odd] * 40, serial_number=odd, manufacturer=odd)
    assert (told.rule, told.near_misses) == (MatchRule.NONE, ())
    assert house.explain(token=odd, imeis=[odd]).rule in (MatchRule.TOKEN, MatchRule.NONE)
