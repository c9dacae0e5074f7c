"""Decides what a device that switches on is told.

The answer is an outcome, never an error, for anything a device can get wrong.
The precise cause stays on this side: it goes to the audit log, not to the device.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain import attempts, token_values
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.devices import DeviceState
from rollbook_server.domain.errors import Reason
from rollbook_server.domain.gate import Asked
from rollbook_server.domain.matching import Match, MatchRule, Presented, decide
from rollbook_server.domain.tokens import TokenState
from rollbook_server.domain.witness import About

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.gate import Gate
    from rollbook_server.domain.guessing import Attempt
    from rollbook_server.domain.ports import Roll, Sealer, Store
    from rollbook_server.domain.profiles import Profile
    from rollbook_server.domain.tokens import Token
    from rollbook_server.domain.users import User


class Outcome(StrEnum):
    """What the device is told; see `EnrollOutcome` in the contract."""

    REGISTERED = "REGISTERED"
    NOT_REGISTERED = "NOT_REGISTERED"
    SIGN_IN_REQUIRED = "SIGN_IN_REQUIRED"


class Enrollment(NamedTuple):
    """A device that wants to take its place.

    `token_digest` is None without a token and empty for one that cannot be a
    token at all. `request_id` may be empty.
    """

    presented: Presented
    token_digest: bytes | None = None
    request_id: str = ""


class Decision(NamedTuple):
    """The outcome, its true cause for the log, and the device if it is registered.

    `user` is who the device is given to: whoever signed in on it, else its profile's.
    With `wait_seconds` nothing was decided: the device is told when to come back.
    """

    outcome: Outcome
    cause: str
    device: Device | None = None
    profile: Profile | None = None
    user: User | None = None
    wait_seconds: float = 0.0

    @property
    def sign_in_available(self) -> bool:
        """Tell whether the device may ask for user and password (the seed's IReg)."""
        return self.outcome is Outcome.SIGN_IN_REQUIRED


class Finding(NamedTuple):
    """What is decided, and the presented token if there is such a one, open or not.

    `device` is the one that was found by its keys, registered or not.
    """

    decision: Decision
    token: Token | None = None
    device: Device | None = None

    @property
    def subject(self) -> Subject:
        """What it was about; the profile is that of the token, without one the device's."""
        owner = self.token or self.device
        return Subject(
            owner.profile_id if owner else "",
            self.device.device_id if self.device else "",
            self.token.token_id if self.token else "",
        )


def token_digest(sealer: Sealer, text: str) -> bytes | None:
    """Give what a presented token is looked up by; see Enrollment."""
    if not text.strip():
        return None
    value = token_values.normalise(text)
    return sealer.digest(value) if value else b""


def check(store: Store, enrollment: Enrollment, gate: Gate, now: datetime) -> None:
    """Turn away who guesses devices behind no token, before anything is looked up.

    Raises RollbookError with TOO_MANY_ATTEMPTS. Of others `enroll` decides: behind a token
    that has to be looked up first, and where IMEI and serial number may both be right.
    """
    presented = enrollment.presented
    if enrollment.token_digest is None and not attempts.may_be_proven(presented):
        about = About(Action.ENROLL_DEVICE, now, Subject())
        gate.check(store, Asked(about, (attempts.of_device(gate.mark, presented),), presented))


def enroll(roll: Roll, enrollment: Enrollment, gate: Gate, now: datetime) -> Decision:
    """Decide, and register the device if it is on the roll; the gate tells either.

    To enroll a registered device again succeeds with the same device; the same
    request_id counts once. Whoever guesses too much has to wait.
    """
    finding = find(roll, enrollment, now)
    asked = _asked(gate, enrollment, finding, now)
    if finding.decision.device is None:
        gate.hear(roll)
    seconds = gate.wait(asked) and _held(roll, enrollment, finding, asked, gate)
    if seconds:
        return Decision(Outcome.NOT_REGISTERED, Reason.TOO_MANY_ATTEMPTS, wait_seconds=seconds)
    return _follow(roll, enrollment, finding, asked, gate)


def _held(roll: Roll, enrollment: Enrollment, finding: Finding, asked: Asked, gate: Gate) -> float:
    """Give the seconds to wait; 0 for IMEI and serial number of one device, if not guessed."""
    pairs = asked._replace(attempts=(_pairs(gate, enrollment, finding),))
    longer = gate.wait(pairs)
    if longer:
        gate.held(roll, pairs)
    elif _is_proven(enrollment, finding):
        _gain(gate, finding, pairs)
        return 0.0
    else:
        gate.held(roll, asked)
        gate.count(roll, pairs)
    return max(longer, gate.wait(asked))


def _pairs(gate: Gate, enrollment: Enrollment, finding: Finding) -> Attempt:
    """Give what is guessed beyond the limit: nothing where the token is wrong already."""
    is_open = finding.decision.outcome is not Outcome.SIGN_IN_REQUIRED
    token_id = finding.token.token_id if finding.token else ""
    presented = enrollment.presented if is_open else Presented()
    return attempts.of_pairs(gate.mark, presented, token_id)


def _gain(gate: Gate, finding: Finding, pairs: Asked) -> None:
    """Let honest devices earn those of their address more pairs, as they do guesses."""
    device = finding.decision.device
    if device is not None and device.state is DeviceState.PENDING:
        gate.gained(pairs.attempts[0].door, pairs.about.now)


def _follow(
    roll: Roll, enrollment: Enrollment, finding: Finding, asked: Asked, gate: Gate
) -> Decision:
    """Do and tell what was found."""
    decision, now = finding.decision, asked.about.now
    if decision.device is None or decision.profile is None:
        gate.failed(roll, asked, decision.cause)
        return decision
    device = _register(roll, decision.device, finding.token, enrollment.request_id, now)
    is_again = decision.device.state is DeviceState.REGISTERED
    if device is not decision.device:
        gate.registered(roll, asked.about, decision.cause, is_again=is_again)
    if not is_again:
        gate.gained(asked.attempts[0].door, now)
    user_id = device.user_id or decision.profile.user_id
    user = roll.users.get(user_id) if user_id else None
    return decision._replace(device=device, user=user)


def _asked(gate: Gate, enrollment: Enrollment, finding: Finding, now: datetime) -> Asked:
    about = About(Action.ENROLL_DEVICE, now, finding.subject)
    return Asked(about, (_attempt(gate, enrollment, finding),), enrollment.presented)


def _attempt(gate: Gate, enrollment: Enrollment, finding: Finding) -> Attempt:
    if finding.decision.outcome is Outcome.SIGN_IN_REQUIRED:
        return attempts.of_token(gate.mark, enrollment.token_digest or b"")
    token_id = finding.token.token_id if finding.token else ""
    return attempts.of_device(gate.mark, enrollment.presented, token_id)


def _is_proven(enrollment: Enrollment, finding: Finding) -> bool:
    device = finding.decision.device
    return device is not None and attempts.is_proven(enrollment.presented, device)


def find(roll: Roll, enrollment: Enrollment, now: datetime) -> Finding:
    """Decide, and write nothing; the device is given as it stands before it is registered."""
    token = None
    if enrollment.token_digest is not None:
        token = roll.tokens.find(enrollment.token_digest) if enrollment.token_digest else None
        if token is None or token.state(now) is not TokenState.ACTIVE:
            cause = _token_cause(token, now)
            return Finding(Decision(Outcome.SIGN_IN_REQUIRED, cause), token)
    match = decide(roll.devices.candidates(enrollment.presented))
    if match.device is None or not _is_open(match.device, token):
        return _refused(roll, enrollment, match, token)
    # Read here, and for no device that is refused: to read it would tell that it is known.
    profile = roll.profiles.get(match.device.profile_id)
    decision = Decision(Outcome.REGISTERED, match.rule, match.device, profile)
    return Finding(decision, token, match.device)


def _refused(roll: Roll, enrollment: Enrollment, match: Match, token: Token | None) -> Finding:
    if match.rule in {MatchRule.IMEI, MatchRule.AMBIGUOUS}:
        roll.devices.overlook(enrollment.presented)
    refusal = Decision(Outcome.NOT_REGISTERED, _refusal_cause(match))
    return Finding(refusal, token, match.device)


def _token_cause(token: Token | None, now: datetime) -> str:
    return "TOKEN_UNKNOWN" if token is None else f"TOKEN_{token.state(now)}"


def _refusal_cause(match: Match) -> str:
    if match.device is not None:
        return "OTHER_PROFILE"
    return "AMBIGUOUS" if match.rule is MatchRule.AMBIGUOUS else "UNKNOWN_DEVICE"


def _is_open(device: Device, token: Token | None) -> bool:
    return device.tokenless if token is None else device.profile_id == token.profile_id


def _register(
    roll: Roll, device: Device, token: Token | None, request_id: str, now: datetime
) -> Device:
    if request_id and request_id == device.last_request_id:
        return device
    if token is not None:
        roll.tokens.count_use(token.token_id, now)
    return take_place(roll, device, request_id, now)


def take_place(roll: Roll, device: Device, request_id: str, now: datetime) -> Device:
    """Register the device, and count it in its profile if it is the first time."""
    if device.state is DeviceState.PENDING:
        roll.profiles.move_counts(device.profile_id, now, pending=-1, registered=+1)
    return roll.devices.register(device, request_id, now)
