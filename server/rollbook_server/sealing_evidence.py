"""What shows at a start whether sealing keys are those of the database.

A few tokens and the end of the audit log are looked at, however many there are: a start stays
quick. One thing that the keys made is enough, for what was tampered with is no reason not to
start: `rollbook audit verify` names it.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.audit_chain import Seals
from rollbook_server.domain.errors import RollbookError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.domain.audit_chain import End
    from rollbook_server.domain.audit_repository import StoredLink
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.tokens import Token
    from rollbook_server.sealing import Sealer


class Evidence(NamedTuple):
    """The end of the audit log with its seal, the newest event, and some tokens.

    Whatever is sealed anew is so in the order of ids: where that was done of a part of the tokens
    only, the first and the last one are sealed with different keys.
    """

    end: tuple[End, bytes] | None
    newest: Sequence[StoredLink]
    tokens: Sequence[Token]


def evidence(roll: Roll) -> Evidence:
    """Look at what is stored."""
    end = roll.audit.end()
    newest = roll.audit.links(after=max(end[0].sequence - 1, 0), limit=1) if end else ()
    return Evidence(end, tuple(newest), roll.tokens.outermost())


def is_of_others(found: Evidence, sealer: Sealer) -> bool:
    """Tell whether anything is sealed, and nothing of it with these keys."""
    if found.end is None and not found.tokens:
        return False
    return not (_sealed_log(found, Seals(sealer.digest)) or _sealed_a_token(found, sealer))


def missing_keys(found: Evidence, sealer: Sealer) -> set[str]:
    """Give the ids of keys with which tokens are sealed, and that are not among these."""
    faults = (_opened(each, sealer) for each in found.tokens)
    return {
        each.metadata["key_id"]
        for each in faults
        if isinstance(each, RollbookError) and "key_id" in each.metadata
    }


def _sealed_log(found: Evidence, seals: Seals) -> bool:
    made = [(seals.of_event(each.digest), each.seal) for each in found.newest]
    if found.end is not None:
        end, seal = found.end
        made.append((seals.of_end(end), seal))
    return any(hmac.compare_digest(*each) for each in made)


def _sealed_a_token(found: Evidence, sealer: Sealer) -> bool:
    values = ((each, _opened(each, sealer)) for each in found.tokens)
    return any(
        isinstance(value, str) and hmac.compare_digest(sealer.digest(value), each.digest)
        for each, value in values
    )


def _opened(token: Token, sealer: Sealer) -> str | RollbookError:
    """Give the value of a token, or what keeps it from being read."""
    try:
        return sealer.unseal(
            token.sealed_value, token_id=token.token_id, profile_id=token.profile_id
        )
    except RollbookError as error:
        return error
