"""Whatever others do while an upload under FAIL comes to its end happened before it or after.

The end is many transactions; nobody must be able to tell.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rollbook_server.domain import preparing
from rollbook_server.domain.endings import Ending
from rollbook_server.domain.upload_options import OnConflict, OnInvalidRow, UploadOptions
from uploads.given_rows import rows_given
from uploads.model import Given
from uploads.test_interleaved import ROWS, Side, World, opened, unsynced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.both_engines

EXAMPLES = count(1)
STRICT = st.builds(
    UploadOptions,
    upload_id=st.just(""),
    profile_id=st.sampled_from(["0", "1"]),
    on_invalid_row=st.just(OnInvalidRow.FAIL),
    on_conflict=st.sampled_from(OnConflict),
)
BETWEEN = st.one_of(
    st.tuples(st.just("create"), st.integers(0, 1), ROWS),
    st.tuples(st.just("delete"), st.integers(0, 5), st.none()),
    st.tuples(st.just("enroll"), st.integers(1, 4), st.none()),
    st.tuples(st.just("discard"), st.just(0), st.none()),
    st.tuples(st.just("whole"), st.just(1), st.lists(rows_given, min_size=1, max_size=3)),
)
STRICT_REJECT = UploadOptions("", "0", on_invalid_row=OnInvalidRow.FAIL)
SAME = Given("1", "", "R1", "HTC", "a")
STRICT_UPDATE = replace(STRICT_REJECT, on_conflict=OnConflict.UPDATE)
CHANGED = [SAME._replace(site="b")]


class Ends(World):
    """A world in which something comes between, once, before the n-th step of an end."""

    def _whole(self, slot: int, rows: Any) -> object:
        """Upload from the beginning to the end, changing what is there."""
        self._open(slot, UploadOptions("", "1", on_conflict=OnConflict.MOVE))
        self._send(slot, rows)
        return self._finish(slot, None)

    def end(self, between: Any, at: int) -> None:
        """Finish the upload, and do something before one of the steps of it."""
        _interrupted(lambda: self.do("finish", 0, None), lambda: self.do(*between), at)


def _interrupted(finish: Callable[[], object], other: Callable[[], object], at: int) -> None:
    """Finish, and do the other thing before the step at that place, or behind the last one."""
    step, steps = Ending.step, count()

    def stepping(ending: Ending, work: Any) -> Any:
        if next(steps) == at:
            with patch.object(Ending, "step", step):
                other()
        return step(ending, work)

    with patch.object(Ending, "step", stepping):
        finish()
    if next(steps) <= at:
        other()


@pytest.fixture(params=["as the rows came", "at the end"])
def prepared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is prepared as rows come, or have it done at the end, row by row."""
    if request.param == "at the end":
        prepare = preparing.prepare

        def anew(ending: Ending) -> None:
            preparing.forget(ending)
            prepare(ending)

        monkeypatch.setattr(preparing, "prepare", anew)
        monkeypatch.setattr(preparing, "PIECE", 1)
        monkeypatch.setattr(Ending, "piece_rows", lambda _: 1)


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Side]]:
    """Give a store for each order of things, which are not swept up."""
    unsynced(monkeypatch)
    with ExitStack() as stack:
        stores = [stack.enter_context(closing(opened(tmp_path / name))) for name in "abc"]
        yield [Side(store, 1_000, is_swept=False) for store in stores]


@pytest.mark.usefixtures("prepared")
def test_what_comes_between_came_before_or_after(sides: list[Side]) -> None:
    @settings(max_examples=150)
    @example([], STRICT_REJECT, [SAME], ("create", 1, CHANGED), 1)
    @example([SAME], STRICT_UPDATE, CHANGED, ("delete", 0, None), 1)
    @example([SAME], STRICT_UPDATE, CHANGED, ("enroll", 1, None), 1)
    @given(ROWS, STRICT, ROWS, BETWEEN, st.integers(0, 12))
    def hold(before: Any, options: UploadOptions, rows: Any, between: Any, at: int) -> None:
        number = next(EXAMPLES)
        worlds = [Ends(side, number) for side in sides]
        for world in worlds:
            world.do("create", 0, before)
            world.do("open", 0, options)
            world.do("send", 0, rows)
        interleaved, first, last = worlds
        interleaved.end(between, at)
        first.do(*between)
        first.do("finish", 0, None)
        last.do("finish", 0, None)
        last.do(*between)
        looks = [world.look() for world in worlds]
        assert looks[0] in looks[1:]

    hold()
