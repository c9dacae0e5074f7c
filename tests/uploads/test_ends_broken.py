"""Ends of uploads under FAIL that break off, or find the roll otherwise than their rows did."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollbook_server.domain import preparing, removals, settling, staging
from rollbook_server.domain.endings import Ending
from rollbook_server.domain.upload_options import OnConflict, OnInvalidRow, UploadOptions
from storage.works import NOW
from uploads.model import Given
from uploads.test_interleaved import ROWS, Side, World, opened, unsynced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.both_engines

FAIL = UploadOptions("", "0", on_invalid_row=OnInvalidRow.FAIL)
KEEP, UPDATE = (replace(FAIL, on_conflict=each) for each in (OnConflict.KEEP, OnConflict.UPDATE))
ONE, TWO = Given("1", "", "", "", "a"), Given("2", "", "", "", "a")
SERIAL = {"serial_number": "R1", "manufacturer": "HTC"}
SENDS = st.lists(ROWS, min_size=1, max_size=3)
EXAMPLES = count(1)


class _KilledError(BaseException):
    """The server dies."""


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Side]]:
    unsynced(monkeypatch)
    with ExitStack() as stack:
        found = [stack.enter_context(closing(opened(tmp_path / name))) for name in "ab"]
        yield [Side(store, 1_000, is_swept=False) for store in found]


@pytest.fixture
def world(stores: list[Side]) -> World:
    return World(stores[0], next(EXAMPLES))


def sent(world: World, options: UploadOptions, before: list[Given], rows: list[Given]) -> None:
    """Put devices on the roll, and send rows of an upload that is not finished."""
    world.do("create", 0, before)
    world.do("open", 0, options)
    world.do("send", 0, rows)


def forget_idle(world: World) -> bool:
    """Forget a piece of what nobody went on with."""
    late = NOW + 2 * preparing.IDLE
    return world._store.write(lambda roll: roll.preparations.forget_idle(late, 2_000))


@pytest.mark.parametrize("pieces", [1, 2, 3])
@pytest.mark.parametrize("options", [FAIL, UPDATE])
def test_no_row_is_lost_with_what_is_forgotten_in_part(
    world: World, options: UploadOptions, pieces: int
) -> None:
    before = [ONE._replace(site="old")] if options is UPDATE else []
    sent(world, options, before, [ONE, TWO])
    for _ in range(pieces):
        forget_idle(world)
    expected = "created=1, updated=1" if before else "created=2, updated=0"
    assert expected in str(world.do("finish", 0, None))


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_no_row_is_lost_with_what_is_forgotten_while_the_end_is_prepared(
    world: World, pieces: int
) -> None:
    sent(world, UPDATE, [ONE._replace(site="old")], [ONE, TWO])
    look_again, waiting = preparing._look_again, iter(range(pieces))

    def late(ending: Ending) -> None:
        for _ in waiting:  # the first time
            forget_idle(world)
        look_again(ending)

    with patch.object(preparing, "_look_again", late):
        assert "created=1, updated=1" in str(world.do("finish", 0, None))


@pytest.mark.parametrize("at", range(8))
def test_a_conflict_at_the_end_is_found_again_wherever_that_broke_off(
    world: World, at: int
) -> None:
    sent(world, UPDATE, [ONE._replace(site="old"), TWO], [ONE, TWO])
    world.do("delete", 1, None)
    world.do("create", 1, [TWO])
    session, step, steps = world._sessions[0], Ending.step, count()

    def dying(ending: Ending, work: Any) -> Any:
        if next(steps) == at:
            raise _KilledError
        return step(ending, work)

    with patch.object(Ending, "step", dying), pytest.raises(_KilledError):
        world.do("finish", 0, None)
    world._sessions[0] = session
    world.do("finish", 0, None)
    assert "UPLOAD_HAS_INVALID_ROWS" in str(world.look())


def test_a_row_that_became_new_meets_a_later_one(world: World) -> None:
    sent(world, KEEP, [ONE], [ONE._replace(**SERIAL), TWO._replace(**SERIAL)])
    world.do("delete", 0, None)
    world.do("finish", 0, None)
    look = world.look()
    assert "DUPLICATE_IN_FILE" in str(look)
    assert "UploadState.FAILED" in str(look)


def test_a_serial_number_without_a_manufacturer_is_written(world: World) -> None:
    sent(world, UPDATE, [ONE], [ONE._replace(serial_number="R1")])
    assert "updated=1" in str(world.do("finish", 0, None))
    assert f"R1-{world._example}" in str(world.look())


def test_a_profile_that_is_deleted_at_the_end_is_told(world: World) -> None:
    sent(world, FAIL, [], [ONE])
    profile, prepare = f"prf-{world._profiles[0]}", preparing.prepare

    def late(ending: Ending) -> None:
        delete = partial(removals.delete_profile, etag="", now=NOW, force=True)
        world._store.write(lambda roll: delete(roll, profile))
        prepare(ending)

    with patch.object(preparing, "prepare", late):
        assert "UPLOAD_NOT_FOUND" in str(world.do("finish", 0, None))


def test_many_devices_that_changed_meanwhile_are_judged_in_steps(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (preparing, staging):
        monkeypatch.setattr(module, "FEW", 0)
    sent(world, UPDATE, [ONE._replace(site="old")], [ONE])
    world.do("enroll", 1, None)
    with patch.object(settling, "write", side_effect=AssertionError("judged at the end")):
        assert "updated=1" in str(world.do("finish", 0, None))
    assert "REGISTERED" in str(world.look())


def test_what_fails_for_no_row_does_what_it_would_if_it_skipped(stores: list[Side]) -> None:
    """And that whether it was prepared as its rows came, or at the end."""

    @settings(max_examples=150)
    @given(
        ROWS,
        ROWS,
        st.sampled_from(OnConflict),
        st.lists(ROWS, min_size=1, max_size=3),
        st.booleans(),
    )
    def hold(mine: Any, theirs: Any, policy: OnConflict, sends: Any, anew: bool) -> None:
        number, told = next(EXAMPLES), []
        worlds = [World(side, number) for side in stores]
        for world, on_invalid_row in zip(worlds, OnInvalidRow, strict=True):
            world.do("create", 1, theirs)
            options = replace(FAIL, on_conflict=policy, on_invalid_row=on_invalid_row)
            sent(world, options, mine, sends[0])
            for rows in sends[1:]:
                world.do("send", 0, rows)
            while anew and forget_idle(world):
                pass
            told.append(world.do("finish", 0, None))
        if "rejected=0" in str(told[list(OnInvalidRow).index(OnInvalidRow.SKIP)]):
            assert told[0] == told[1]
            assert worlds[0].look() == worlds[1].look()

    hold()
