"""The address of the metrics: free, or held by a server that tells them."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

from rollbook_server.config import ConfigError, split_address
from rollbook_server.doctor.addresses import is_held, to_ask, unusable
from rollbook_server.doctor.findings import ok, skipped, warning, wrong
from rollbook_server.listening import check_free
from rollbook_server.observing.endpoint import PATH, SERVER
from rollbook_server.patience import Patience

if TYPE_CHECKING:
    from rollbook_server.config import Config
    from rollbook_server.doctor.findings import Finding

_METRICS = "metrics"
_ASK_SECONDS = 10.0  # as Prometheus, for all of it; workers that hang take eight
_LOOKED_AT = 1024 * 1024  # bytes: a stranger may send without end
_OURS = b"# HELP rollbook_"
_TRY = "Ask again in a moment: too many may ask at once. If that stays, look into its log."


def address(config: Config, server: int | None, *, is_shared: bool) -> Finding:
    """Look whether the server can have the address of its metrics, or has it.

    `server` is the process that has the database, if one has; of one that `is_shared` nobody
    knows.
    """
    if not config.metrics:
        return ok(_METRICS, "none: the server tells none")
    if split_address(config.metrics)[1] == "0":
        return skipped(_METRICS, "port 0 is any that is free")
    try:
        check_free(config.metrics, "--metrics")
    except ConfigError as error:
        if not is_held(error):
            return unusable(_METRICS, error, "--metrics")
        return _held(config.metrics, str(error), is_known=server is not None or is_shared)
    if server:
        return warning(
            _METRICS,
            f"{config.metrics} is free, and process {server} serves the database without it",
            "Name the address of its metrics with --metrics to have it checked.",
        )
    return ok(_METRICS, f"{config.metrics} is free")


def _held(address: str, why: str, *, is_known: bool) -> Finding:
    answer = _asked(address)
    if answer is None or not answer.is_ours:
        port = split_address(address)[1]
        silent = f"It gave no answer of HTTP within {_ASK_SECONDS:g} seconds"
        told = "No Rollbook tells metrics there" if answer else silent
        return wrong(
            _METRICS,
            f"{why} {told}",
            f"`ss -ltnp 'sport = :{port}'` shows which program has it; or choose another "
            "--metrics.",
        )
    if not is_known:
        return warning(
            _METRICS,
            f"another server tells its metrics on {address}, and none is on this database",
            "Choose another --metrics, or stop that one; --data-dir names its directory.",
        )
    if answer.status != HTTPStatus.OK:
        found = f"a server has {address}, and tells none now: it answers {answer.status}"
        return warning(_METRICS, found, _TRY)
    return ok(_METRICS, f"a server tells them on {address}")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    is_ours: bool


def _asked(address: str) -> _Answer | None:
    """Ask whoever has the address as Prometheus would; None if it gives no answer.

    All of it is bounded: a stranger may send a little again and again.
    """
    answers = list[_Answer]()
    try:
        Patience(lambda: answers.append(_answer(address)), _ASK_SECONDS).wait()
    except (OSError, HTTPException):
        return None
    return answers[0]


def _answer(address: str) -> _Answer:
    connection = HTTPConnection(to_ask(address), timeout=_ASK_SECONDS)
    try:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        # Servers from before they said who they are show it by what they tell.
        is_ours = answer.getheader("Server") == SERVER or _OURS in answer.read(_LOOKED_AT)
        return _Answer(answer.status, is_ours)
    finally:
        connection.close()
