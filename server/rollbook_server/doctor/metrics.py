"""The address of the metrics: free, or held by a server that tells them."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

from rollbook_server.config import ConfigError, split_address
from rollbook_server.doctor.addresses import is_held, to_ask, unusable
from rollbook_server.doctor.findings import ok, skipped, warning, wrong
from rollbook_server.listening import check_free
from rollbook_server.observing.endpoint import PATH

if TYPE_CHECKING:
    from rollbook_server.config import Config
    from rollbook_server.doctor.findings import Finding

_METRICS = "metrics"
_ASK_SECONDS = 5.0
_LOOKED_AT = 1024 * 1024  # bytes: a stranger may send without end
_OURS = b"# HELP rollbook_"


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
    if not _tells_metrics(address):
        port = split_address(address)[1]
        return wrong(
            _METRICS,
            f"{why} No Rollbook tells metrics there",
            f"`ss -ltnp 'sport = :{port}'` shows which program has it; or choose another "
            "--metrics.",
        )
    if not is_known:
        return warning(
            _METRICS,
            f"another server tells its metrics on {address}, and none is on this database",
            "Choose another --metrics, or stop that one; --data-dir names its directory.",
        )
    return ok(_METRICS, f"a server tells them on {address}")


def _tells_metrics(address: str) -> bool:
    """Ask whoever has the address as Prometheus would."""
    connection = HTTPConnection(to_ask(address), timeout=_ASK_SECONDS)
    try:
        connection.request("GET", PATH)
        return _OURS in connection.getresponse().read(_LOOKED_AT)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
