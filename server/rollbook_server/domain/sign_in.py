"""Decides about a device on which someone signs in, the seed's IReg flow.

Nobody learns from the answer, or from how long it takes, which of user, password
and device was wrong: one password is verified and one transaction run, whatever
is presented.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollbook_server.domain import attempts, users
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.devices import DeviceState
from rollbook_server.domain.enrollment import Decision, Outcome, take_place
from rollbook_server.domain.errors import RollbookError
from rollbook_server.domain.gate import Asked
from rollbook_server.domain.matching import MatchRule, decide
from rollbook_server.domain.names import TYPED_LIMIT, name_key
from rollbook_server.domain.witness import About

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.gate import Gate
    from rollbook_server.domain.guessing import Attempt
    from rollbook_server.domain.matching import Match, Presented
    from rollbook_server.domain.ports import PasswordHasher, Roll, Store
    from rollbook_server.domain.users import User


@dataclass(frozen=True, slots=True)
class SignIn:
    """A user who wants to have a device. `request_id` may be empty."""

    presented: Presented
    user_name: str
    password: str = field(repr=False)
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class _Checked:
    """Who may sign in by what was known when the password was verified, or why nobody.

    `user_id` is that of whoever was named, if there is such a user.
    """

    user: User | None
    cause: str = ""
    user_id: str = ""


def sign_in(
    store: Store, hasher: PasswordHasher, wanted: SignIn, gate: Gate, now: datetime
) -> Decision:
    """Decide, and register the device to the user if both are right; the gate tells either.

    The same user on the same device with the same request_id counts once. Raises
    RollbookError with TOO_MANY_SIGN_INS or TOO_MANY_ATTEMPTS, the latter before a password
    is verified: those who are verified at the same time may go beyond the limit together.
    """
    about = About(Action.SIGN_IN_DEVICE, now, Subject())
    asked = Asked(about, _guessed(gate, wanted), wanted.presented, wanted.user_name)
    gate.check(store, asked)
    named = store.read(lambda roll: _named(roll, wanted.user_name, gate))
    gate.check(store, asked)  # now by what was counted elsewhere, too
    checked = _verified(hasher, named, wanted.password)
    with gate.telling():
        decision = store.write(lambda roll: _decide(roll, wanted, checked, gate, now))
    if checked.user is not None and decision.outcome is Outcome.REGISTERED:
        _renew_hash(store, hasher, checked.user, wanted.password)
    return decision


def _typed(user_name: str) -> str:
    name = user_name.strip()
    return name if len(name) <= TYPED_LIMIT else ""


def _named(roll: Roll, user_name: str, gate: Gate) -> User | None:
    gate.hear(roll)
    return roll.users.find(name_key(_typed(user_name)))


def _verified(hasher: PasswordHasher, user: User | None, password: str) -> _Checked:
    known_hash = user.password_hash if user is not None and user.can_sign_in else ""
    fits = hasher.verify(users.presented_password(password), known_hash)
    if user is None:
        return _Checked(None, "USER_UNKNOWN")
    if not user.can_sign_in:
        cause = "USER_DISABLED" if user.disabled else "USER_WITHOUT_PASSWORD"
        return _Checked(None, cause, user.user_id)
    return _Checked(user if fits else None, "" if fits else "PASSWORD_WRONG", user.user_id)


def _renew_hash(store: Store, hasher: PasswordHasher, user: User, password: str) -> None:
    """Hash the password as new ones are hashed, if it is not.

    Only after all was right: else the time it takes would tell a right password. Nobody
    who signed in waits for it to succeed; the next sign-in tries again.
    """
    if hasher.is_outdated(user.password_hash):
        renewed = hasher.hash(users.presented_password(password))
        with suppress(RollbookError):
            store.write(lambda roll: roll.users.rehash(user, renewed))


def _decide(roll: Roll, wanted: SignIn, checked: _Checked, gate: Gate, now: datetime) -> Decision:
    match = decide(roll.devices.candidates(wanted.presented))
    user = roll.users.get(checked.user.user_id if checked.user else "")
    profile = roll.profiles.get(match.device.profile_id if match.device else "")
    cause = checked.cause or _cause(checked.user, user, match)
    about = About(Action.SIGN_IN_DEVICE, now, _subject(match.device, checked))
    if cause or user is None or match.device is None or profile is None:
        named = "" if checked.user_id else wanted.user_name
        gate.failed(roll, Asked(about, _guessed(gate, wanted), wanted.presented, named), cause)
        return Decision(Outcome.NOT_REGISTERED, cause)
    device = _register(roll, match.device, user.user_id, wanted.request_id, now)
    if device is not match.device:
        is_again = _stands(match.device, user.user_id)
        gate.registered(roll, about, match.rule, is_again=is_again)
    if match.device.state is DeviceState.PENDING:
        gate.gained(attempts.SIGN_INS, now)
    return Decision(Outcome.REGISTERED, match.rule, device, profile, user)


def _guessed(gate: Gate, wanted: SignIn) -> tuple[Attempt, ...]:
    name = _typed(wanted.user_name)
    return attempts.of_sign_in(gate.mark, wanted.presented, name, wanted.password)


def _subject(device: Device | None, checked: _Checked) -> Subject:
    if device is None:
        return Subject(resource_id=checked.user_id)
    return Subject(device.profile_id, device.device_id, checked.user_id)


def _stands(device: Device, user_id: str) -> bool:
    """Tell whether to register the device to the user changes nothing."""
    return device.state is DeviceState.REGISTERED and device.user_id == user_id


def _cause(before: User | None, user: User | None, match: Match) -> str:
    """Say why the device is refused to someone who knew the password; empty if it is not."""
    if before is None or user is None or not user.can_sign_in or _differs(before, user):
        return "USER_CHANGED"
    if match.device is None:
        return "AMBIGUOUS" if match.rule is MatchRule.AMBIGUOUS else "UNKNOWN_DEVICE"
    return ""


def _differs(before: User, user: User) -> bool:
    """Tell whether the password changed; another hash alone may be the same one renewed."""
    return user.password_hash != before.password_hash and user.revision != before.revision


def _register(roll: Roll, device: Device, user_id: str, request_id: str, now: datetime) -> Device:
    if device.user_id == user_id and request_id and request_id == device.last_request_id:
        return device
    given = device if device.user_id == user_id else roll.devices.give_to(device, user_id)
    return take_place(roll, given, request_id, now)
