"""What counts as a guess, and when an address has to wait."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain import attempts, guess_periods
from rollbook_server.domain.guess_limits import GAIN, NETWORK, OF_ALL, STRICT, Guess, GuessLimits
from rollbook_server.domain.guessing import Attempt, Door, Guesses
from rollbook_server.domain.matching import Presented
from rollbook_server.domain.origins import origins

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOOR, OTHER_DOOR = Door(Guess.DEVICE), Door(Guess.DEVICE, "tok-1")
LIMITS = GuessLimits(wrong_devices=10)
MARK = Guesses(LIMITS).mark


def guess(*marks: int, door: Door = DOOR) -> list[Attempt]:
    return [Attempt(door, marks)]


def failing(guesses: Guesses, marks: Any, source: str = "192.0.2.1", now: datetime = NOW) -> int:
    """Let guesses fail, each as it may; gives how many were let through."""
    made = 0
    for each in marks:
        if not guesses.wait(guess(each), source, now):
            guesses.failed(guess(each), source, now)
            made += 1
    return made


SOURCES = [
    "192.0.2.1",
    "192.0.2.2",
    "198.51.100.1",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8:0:1::1",
]

keys = st.sets(st.integers(1, 40), max_size=4)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("fail"), st.sampled_from(SOURCES), keys),
        st.tuples(st.just("gain"), st.sampled_from(SOURCES), st.just(None)),
        st.tuples(st.just("pass"), st.integers(0, 40), st.just(None)),
    ),
    max_size=80,
)


@given(steps=steps, limit=st.integers(1, 12))
def test_it_waits_where_a_model_of_sets_waits(steps: list[Any], limit: int) -> None:
    guesses, now = Guesses(GuessLimits(wrong_devices=limit)), NOW
    begun: dict[str, datetime] = {}
    seen: dict[str, set[int]] = defaultdict(set)
    gained: dict[str, int] = defaultdict(int)
    for kind, what, marks in steps:
        if kind == "pass":
            now += timedelta(minutes=what)
            continue
        for origin in origins(what):
            if origin not in begun or now - begun[origin] >= HOUR:
                begun[origin], seen[origin], gained[origin] = now, set(), 0
        if kind == "gain":
            guesses.gained(DOOR, what, now)
            for origin in origins(what):
                gained[origin] += 1
            continue
        most = {
            origin: limit * factor + gained[origin] // GAIN
            for origin, factor in zip(origins(what), (1, NETWORK), strict=True)
        }
        full = [
            origin
            for origin in most
            if marks - seen[origin] and seen[origin] and len(seen[origin] | marks) > most[origin]
        ]
        ends = max((begun[o] + HOUR - now for o in full), default=timedelta(0))
        assert guesses.wait(guess(*marks), what, now) == ends.total_seconds()
        if not full:
            guesses.failed(guess(*marks), what, now)
            for origin in origins(what):
                seen[origin] |= marks


def test_the_same_guess_counts_once_and_may_be_made_again() -> None:
    guesses = Guesses(LIMITS)
    assert failing(guesses, [7] * 1000) == 1000
    assert failing(guesses, range(100, 200)) == 9
    assert failing(guesses, [7, 100, 108, 109]) == 3


def test_behind_one_door_nobody_waits_for_what_is_guessed_at_another() -> None:
    guesses = Guesses(LIMITS)
    failing(guesses, range(100))
    assert guesses.wait(guess(500), "192.0.2.1", NOW) > 0
    assert guesses.wait(guess(500, door=OTHER_DOOR), "192.0.2.1", NOW) == 0


def test_addresses_that_come_together_have_a_limit_of_their_own() -> None:
    guesses, made = Guesses(LIMITS), 0
    for n in range(20):
        made += failing(guesses, range(1000 * n, 1000 * n + 20), f"2001:db8:0:{n:x}::1")
    assert made == 10 * NETWORK
    assert guesses.wait(guess(99_999), "2001:db8:0:ffff::1", NOW) == HOUR.total_seconds()
    assert guesses.wait(guess(99_999), "2001:db8:1::1", NOW) == 0


def test_devices_that_take_their_place_earn_their_address_more_wrong_guesses() -> None:
    guesses = Guesses(LIMITS)
    for _ in range(3 * GAIN - 1):
        guesses.gained(DOOR, "192.0.2.1", NOW)
    assert failing(guesses, range(100)) == 10 + 2
    guesses.gained(DOOR, "192.0.2.1", NOW)
    assert failing(guesses, range(100, 200)) == 1
    assert failing(guesses, range(100), "198.51.100.1") == 10


def test_devices_that_take_their_place_anywhere_put_off_the_fifth() -> None:
    guesses = Guesses(GuessLimits(wrong_devices=1))
    for n in range(5 * GAIN):
        guesses.gained(DOOR, f"10.{n}.1.1", NOW)
    alarms = [guesses.failed(guess(n), f"10.{n}.0.1", NOW) for n in range(OF_ALL + 6)]
    assert [n for n, each in enumerate(alarms) if each] == [OF_ALL + 5]


def test_once_all_together_guess_too_much_each_may_guess_a_fifth() -> None:
    guesses = Guesses(LIMITS)
    alarms = []
    for n in range(40):
        source = f"10.{n}.0.1"
        for m in range(10):
            if not guesses.wait(guess(1000 * n + m), source, NOW):
                alarms += guesses.failed(guess(1000 * n + m), source, NOW)
    assert failing(guesses, range(90_000, 90_100), "10.99.0.1") == 10 // STRICT
    (alarm,) = alarms
    assert alarm == (DOOR, 10 * OF_ALL + 1, "")


def test_an_alarm_is_given_once_in_a_period_and_again_if_it_was_lost() -> None:
    guesses = Guesses(LIMITS)
    failing(guesses, range(10))

    def alarms(now: datetime) -> list[Any]:
        return [each.origin for each in guesses.alarms(guess(99), "192.0.2.1", now)]

    assert [alarms(NOW), alarms(NOW)] == [["192.0.2.1"], []]
    guesses.tell_again()
    assert alarms(NOW) == ["192.0.2.1"]
    assert failing(guesses, range(10), now=NOW + HOUR) == 10
    assert alarms(NOW + HOUR) == ["192.0.2.1"]


def test_a_clock_that_goes_back_keeps_nobody_waiting() -> None:
    guesses = Guesses(LIMITS)
    failing(guesses, range(10))
    assert guesses.wait(guess(99), "192.0.2.1", NOW - timedelta(days=1)) == 0


def test_what_is_kept_is_bounded_whoever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ORIGINS", "DOORS", "MARKS"):
        monkeypatch.setattr(guess_periods, name, 50)
    guesses = Guesses(GuessLimits(wrong_devices=10))
    for n in range(300):
        door, now = Door(Guess.DEVICE, str(n % 120)), NOW + n * HOUR / 2
        guesses.failed(guess(*range(n, n + 3), door=door), f"10.0.{n % 7}.1", now)
        guesses.gained(door, f"10.1.{n % 256}.1", NOW)
    assert len(guesses._periods.of_origins) <= 50
    assert len(guesses._periods.of_doors) <= 50
    for n in range(3):  # of the same address in another hour
        guesses.failed(guess(*range(5)), "10.9.0.1", NOW + n * HOUR)
    assert (
        sum(len(p.marks) for p in guesses._periods.of_origins.values())
        == guesses._periods._marks
        <= 50
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("192.0.2.77", ("192.0.2.77", "192.0.2.0/24")),
        ("::ffff:192.0.2.77", ("192.0.2.77", "192.0.2.0/24")),
        ("2001:db8:1:2:3::4", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("::1", ("::/64", "::/48")),
        ("fe80::1%eth0", ("fe80::/64", "fe80::/48")),
        ("", ("",)),
        ("a socket", ("",)),
    ],
)
def test_an_address_is_counted_with_those_beside_it(source: str, expected: tuple[str, ...]) -> None:
    assert origins(source) == expected


def test_every_identifier_is_a_guess_and_no_half_of_a_pair() -> None:
    whole = Presented.of(["490154203237518", "356938035643809"], "S1", "HTC")
    assert len(set(attempts.of_device(MARK, whole).marks)) == 3
    assert not attempts.of_device(MARK, Presented.of([], "S1", "")).marks
    assert not attempts.of_device(MARK, Presented.of([], "", "HTC")).marks
    assert not attempts.of_token(MARK, b"").marks


def test_one_users_password_is_guessed_however_the_name_is_typed() -> None:
    first, second = (
        attempts.of_sign_in(MARK, Presented(), name, "a password")[1] for name in ("Ada", "aDA")
    )
    assert (first.door, *first.marks) == (second.door, *second.marks)
    assert "ada" not in repr(first).casefold()
    assert "password" not in repr(first)


def test_a_fleet_that_registers_from_everywhere_makes_no_guesser_forgotten() -> None:
    guesses = Guesses(GuessLimits(wrong_devices=3))
    guesses.failed([Attempt(DOOR, (1, 2, 3))], "192.0.2.1", NOW)
    for n in range(guess_periods.ORIGINS + 10):
        guesses.gained(DOOR, f"10.{n >> 8}.{n & 255}.1", NOW)
    assert guesses.wait([Attempt(DOOR, (4,))], "192.0.2.1", NOW) > 0
    assert len(guesses._periods.earned) == guess_periods.ORIGINS
    assert guesses.wait([Attempt(DOOR, (4,))], "10.9.9.1", NOW) == 0
