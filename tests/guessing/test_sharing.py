"""What several servers on one database count is what one server alone would count."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from databases import DATABASES
from rollbook_server.config import DATABASE_NAME
from rollbook_server.domain import guess_news
from rollbook_server.domain.guess_exchange import GuessExchange
from rollbook_server.domain.guess_limits import GAIN, KEPT, NETWORK, Guess, GuessLimits
from rollbook_server.domain.guessing import Attempt, Door, Guesses
from rollbook_server.domain.origins import origins
from rollbook_server.storage import guesses as stored_guesses
from rollbook_server.storage.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook_server.domain.ports import Roll
    from rollbook_server.storage.roll_store import RollStore

pytestmark = pytest.mark.both_engines

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOOR = Door(Guess.DEVICE)
HERE, BESIDE, AWAY = "192.0.2.1", "192.0.2.2", "198.51.100.1"
SERVERS = 3
_keys = count()
_EMPTY = "DELETE FROM guesses"


def guess(*marks: int) -> list[Attempt]:
    return [Attempt(DOOR, marks)]


class LostError(Exception):
    """A transaction that fails at its end."""


class OneOfMany:
    """A server's part in counting, without the server."""

    def __init__(self, store: RollStore, limits: GuessLimits, key: bytes) -> None:
        self.store, self.guesses = store, Guesses(limits, key)
        self.exchange = GuessExchange(self.guesses)
        self.keep_up(NOW)

    def keep_up(self, now: datetime) -> None:
        self.exchange.keep_up(self.store, now)

    def refuse(self, marks: Any, source: str, now: datetime, *, lost: bool = False) -> Any:
        """Refuse a guess as a gate does; gives the seconds to wait, and the alarms."""

        def work(roll: Roll) -> Any:
            self.exchange.hear(roll)
            asked = guess(*marks), source, now
            seconds = self.guesses.wait(*asked)
            alarms = self.guesses.alarms(*asked) if seconds else self.guesses.failed(*asked)
            self.exchange.tell(roll, now)
            if lost:
                raise LostError
            return seconds, alarms

        return self.store.write(work)

    def waits(self, mark: int, source: str = HERE, now: datetime = NOW) -> bool:
        """Tell whether a right guess would have to wait, for which nothing is heard."""
        return self.guesses.wait(guess(mark), source, now) > 0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RollStore]:
    path = tmp_path / DATABASE_NAME
    with closing(open_store(DATABASES.url(tmp_path), path, lambda text: text.encode())) as store:
        yield store


def servers(store: RollStore, limit: int) -> list[OneOfMany]:
    """Give servers of a database in which nothing was told yet."""
    store.write(lambda roll: roll.profiles._database.execute_sql(_EMPTY))  # type: ignore[attr-defined]
    limits, key = GuessLimits(wrong_devices=limit), str(next(_keys)).encode()
    return [OneOfMany(store, limits, key) for _ in range(SERVERS)]


numbers = st.integers(0, SERVERS - 1)
sources = st.sampled_from([HERE, BESIDE, AWAY, "2001:db8::1", "2001:db8:0:1::1", ""])
marks = st.sets(st.integers(1, 30), max_size=4)
guesses = st.tuples(st.just("guess"), numbers, sources, marks)
steps = st.lists(
    st.one_of(
        guesses,
        guesses,
        st.tuples(st.just("keep up"), numbers, st.none(), st.none()),
        st.tuples(st.just("restart"), numbers, st.none(), st.none()),
        st.tuples(st.just("sweep"), numbers, st.none(), st.none()),
        st.tuples(st.just("pass"), st.integers(0, 40), st.none(), st.none()),
    ),
    max_size=50,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, limit=st.integers(1, 6))
def test_many_servers_answer_what_one_would(store: RollStore, steps: list[Any], limit: int) -> None:
    many, now = servers(store, limit), NOW
    one = Guesses(GuessLimits(wrong_devices=limit))
    for kind, which, source, wrong in steps:
        if kind == "pass":
            now += timedelta(minutes=which)
        elif kind == "keep up":
            many[which].keep_up(now)
        elif kind == "sweep":
            guess_news.forget(store, now, lambda: True)
        elif kind == "restart":
            old = many[which].guesses
            many[which] = OneOfMany(store, GuessLimits(wrong_devices=limit), old.mark.args[0])
        else:
            asked = guess(*wrong), source, now
            seconds = one.wait(*asked)
            alarms = one.alarms(*asked) if seconds else one.failed(*asked)
            assert many[which].refuse(wrong, source, now) == (seconds, alarms)


gains = st.lists(
    st.tuples(
        st.sampled_from(["guess", "gain", "keep up"]),
        numbers,
        st.sampled_from([HERE, BESIDE, AWAY]),
        st.integers(1, 30),
        st.booleans(),
    ),
    max_size=50,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=gains)
def test_devices_that_take_their_place_anywhere_count_everywhere(
    store: RollStore, steps: list[Any]
) -> None:
    many, now = servers(store, 1000), NOW
    gained = dict.fromkeys((HERE, BESIDE, AWAY), 0)
    wrong: dict[str, set[int]] = {source: set() for source in gained}
    for kind, which, source, mark, lost in steps:
        now += timedelta(minutes=1)
        if kind == "gain":
            many[which].guesses.gained(DOOR, source, now)
            gained[source] += 1
        elif kind == "keep up":
            many[which].keep_up(now)
        else:
            wrong[source].add(mark)
            if lost:
                with pytest.raises(LostError):
                    many[which].refuse([mark], source, now, lost=True)
            many[which].refuse([mark], source, now)
    for _ in range(2):  # one hears what the others tell behind it
        for server in many:
            server.keep_up(now)
    for server in many:
        counts = counted(server)
        for origin in (HERE, BESIDE, AWAY, "192.0.2.0/24"):
            those = [source for source in gained if origin in origins(source)]
            seen = set().union(*(wrong[source] for source in those))
            earned = sum(gained[source] for source in those)
            assert counts[origin][:2] == (len(seen), seen)
            assert counts[origin][2] == earned or not seen
        failed = sum(map(len, wrong.values()))
        assert counts["*"] == (failed, set(), sum(gained.values())) or not failed


def counted(server: OneOfMany) -> Any:
    """Give what a server counts at every origin, and of all under an asterisk."""
    found = {}
    for origin in (HERE, BESIDE, AWAY, "192.0.2.0/24", "*"):
        place, periods = server.guesses._place(DOOR, origin), server.guesses._periods
        period = (periods.of_doors if origin == "*" else periods.of_origins).get(place)
        found[origin] = (period.count, period.marks, period.gained) if period else (0, set(), 0)
    return found


def test_who_is_right_waits_after_the_first_wrong_guess_or_a_second(store: RollStore) -> None:
    """The bound: beyond the limit a server answers what comes before either."""
    first, second, third = servers(store, 5)
    for n in range(5):
        assert first.refuse([n], HERE, NOW) == (0, [])
    assert first.waits(99)
    assert not second.waits(99)
    assert not third.waits(99)
    assert second.refuse([100], HERE, NOW)[0] == HOUR.total_seconds()
    assert second.waits(99)
    third.keep_up(NOW)
    assert third.waits(99)
    assert not third.waits(99, AWAY)


def test_an_alarm_is_raised_by_one_of_them(store: RollStore) -> None:
    many = servers(store, 2)
    told = [many[n % 3].refuse([n], HERE, NOW)[1] for n in range(9)]
    assert [len(alarms) for alarms in told] == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    told = [many[n % 3].refuse([n], HERE, NOW + HOUR)[1] for n in range(9)]
    assert [len(alarms) for alarms in told] == [0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_an_alarm_that_was_lost_is_raised_again(store: RollStore) -> None:
    first, second, _ = servers(store, 1)
    first.refuse([1], HERE, NOW)
    with pytest.raises(LostError):
        first.refuse([2], HERE, NOW, lost=True)
    first.guesses.tell_again()
    first.refuse([1], AWAY, NOW)  # tells what was not told, but of no alarm
    assert len(second.refuse([2], HERE, NOW)[1]) == 1
    assert first.refuse([3], HERE, NOW)[1] == []


def test_what_a_failed_transaction_told_is_told_by_the_next(store: RollStore) -> None:
    first, second, _ = servers(store, 3)
    with pytest.raises(LostError):
        first.refuse([1, 2], HERE, NOW, lost=True)
    assert second.refuse([1], HERE, NOW)[0] == 0
    assert first.refuse([3], HERE, NOW)[0] == 0
    assert second.refuse([4], HERE, NOW)[0] > 0
    assert second.refuse([2], HERE, NOW)[0] == 0
    assert first.guesses._outbox.waiting() != []
    first.keep_up(NOW)
    assert first.guesses._outbox.waiting() == []


def test_clocks_that_differ_give_nobody_a_new_period(store: RollStore) -> None:
    ahead, behind, _ = servers(store, 3)
    late, early = NOW + timedelta(seconds=30), NOW
    for n in range(3):
        assert (ahead if n % 2 else behind).refuse([n], HERE, late if n % 2 else early)[0] == 0
    assert ahead.refuse([9], HERE, late)[0] > 0
    assert behind.refuse([9], HERE, early)[0] > 0
    later, before = late + HOUR, early + HOUR  # over for both, and begun anew by the one ahead
    assert ahead.refuse([10, 11, 12], HERE, later)[0] == 0
    assert behind.refuse([13], HERE, before)[0] > 0
    assert ahead.refuse([13], HERE, later)[0] > 0


def test_networks_are_counted_together_as_well(store: RollStore) -> None:
    many, answered = servers(store, 2), 0
    for n in range(1, 30):
        for m in range(2):
            answered += not many[n % 3].refuse([100 * n + m], f"192.0.2.{n}", NOW)[0]
    assert answered == 2 * NETWORK


def test_devices_that_earned_before_anything_failed_are_told_then(store: RollStore) -> None:
    first, second, _ = servers(store, 1)
    for _ in range(2 * GAIN):
        first.guesses.gained(DOOR, HERE, NOW)
    first.keep_up(NOW)
    assert rows(store) == []  # nobody needs to know
    second.refuse([1], HERE, NOW)
    assert second.refuse([2], HERE, NOW)[0] > 0
    first.keep_up(NOW)
    assert [second.refuse([n], HERE, NOW)[0] > 0 for n in range(2, 5)] == [False, False, True]


def rows(store: RollStore) -> list[Any]:
    def look(roll: Any) -> list[Any]:
        found = roll.profiles._database.execute_sql("SELECT * FROM guesses ORDER BY number")
        return list(found.fetchall())

    return store.read(look)


def test_numbers_rise_also_behind_news_that_were_forgotten(store: RollStore) -> None:
    first, second, _ = servers(store, 3)
    first.refuse([1], HERE, NOW)
    heard = first.store.read(lambda roll: roll.guesses.news(0))[-1].number
    later = NOW + KEPT + HOUR
    guess_news.forget(store, later, lambda: True)
    assert rows(store) == []
    second.refuse([2, 3, 4], HERE, later)
    assert min(number for number, *_ in rows(store)) > heard
    assert first.refuse([5], HERE, later)[0] > 0


def test_very_many_guesses_do_not_fill_the_database(
    store: RollStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_guesses, "ROWS", 50)
    monkeypatch.setattr(stored_guesses, "TRIMMED_AFTER", 20)
    first, second, _ = servers(store, 2)
    for n in range(100):
        first.refuse([n], f"2001:db8:{n:x}::1", NOW)
        assert len(rows(store)) <= 50 + 20
    assert second.refuse([1000, 1001], "2001:db8:63::1", NOW)[0] > 0  # what came last is known
