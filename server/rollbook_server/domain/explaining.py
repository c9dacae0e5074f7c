"""Tells an administrator how EnrollDevice would decide, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.domain import enrollment
from rollbook_server.domain.enrollment import Outcome
from rollbook_server.domain.matching import MatchRule
from rollbook_server.domain.near_misses import NearMiss, Search

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.enrollment import Decision, Enrollment
    from rollbook_server.domain.matching import Match
    from rollbook_server.domain.ports import Roll


@dataclass(frozen=True, slots=True)
class Explanation:
    """What EnrollDevice would answer; see `ExplainMatchResponse` in the contract."""

    outcome: Outcome
    rule: MatchRule
    device: Device | None
    near_misses: Sequence[NearMiss]


def explain(roll: Roll, presented: Enrollment, typed: Sequence[str], now: datetime) -> Explanation:
    """Decide as `enroll` would, write nothing, and look for what comes near.

    `typed` are the IMEIs as the device presents them.
    """
    finding = enrollment.find(roll, presented, now)
    search = Search(roll, presented.presented, typed, finding)
    decision = finding.decision
    rule = _rule(decision, search.match)
    return Explanation(decision.outcome, rule, decision.device, search.run())


def _rule(decision: Decision, match: Match) -> MatchRule:
    if decision.outcome is Outcome.SIGN_IN_REQUIRED:
        return MatchRule.TOKEN
    decided = decision.device is not None or match.rule is MatchRule.AMBIGUOUS
    return match.rule if decided else MatchRule.NONE
