"""Who guesses waits; who belongs here does not, not even at the guesser's address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from guessing.depot import CLOSED_IMEI, HELD, LIMITS, OPEN_IMEI, OPEN_SERIAL, PASSWORD, Depot
from rollbook import DeviceRow, EnrollmentAgent, RollbookError, UnavailableError
from rollbook_server.domain import attempts, guess_news
from rollbook_server.domain.guess_limits import GAIN, KEPT, PAIRS, GuessLimits
from rollbook_server.domain.guessing import Guesses
from rollbook_server.domain.matching import Presented
from running import ServerProcess
from uploads.wire import imei, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server

REGISTERED, NOT_REGISTERED, SIGN_IN = "REGISTERED", "NOT_REGISTERED", "SIGN_IN_REQUIRED"


def test_wrong_tokens_are_answered_up_to_the_limit_and_right_ones_always(depot: Depot) -> None:
    assert depot.guess_tokens(8) == [SIGN_IN] * 5 + [HELD] * 3
    assert depot.enroll(token=depot.token, imeis=[CLOSED_IMEI]) == REGISTERED
    with depot.elsewhere() as agent:
        assert depot.enroll(agent, token="7K3M-Q9XT-2AV4", imeis=[CLOSED_IMEI]) == SIGN_IN


def test_who_waits_is_told_how_long_and_then_heard(depot: Depot) -> None:
    depot.guess_devices(6)
    depot.server.clock.turn(minutes=20)
    with pytest.raises(UnavailableError) as caught:
        depot.agent.enroll_device(imeis=[OPEN_IMEI])
    assert (caught.value.reason, caught.value.retry_after_seconds) == (HELD, 40 * 60)
    assert caught.value.metadata == {"minutes": "40"}
    depot.server.clock.turn(minutes=40)
    assert depot.enroll(imeis=[OPEN_IMEI]) == REGISTERED


def test_typing_errors_cost_nothing(depot: Depot) -> None:
    mistyped = depot.token[:-1] + ("0" if depot.token[-1] != "0" else "1")
    told = {depot.enroll(token=f"{mistyped[:-n]}", imeis=[CLOSED_IMEI]) for n in range(1, 20)}
    assert told == {SIGN_IN}
    assert depot.guess_tokens(6) == [SIGN_IN] * 5 + [HELD]


def test_who_sweeps_a_tokenless_profile_meets_the_device_in_vain(depot: Depot) -> None:
    assert depot.guess_devices(8) == [NOT_REGISTERED] * 6 + [HELD] * 2
    assert depot.enroll(imeis=[OPEN_IMEI]) == HELD
    assert depot.enroll(imeis=[imei(50), imei(51), imei(52), OPEN_IMEI]) == HELD
    assert depot.enroll(serial_number=OPEN_SERIAL, manufacturer="HTC") == HELD
    assert depot.admin.get_profile(depot.opened).registered_count == 0
    assert depot.enroll(token=depot.token, imeis=[CLOSED_IMEI]) == REGISTERED


def test_every_imei_of_a_call_is_a_guess(depot: Depot) -> None:
    four = [[imei(n) for n in range(first, first + 4)] for first in (100, 200)]
    assert [depot.enroll(imeis=each) for each in four] == [NOT_REGISTERED, HELD]


def test_a_device_that_has_imei_and_serial_number_right_is_let_in(depot: Depot) -> None:
    depot.guess_devices(7)
    serial: dict[str, Any] = {"serial_number": OPEN_SERIAL, "manufacturer": "htc"}
    for presented in (
        {"imeis": [imei(77)], **serial},
        {"imeis": [OPEN_IMEI], **serial, "serial_number": "R58N"},
        {"imeis": [OPEN_IMEI], **serial, "manufacturer": "Sony"},
        {"imeis": [OPEN_IMEI, CLOSED_IMEI], **serial},
    ):
        assert depot.enroll(**presented) == HELD, presented
    assert depot.enroll(imeis=[OPEN_IMEI], **serial) == REGISTERED


def test_imei_and_serial_number_are_not_guessed_together_without_end(depot: Depot) -> None:
    depot.guess_devices(7)
    lot = [f"R58{letter}" for letter in "ABCDEFGHIJKL"]
    pairs = [(imei(n), serial) for n in range(70, 73) for serial in lot][: 6 * PAIRS]
    first = [*pairs[:20], *pairs]  # what was counted is not counted again
    told = [depot.enroll(imeis=[i], serial_number=s, manufacturer="HTC") for i, s in first]
    assert set(told) == {HELD}
    right: dict[str, Any] = {"serial_number": OPEN_SERIAL, "manufacturer": "HTC"}
    assert depot.enroll(imeis=[OPEN_IMEI], **right) == HELD
    assert [each.reason for each in depot.alarms()] == ["WRONG_DEVICES", "WRONG_PAIRS"]
    assert depot.enroll(token=depot.token, imeis=[CLOSED_IMEI], **right) == REGISTERED
    with depot.elsewhere() as agent:
        assert depot.enroll(agent, imeis=[OPEN_IMEI], **right) == REGISTERED


def test_devices_that_are_let_in_by_both_earn_their_address_more_pairs(depot: Depot) -> None:
    rows = [DeviceRow(imei(n), serial_number=f"S{n}", manufacturer="HTC") for n in range(200, 208)]
    depot.admin.create_devices(depot.opened, rows)
    depot.guess_devices(9)

    def pair(number: int, serial: int) -> str:
        return depot.enroll(imeis=[imei(number)], serial_number=f"S{serial}", manufacturer="HTC")

    assert {pair(n, n) for n in range(200, 204)} == {REGISTERED}
    assert {pair(n, 204) for n in range(300, 300 + 6 * PAIRS)} == {HELD}
    assert pair(204, 204) == REGISTERED
    assert pair(400, 204) == HELD
    assert pair(205, 205) == HELD


def test_two_imeis_of_a_device_are_not_enough(depot: Depot) -> None:
    depot.admin.create_devices(depot.opened, [DeviceRow(imei(60), imei(61))])
    depot.guess_devices(7)
    assert depot.enroll(imeis=[imei(60), imei(61)]) == HELD


def test_at_another_address_nobody_waits(depot: Depot) -> None:
    depot.guess_devices(7)
    with depot.elsewhere("127.0.0.2") as agent:
        assert depot.enroll(agent, imeis=[OPEN_IMEI]) == REGISTERED


def test_a_device_that_was_put_on_the_roll_meanwhile_is_registered(depot: Depot) -> None:
    assert depot.guess_devices(7)[0] == NOT_REGISTERED
    depot.admin.create_devices(depot.opened, [DeviceRow(imei(1000)), DeviceRow(imei(1006))])
    assert depot.enroll(imeis=[imei(1000)]) == REGISTERED
    assert depot.enroll(imeis=[imei(1006)]) == HELD


def test_who_guesses_devices_behind_a_token_keeps_nobody_from_another(depot: Depot) -> None:
    told = depot.guess_devices(7, token=depot.token)
    assert told == [NOT_REGISTERED] * 6 + [HELD]
    assert depot.enroll(token=depot.token, imeis=[CLOSED_IMEI]) == HELD
    assert depot.enroll(imeis=[OPEN_IMEI]) == REGISTERED
    with depot.elsewhere() as agent:
        assert depot.enroll(agent, token=depot.token, imeis=[CLOSED_IMEI]) == REGISTERED
    assert depot.admin.get_token(depot.closed).use_count == 1


def test_a_device_of_the_roll_that_is_held_is_not_told_from_a_stranger(depot: Depot) -> None:
    depot.guess_devices(7)
    depot.guess_devices(7, token=depot.token)
    errors = []
    for token in ("", depot.token):
        for number in (1, 2, 999):
            with pytest.raises(RollbookError) as caught:
                depot.agent.enroll_device(token=token, imeis=[imei(number)])
            errors.append((str(caught.value), caught.value.metadata))
    assert errors == [errors[0]] * 6


def test_a_thousand_devices_behind_one_address_all_get_in(
    serve: Callable[..., Server],
) -> None:
    """Some have an expired token, some are not on the roll, some are mistyped."""
    server = serve(guess_limits=GuessLimits())
    with server.admin() as admin, server.agent() as agent:
        depot = Depot(server, admin, agent)
        admin.upload_rows(depot.opened, [DeviceRow(imei(n)) for n in range(2000, 3000)])
        server.clock.turn(days=8)
        expired = [{"token": depot.token, "imeis": [imei(n)]} for n in range(100)]
        strangers = [{"imeis": [imei(n)]} for n in range(5000, 5020)]
        honest = [{"imeis": [imei(n)]} for n in range(2000, 3000)]
        calls: list[dict[str, Any]] = [
            *expired[:50], *strangers[:10], *honest[:500], *strangers, *expired, *honest[500:]
        ]  # fmt: skip
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda each: depot.enroll(**each), calls))
        assert told.count(REGISTERED) == 1000
        assert HELD not in told
        assert depot.alarms() == []


def test_devices_that_register_earn_their_address_more_guesses(depot: Depot) -> None:
    depot.admin.create_devices(depot.opened, [DeviceRow(imei(n)) for n in range(200, 200 + GAIN)])
    told = [depot.enroll(imeis=[imei(n)]) for n in range(200, 200 + GAIN)]
    told += [depot.enroll(imeis=[imei(200)]) for _ in range(2 * GAIN)]  # earns nothing again
    assert set(told) == {REGISTERED}
    assert depot.guess_devices(8) == [NOT_REGISTERED] * 7 + [HELD]


def test_devices_on_which_people_sign_in_earn_more_wrong_sign_ins(depot: Depot) -> None:
    rows = [DeviceRow(imei(n)) for n in range(200, 200 + GAIN)]
    depot.admin.create_devices(depot.closed, rows)
    for row in [*rows, *rows]:
        depot.agent.sign_in_device(user_name="ada", password=PASSWORD, imeis=[row.imei])
    told = [depot.sign_in(str(n), "a password") for n in range(12)]
    assert told == [NOT_REGISTERED] * 10 + [HELD] * 2  # 10 names and one device


def test_a_server_that_is_started_again_goes_on_counting(
    depot: Depot, serve: Callable[..., Server]
) -> None:
    depot.guess_devices(50)
    depot.server.stop()
    server = serve(guess_limits=LIMITS)
    with server.agent() as agent:
        assert depot.enroll(agent, imeis=[OPEN_IMEI]) == HELD
        assert depot.enroll(agent, imeis=[imei(1000)]) == NOT_REGISTERED  # tells nothing new
        server.clock.turn(hours=1)
        assert depot.enroll(agent, imeis=[OPEN_IMEI]) == REGISTERED


def test_who_is_right_meets_no_statement_for_the_sake_of_those_who_are_wrong(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot.guess_devices(2, token=depot.token)
    database, done = depot.server.app._store._database, list[str]()

    def noting(run: Any) -> Any:
        def noted(sql: str, *rest: Any, **more: Any) -> Any:
            done.append(sql)
            return run(sql, *rest, **more)

        return noted

    for name in ("execute_sql", "hand_over"):  # of which one may be made of the other
        monkeypatch.setattr(database, name, noting(getattr(database, name)))
    assert depot.enroll(token=depot.token, imeis=[CLOSED_IMEI]) == REGISTERED
    assert any("devices" in sql for sql in done)
    assert [sql for sql in done if "guesses" in sql] == []
    depot.guess_devices(1, 2000, token=depot.token)
    assert len({sql for sql in done if "guesses" in sql}) == 2  # heard, and told


def test_the_database_does_not_tell_what_was_guessed_nor_by_whom(depot: Depot) -> None:
    """All that a row has of it are keyed digests, of which each key makes others."""
    depot.guess_devices(2)
    depot.sign_in("ada", "a password")
    rows = depot.server.query("SELECT place, value FROM guesses")
    assert len(rows) > 6
    told = {number for row in rows for number in row}
    presented = Presented.of([imei(1000)], "", "")
    marks = {
        key: set(attempts.of_device(Guesses(LIMITS, key).mark, presented).marks)
        for key in (b"", depot.server.app._keyed("guesses:"))
    }
    assert [bool(each & told) for each in marks.values()] == [False, True]


def test_old_guesses_leave_the_database(depot: Depot) -> None:
    depot.guess_devices(2)
    depot.server.clock.turn(seconds=KEPT.total_seconds())
    guess_news.forget(depot.server.app._store, depot.server.clock(), lambda: True)
    depot.guess_devices(1)
    assert depot.server.query("SELECT count(*) FROM guesses") > [(6,)]
    depot.server.clock.turn(seconds=KEPT.total_seconds() + 1)
    depot.server.app._sweeper.wake()
    until(lambda: depot.server.query("SELECT count(*) FROM guesses") == [(0,)])


def test_wrong_sign_ins_wait_before_a_password_is_verified(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    guessed = [depot.sign_in("ada", f"password {n}") for n in range(4)]
    guessed += [depot.sign_in("nobody", f"password {n}") for n in range(4)]
    assert guessed == [NOT_REGISTERED] * 8  # 8 passwords, and one device
    assert depot.sign_in("bob", "password 1") == NOT_REGISTERED
    verified: list[str] = []

    def verify(_: object, password: str, __: str) -> bool:
        verified.append(password)
        return False

    monkeypatch.setattr("rollbook_server.passwords.Argon2Passwords.verify", verify)
    assert [depot.sign_in("ada", text) for text in (PASSWORD, "password 9")] == [HELD] * 2
    assert verified == []
    assert depot.sign_in("ada", "password 1") == NOT_REGISTERED  # tells nothing new
    assert verified == ["password 1"]
    monkeypatch.undo()
    with depot.elsewhere() as agent:
        assert depot.sign_in("ada", PASSWORD, agent) == REGISTERED


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_one_users_password_is_guessed_half_as_often(depot: Depot, name: str) -> None:
    told = [depot.sign_in(name, f"password {n}") for n in range(7)]
    assert told == [NOT_REGISTERED] * 5 + [HELD] * 2
    other = "nobody" if name == "ada" else "ada"
    assert depot.sign_in(other, "a password") == NOT_REGISTERED


def test_who_is_guessed_from_everywhere_can_still_sign_in(depot: Depot) -> None:
    for n in range(8):
        with depot.elsewhere(f"127.1.{n}.1") as agent:
            for m in range(5):
                depot.sign_in("ada", f"password {n} {m}", agent)
    assert [each.reason for each in depot.alarms() if not each.source] == ["WRONG_PASSWORDS"]
    assert depot.sign_in("ada", PASSWORD) == REGISTERED


def test_the_limits_are_settings_of_the_command(tmp_path: Path) -> None:
    options = ("--wrong-tokens=2", "--wrong-devices=3", "--wrong-sign-ins=4")
    process = ServerProcess(tmp_path / "data", *options).start()
    try:
        with EnrollmentAgent(process.address) as agent, process.admin() as admin:
            server: Any = process  # of which the depot needs no more than its address
            depot = Depot(server, admin, agent)
            assert depot.guess_tokens(3) == [SIGN_IN] * 2 + [HELD]
            assert depot.guess_devices(4) == [NOT_REGISTERED] * 3 + [HELD]
            told = [depot.sign_in(name, "a password") for name in ("a", "b", "c", "d")]
            assert told == [NOT_REGISTERED] * 3 + [HELD]
    finally:
        process.kill()
