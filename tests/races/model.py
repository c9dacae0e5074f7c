"""One profile with one device, as a plain dictionary that does one thing after another.

{"now": datetime, "current": token_id,
 "tokens": {token_id: {"expires", "ends", "uses"}},
 "devices": {device_id: {"profile", "imei", "attributes", "registered", "request_id"}},
 "registrations": {device_id: how often it became REGISTERED, gone or not}}
"""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any, NamedTuple

from rollbook import EnrollOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rollbook import Device, Token

Roll = dict[str, Any]
Change = tuple[str, "Callable[[Roll], str]"]
"""What the server answered, DONE or a reason, and what the model makes of the same change."""

DEFAULT_LIFE = timedelta(days=7)
DONE = "DONE"


class Answer(NamedTuple):
    """What one enrollment was told."""

    outcome: EnrollOutcome
    device_id: str = ""
    attributes: str = ""


class Asked(NamedTuple):
    """What a device presents; all threads of a round present the same but for request_ids."""

    token_id: str
    imei: str
    profile: str


def fresh(now: datetime) -> Roll:
    return {"now": now, "current": "", "tokens": {}, "devices": {}, "registrations": {}}


def add_token(roll: Roll, token: Token) -> str:
    expires = roll["now"] + DEFAULT_LIFE
    roll["tokens"][token.token_id] = {"expires": expires, "ends": None, "uses": 0}
    roll["current"] = token.token_id
    return DONE


def refresh(roll: Roll, token: Token, overlap: timedelta) -> str:
    _end(roll, roll["now"] + overlap)
    return add_token(roll, token)


def revoke(roll: Roll) -> str:
    _end(roll, roll["now"])
    return DONE


def extend(roll: Roll, days: int) -> str:
    token = roll["tokens"][roll["current"]]
    if token["ends"] is not None and token["ends"] <= roll["now"]:
        return "TOKEN_IS_REVOKED"
    token["expires"] = max(token["expires"], roll["now"] + timedelta(days=days))
    return DONE


def create(roll: Roll, device: Device | None, imei: str, profile: str) -> str:
    if holder(roll, imei):
        return "DEVICES_INVALID"
    device_id = device.device_id if device else ""
    roll["devices"][device_id] = {
        "profile": profile, "imei": imei, "attributes": "", "registered": None, "request_id": "",
    }  # fmt: skip
    roll["registrations"][device_id] = 0
    return DONE


def edit(roll: Roll, device_id: str, **values: str) -> str:
    if device_id not in roll["devices"]:
        return "DEVICE_NOT_FOUND"
    device = roll["devices"][device_id]
    if holder(roll, values.get("imei", "")) not in (None, device_id):
        return "DEVICES_INVALID"
    device.update(values)
    return DONE


def delete(roll: Roll, device_id: str) -> str:
    return DONE if roll["devices"].pop(device_id, None) else "DEVICE_NOT_FOUND"


def works(roll: Roll, token_id: str) -> bool:
    token = roll["tokens"][token_id]
    return bool(roll["now"] < min(token["expires"], token["ends"] or token["expires"]))


def answer(roll: Roll, asked: Asked) -> Answer:
    """Give what the device would be told now, and change nothing."""
    if not works(roll, asked.token_id):
        return Answer(EnrollOutcome.SIGN_IN_REQUIRED)
    device_id = found(roll, asked)
    if device_id is None:
        return Answer(EnrollOutcome.NOT_REGISTERED)
    return Answer(EnrollOutcome.REGISTERED, device_id, roll["devices"][device_id]["attributes"])


def found(roll: Roll, asked: Asked) -> str | None:
    """Give the device that has the identifier, if it is one of the profile."""
    device_id = holder(roll, asked.imei)
    is_there = device_id is not None and roll["devices"][device_id]["profile"] == asked.profile
    return device_id if is_there else None


def holder(roll: Roll, imei: str) -> str | None:
    """Give the device that has the identifier, wherever it is."""
    return next((key for key, each in roll["devices"].items() if each["imei"] == imei), None)


def enroll(roll: Roll, asked: Asked, request_id: str) -> Answer:
    """Give what the device is told, and register it."""
    told = answer(roll, asked)
    if told.device_id:
        _register(roll, roll["devices"][told.device_id], told.device_id, asked, request_id)
    return told


def _register(
    roll: Roll, device: dict[str, Any], device_id: str, asked: Asked, request_id: str
) -> None:
    if request_id == device["request_id"]:
        return  # a retry
    roll["tokens"][asked.token_id]["uses"] += 1
    device["request_id"] = request_id
    if device["registered"] is None:
        device["registered"] = roll["now"]
        roll["registrations"][device_id] += 1


def explanations(
    before: Roll, changes: Sequence[Change], asked: Asked, told: Sequence[tuple[str, Answer]]
) -> Iterator[Roll]:
    """Give what each order of the changes, with the enrollments in between, would have left.

    `told` has the request_id and the answer of each enrollment. An order in which a change or an
    enrollment would have been answered otherwise explains nothing.
    """
    for order in permutations(changes):
        roll, left = copy.deepcopy(before), list(told)
        for answered, change in (*order, (DONE, lambda _: DONE)):
            _enroll_those(roll, asked, left)
            if change(roll) != answered:
                break
        else:
            if not left:
                yield roll


def _enroll_those(roll: Roll, asked: Asked, left: list[tuple[str, Answer]]) -> None:
    """Enroll all that were told what they would be told now."""
    now = answer(roll, asked)
    mine = [each for each in left if each[1] == now]
    left[:] = [each for each in left if each[1] != now]
    for request_id, _ in mine:
        enroll(roll, asked, request_id)


def _end(roll: Roll, instant: datetime) -> None:
    for token in roll["tokens"].values():
        token["ends"] = min(token["ends"] or instant, instant)
