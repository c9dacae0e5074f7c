"""The same device enrolls in 64 threads, while its token and its row are changed.

Whatever they meet, all of it must be as if one had come after the other: `races.model` does
that with a dictionary. `make races` looks for longer than `make test` does.
"""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from races import model
from races.model import Answer, Asked
from races.rounds import THREADS, TURNS, Round, Span, has_an_instant
from races.views import View
from rollbook import DeviceRow, DeviceUpdate, OnConflict
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from races.model import Roll
    from rollbook import AdminClient, EnrollmentAgent
    from running import Server

# How many sequences of rounds; each has 64 threads and takes a fifth of a second.
SEQUENCES = int(os.environ.get("RACES", "4"))
ROUNDS = 10

Wanted = tuple["Callable[[], Any]", "Callable[[Roll, Any], str]"]
"""A change of the server, and the same of the model once the server has answered."""

_devices = count()
HEAD_STARTS = st.integers(0, THREADS)  # so that most of them meet the change
REQUEST_IDS = st.sampled_from(["each its own", "one for all", "that of the last round"])
OF_DEVICES = ("relabel", "swap", "restore", "delete")
CHANGES = st.tuples(
    st.sampled_from([*OF_DEVICES, "create", "extend", "refresh", "revoke"]), st.integers(0, 3)
)


class Depot(RuleBasedStateMachine):
    """Two profiles, in one of which the device enrolls, and the model of both."""

    def __init__(self, server: Server, admin: AdminClient, agents: list[EnrollmentAgent]) -> None:
        super().__init__()
        self.server, self.admin, self.agents = server, admin, agents
        server.clock.turn(hours=1)  # what is limited by the hour begins anew
        number = next(_devices)
        self.imei, self.other = imei(2 * number)[:14], imei(2 * number + 1)[:14]
        self.home, self.away = (
            admin.create_profile(f"{name} {number}").profile_id for name in ("Home", "Away")
        )
        self.view = View(server, admin, (self.home, self.away))
        self.model = model.fresh(server.clock())
        self.values: dict[str, str] = {}
        model.add_token(self.model, admin.get_token(self.home))
        self.change_alone(self.create())

    def change_alone(self, wanted: Wanted) -> None:
        call, follow = wanted
        assert follow(self.model, call()) == model.DONE

    @rule(ahead=st.sampled_from([timedelta(hours=1), timedelta(days=6), timedelta(days=40)]))
    def time_passes(self, ahead: timedelta) -> None:
        self.server.clock.now += ahead
        self.model["now"] = self.server.clock.now

    @rule(
        well=st.sampled_from([True, True, False]),
        ids=REQUEST_IDS,
        head_start=HEAD_STARTS,
        changes=CHANGES.map(lambda one: [one]) | st.lists(CHANGES, max_size=3),
    )
    def things_change(
        self, ids: str, head_start: int, changes: list[tuple[str, int]], *, well: bool
    ) -> None:
        if well:
            self.make_it_well()
        self.everybody_enrolls(ids, head_start, *self.wanted(changes))

    @rule(ids=REQUEST_IDS, head_start=HEAD_STARTS)
    def the_device_moves(self, ids: str, head_start: int) -> None:
        self.make_it_well()
        self.everybody_enrolls(ids, head_start, self.move(self.away))

    def make_it_well(self) -> None:
        """Give the device its place and its token, so that the round begins with one that works."""
        if not model.works(self.model, self.model["current"]):
            self.change_alone(self.refresh())
        if model.holder(self.model, self.imei) is None:
            self.change_alone(self.create())
        if not self.finds_the_device():
            self.change_alone(self.move(self.home))

    def finds_the_device(self) -> bool:
        return model.found(self.model, self.asked()) is not None

    def wanted(self, changes: list[tuple[str, int]]) -> list[Wanted]:
        """Give those changes that are possible; of a device that is not there, none is.

        What is drawn must not depend on how a race ended, so it is numbers.
        """
        devices = sorted(self.model["devices"])
        return [
            getattr(self, name)(*([devices[number % len(devices)]] if name in OF_DEVICES else []))
            for name, number in changes
            if devices or name not in OF_DEVICES
        ]

    def extend(self) -> Wanted:
        return (
            lambda: self.admin.extend_token(self.home, 30),
            lambda roll, _: model.extend(roll, 30),
        )

    def refresh(self) -> Wanted:
        return (
            lambda: self.admin.refresh_token(self.home),
            lambda roll, token: model.refresh(roll, token, timedelta(0)),
        )

    def revoke(self) -> Wanted:
        return lambda: self.admin.revoke_token(self.home), lambda roll, _: model.revoke(roll)

    def relabel(self, device_id: str) -> Wanted:
        shelf = uuid4().hex
        return (
            lambda: self.admin.update_devices(
                [DeviceUpdate(device_id, attributes={"shelf": shelf})]
            ),
            lambda roll, _: model.edit(roll, device_id, attributes=shelf),
        )

    def swap(self, device_id: str, to: str = "") -> Wanted:
        """Give the device another identifier, under which nobody looks for it."""
        core = to or self.other
        return (
            lambda: self.admin.update_devices([DeviceUpdate(device_id, imei=core)]),
            lambda roll, _: model.edit(roll, device_id, imei=core),
        )

    def restore(self, device_id: str) -> Wanted:
        return self.swap(device_id, self.imei)

    def delete(self, device_id: str) -> Wanted:
        return (
            lambda: self.admin.delete_devices([device_id]),
            lambda roll, _: model.delete(roll, device_id),
        )

    def create(self) -> Wanted:
        return (
            lambda: self.admin.create_devices(self.home, [DeviceRow(self.imei)])[0],
            lambda roll, device: model.create(roll, device, self.imei, self.home),
        )

    def move(self, to: str) -> Wanted:
        device_id = model.holder(self.model, self.imei)
        assert device_id is not None
        shelf = self.model["devices"][device_id]["attributes"]
        row = DeviceRow(self.imei, attributes={"shelf": shelf} if shelf else {})
        return (
            lambda: self.admin.upload_rows(to, [row], on_conflict=OnConflict.MOVE),
            lambda roll, _: model.edit(roll, device_id, profile=to),
        )

    def asked(self) -> Asked:
        return Asked(self.model["current"], self.imei, self.home)

    def token(self) -> str:
        token_id = self.model["current"]
        if token_id not in self.values:
            self.values[token_id] = self.admin.reveal_token(self.home)
        return self.values[token_id]

    def everybody_enrolls(self, request_ids: str, head_start: int, *wanted: Wanted) -> None:
        """Play one round; what it leaves must be explained by one order of all that was done."""
        asked, ids = self.asked(), self.request_ids(request_ids)
        calls = [call for call, _ in wanted]
        told, changed = Round(self.agents, asked, self.token(), head_start).play(ids, calls)
        changes = [
            (span.answered[0], partial(_follow, follow, span.answered[1]))
            for span, (_, follow) in zip(changed, wanted, strict=True)
        ]
        answers = [(request_id, span.answered) for request_id, span in told]
        before = self.model
        self.model = self.the_one_that_is_so(
            list(model.explanations(before, changes, asked, answers))
        )
        if len(changed) == 1:
            spans = [span for _, span in told]
            _check_the_instant(
                changed[0], spans, model.answer(before, asked), model.answer(self.model, asked)
            )
        if len(set(ids)) > 1:
            self.forget_who_came_last()

    def forget_who_came_last(self) -> None:
        """Of many request_ids the server remembers one that the model cannot know."""
        for device in self.model["devices"].values():
            device["request_id"] = ""

    def request_ids(self, kind: str) -> list[str]:
        if kind == "each its own":
            return [str(uuid4()) for _ in range(THREADS * TURNS)]
        found = self.model["devices"].get(model.answer(self.model, self.asked()).device_id)
        last = found["request_id"] if found and kind == "that of the last round" else ""
        return [last or str(uuid4())] * THREADS * TURNS

    def the_one_that_is_so(self, possible: Sequence[Roll]) -> Roll:
        """Give the explanation that agrees with all that the server shows; there must be one."""
        shown = self.view.shown(self.values, self.model["registrations"])
        fitting = [roll for roll in possible if self.view.expected(roll, self.values) == shown]
        assert fitting, (shown, possible)
        return fitting[0]


def _check_the_instant(change: Span, told: Sequence[Span], before: Answer, after: Answer) -> None:
    """Nobody may be told what was so before once somebody was told what is so after it."""
    if before != after:
        earlier = [span for span in told if span.answered == before]
        later = [span for span in told if span.answered == after]
        assert has_an_instant(change, earlier, later)


def _follow(follow: Callable[[Roll, Any], str], answered: Any, roll: Roll) -> str:
    return follow(roll, answered)


def test_whatever_meets_64_enrollments_it_is_as_if_one_came_after_the_other(
    server: Server, admin: AdminClient
) -> None:
    agents = [server.agent() for _ in range(8)]  # connections
    race = settings(
        max_examples=SEQUENCES,
        stateful_step_count=ROUNDS,
        deadline=None,
        phases=[Phase.generate],  # a race that was lost is not lost again in the same way
    )
    try:
        run_state_machine_as_test(partial(Depot, server, admin, agents), settings=race)  # type: ignore[arg-type]
    finally:
        for agent in agents:
            agent.close()
    assert admin.verify_audit_log().first_break is None
