"""Tells the audit log what devices and strangers were told, and the true reason."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain import audit, callers
from rollbook_server.domain.audit import DEVICE_AGENT, DONE, Action, Deed, Subject
from rollbook_server.domain.audit_limits import Kind, RefusalLimit
from rollbook_server.domain.imeis import spelled_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from rollbook_server.domain.callers import Caller
    from rollbook_server.domain.guessing import Alarm
    from rollbook_server.domain.matching import Presented
    from rollbook_server.domain.ports import Roll, Store

_MARK_DIGITS = 12  # of the keyed digest: tells a million devices of one model apart
_MARKED = 128  # characters of a text: anyone may send very long ones
_SHOWN = 2  # characters at the end, by which people find the device in their hands
_SHOWN_FROM = 8  # characters; of shorter texts these would be too much


class About(NamedTuple):
    """What was asked for, when the call came, and what it was about."""

    action: Action
    now: datetime
    subject: Subject


class Witness:
    """Records registrations, and refusals as far as `RefusalLimit` lets it. Thread-safe.

    `keyed` is a digest that takes a key: by it an auditor sees that the same device was
    refused again, and nobody without the key file finds out which one it was.
    """

    def __init__(self, keyed: Callable[[str], bytes]) -> None:
        self._keyed = keyed
        # Apart, so that a fleet which enrolls again leaves room for refusals, and they
        # for alarms.
        self._refusals, self._again, self._alarms = (RefusalLimit() for _ in range(3))

    def registered(self, roll: Roll, about: About, rule: str, *, is_again: bool) -> None:
        """Tell that a device took its place, or `is_again` that it had it already.

        The latter changes nothing on the roll and may come any number of times: it is
        limited as refusals are.
        """
        action, now, subject = about
        source = callers.current().source
        if is_again and not self._again.admits(Kind(action, DEVICE_AGENT, source, DONE), now):
            return
        details = _registered_by(rule, is_again=is_again)
        roll.audit.record(Deed(now, action, DEVICE_AGENT, source, subject, DONE, details))

    def refused(
        self, roll: Roll, about: About, reason: str, presented: Presented, user_name: str = ""
    ) -> None:
        """Tell that a device was refused, and as which it presented itself."""
        kind = Kind(about.action, DEVICE_AGENT, callers.current().source, reason)
        if self._refusals.admits(kind, about.now):
            marks = dict(self._marks(presented, user_name))
            audit.tell(roll, *about, marks, reason=reason)

    def held(self, about: About, reason: str) -> None:
        """Count a device that was refused before anything was looked up for it."""
        kind = Kind(about.action, DEVICE_AGENT, callers.current().source, reason)
        self._refusals.count(kind, about.now)

    def alarmed(self, roll: Roll, about: About, alarm: Alarm) -> None:
        """Tell that too much is guessed: from the caller's address, its network, or by all."""
        source = callers.current().source if alarm.origin else ""
        kind = Kind(Action.RAISE_ALARM, DEVICE_AGENT, source, alarm.door.kind)
        if self._alarms.admits(kind, about.now):
            details = {
                "count": alarm.guesses,
                "network": alarm.origin if "/" in alarm.origin else "",
            }
            told, subject = audit.details_of(details), _alarm_subject(about, alarm)
            deed = Deed(about.now, kind.action, kind.actor, source, subject, kind.reason, told)
            roll.audit.record(deed)

    def turned_away(
        self, store: Store, method: str, caller: Caller, reason: str, now: datetime
    ) -> None:
        """Tell that a call was refused for want of a key or right.

        What cannot be told now is counted, and told when the period ends; what it raises
        then is for the log alone.
        """
        action = method.rpartition("/")[2]
        kind = Kind(action, caller.api_key_id, caller.source, reason)
        if not self._refusals.admits(kind, now):
            return
        try:
            with callers.calling(caller):
                store.write(lambda roll: audit.tell(roll, action, now, Subject(), reason=reason))
        except Exception:
            self._refusals.count(kind, now)
            raise

    def settle(self, store: Store, now: datetime, _: Callable[[], bool] = bool) -> None:
        """Tell what was counted in the period that ends; raises RollbookError as a store does."""
        sums = [each for limit in self._limits() for each in limit.take()]
        if not sums:
            return

        def tell(roll: Roll) -> None:
            for each in sums:
                details = audit.details_of({"count": each.count, "since": each.since.isoformat()})
                action, actor, source, reason = each.kind
                deed = Deed(now, action, actor, source, Subject(), reason, details)
                roll.audit.record(deed)

        try:
            store.write(tell)
        except BaseException:
            self._refusals.put_back(sums)
            raise

    def _limits(self) -> tuple[RefusalLimit, ...]:
        return self._refusals, self._again, self._alarms

    def _marks(self, presented: Presented, user_name: str) -> Iterator[tuple[str, str]]:
        if presented.imeis:
            yield "imei", ",".join(self._mark("imei", spelled_out(i)) for i in presented.imeis)
        if presented.serial_number:
            yield "serial_number", self._mark("serial number", presented.serial_number)
        if user_name:
            yield "user_name", self._mark("user name", user_name, shown=0)

    def _mark(self, kind: str, text: str, shown: int = _SHOWN) -> str:
        # No token value has a colon: no digest of one is ever the same.
        text = text[:_MARKED]
        digits = self._keyed(f"audit {kind}:{text}").hex()[:_MARK_DIGITS]
        return f"{digits}..{text[-shown:]}" if shown and len(text) >= _SHOWN_FROM else digits


def _alarm_subject(about: About, alarm: Alarm) -> Subject:
    """Give the token or user behind a door of its own; others are about nobody."""
    subject = about.subject
    return subject._replace(device_id="") if alarm.door.name else Subject()


@cache
def _registered_by(rule: str, *, is_again: bool) -> str:
    return audit.details_of({"rule": rule, "again": "yes" if is_again else ""})
