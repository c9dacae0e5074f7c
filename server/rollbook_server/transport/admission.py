"""Who may make a call: its API key and the right it needs, and who is told of a refusal."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from rollbook_server.domain import rights, tracks
from rollbook_server.domain.callers import Caller
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.rights import Right
from rollbook_server.transport.disclosure import disclosed
from rollbook_server.transport.peers import source_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook_server.domain.api_keys import ApiKey

    TurnedAway = Callable[[str, Caller, Reason], None]

_log = logging.getLogger(__name__)

OPEN_SERVICES = frozenset({"rollbook.v1.EnrollmentService", "grpc.health.v1.Health"})
"""What may be called without a key: device agents and probes have none."""

RIGHTLESS_SERVICES = frozenset(
    {"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
)
"""What may be called with any key: it tells nothing of what is stored."""

_WHOLE = OPEN_SERVICES | RIGHTLESS_SERVICES  # their answers are the same for everybody

_PACKAGE = "/rollbook.v1."

_REFUSALS = frozenset(
    {
        Reason.API_KEY_MISSING,
        Reason.API_KEY_INVALID,
        Reason.API_KEY_EXPIRED,
        Reason.API_KEY_REVOKED,
        Reason.RIGHT_MISSING,
    }
)


class Keys(Protocol):
    """Checks the values of API keys, as `domain.key_ring.KeyRing` does."""

    def check(self, value: str) -> ApiKey:
        """Give the key that has this value now; raises RollbookError."""


class Admission:
    """Lets one call in; `check` it again at every message, so that it ends with its key.

    Both raise RollbookError with API_KEY_MISSING, API_KEY_INVALID,
    API_KEY_EXPIRED, API_KEY_REVOKED or RIGHT_MISSING.
    """

    def __init__(self, method: str, metadata: Any, keys: Keys, turned_away: TurnedAway) -> None:
        self.method, self._metadata, self._keys = method, metadata, keys
        self._turned_away = turned_away
        self._service = method.split("/")[1]

    def caller(self, peer: str) -> Caller:
        """Give who calls, from where gRPC says."""
        caller = Caller(source=source_of(peer))
        key = self.check()
        if key is None:
            return caller
        caller = replace(caller, api_key_id=key.api_key_id, rights=key.rights)
        _note(key)
        if self._service not in RIGHTLESS_SERVICES:
            rights.require(caller, self._rule())
        return caller

    def tell(self, error: RollbookError, peer: str) -> None:
        """Tell of a call that ends for want of a key or right, wherever that came to light.

        Whatever becomes of the telling, the call ends with the error.
        """
        if error.reason not in _REFUSALS:
            return
        caller = Caller(error.metadata.get("api_key_id", ""), source_of(peer))
        try:
            self._turned_away(self.method, caller, error.reason)
        except RollbookError as failure:
            _log.warning("a refused %s is counted, and told later: %s", self.method, failure)
        except Exception:  # noqa: BLE001 - a bug of ours must not turn the answer into another
            _log.exception("a refused %s is counted, and told later", self.method)

    def check(self) -> ApiKey | None:
        """Give the key of the call, if it has to have one."""
        return None if self._service in OPEN_SERVICES else self._keys.check(self._value())

    def disclosed(self, answer: Any, caller: Caller) -> Any:
        """Give of an answer what this caller may see."""
        if self._service in _WHOLE:
            return answer
        return disclosed(answer, self._rule(), caller.rights)

    def _rule(self) -> rights.Rule:
        """Give what the method needs; one that nobody thought of is for few."""
        return rights.NEEDED.get(self.method.removeprefix(_PACKAGE), Right.MANAGE_ACCESS)

    def _value(self) -> str:
        named = (value for name, value in self._metadata if name == "authorization")
        scheme, _, value = str(next(named, "")).partition(" ")
        if scheme.lower() != "bearer" or not value:
            raise RollbookError(
                Reason.API_KEY_MISSING,
                "This call needs an API key, sent as metadata `authorization: Bearer KEY`. "
                "The server keeps its first one in admin.key of its data directory.",
            )
        return value.strip()


def _note(key: ApiKey) -> None:
    """Let logs know who calls, if the call is followed."""
    track = tracks.current()
    if track is not None:
        track.api_key_id = key.api_key_id
