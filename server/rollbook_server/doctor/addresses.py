"""The address to listen on: free, or held by a server that answers."""

from __future__ import annotations

from errno import EADDRINUSE
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rollbook_server.config import ConfigError, split_address
from rollbook_server.doctor import certificates
from rollbook_server.doctor.findings import ok, skipped, warning, wrong
from rollbook_server.listening import check_free

if TYPE_CHECKING:
    from rollbook_server.config import Config
    from rollbook_server.doctor.findings import Finding

_ADDRESS = "address"
_ASK_SECONDS = 5.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - asked for, not bound


def address(config: Config, server: int | None, *, is_shared: bool) -> Finding:
    """Look whether the server can have its address, or has it.

    `server` is the process that has the database, if one has; of one that `is_shared` nobody
    knows.
    """
    if split_address(config.listen)[1] == "0":
        return skipped(_ADDRESS, "port 0 is any that is free")
    try:
        check_free(config.listen)
    except ConfigError as error:
        if not is_held(error):
            return unusable(_ADDRESS, error, "--listen")
        return _held(config, server, str(error), is_shared=is_shared)
    if server:
        return warning(
            _ADDRESS,
            f"{config.listen} is free, and process {server} serves the database elsewhere",
            "Name its address with --listen to have it checked.",
        )
    return ok(_ADDRESS, f"{config.listen} is free")


def is_held(error: ConfigError) -> bool:
    """Tell whether an address that cannot be used is somebody else's."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno == EADDRINUSE


def unusable(name: str, error: ConfigError, option: str) -> Finding:
    """Say what is wrong with an address that nobody else has either."""
    advice = f"Name an address of this machine with {option}; ports below 1024 are for root."
    return wrong(name, str(error), advice)


def _held(config: Config, server: int | None, why: str, *, is_shared: bool) -> Finding:
    status = _health(config)
    if status is not None and not server and not is_shared:
        return warning(
            _ADDRESS,
            f"another server answers on {config.listen}, and none is on this database",
            "Choose another --listen, or stop that one; --data-dir names its directory.",
        )
    if status == health_pb2.HealthCheckResponse.SERVING:
        return ok(_ADDRESS, f"a server answers on {config.listen}: SERVING")
    if status is not None:
        return wrong(
            _ADDRESS,
            f"a server answers on {config.listen}: NOT_SERVING",
            "Its database does not answer, or it is stopping: look into its log.",
        )
    if server:
        return warning(
            _ADDRESS,
            f"{config.listen} is held, and does not say how it is",
            f"Process {server} has the database. {_how_to_ask(config)}",
        )
    port = split_address(config.listen)[1]
    return wrong(
        _ADDRESS,
        f"{why} No Rollbook answers there",
        f"`ss -ltnp 'sport = :{port}'` shows which program has it; or choose another --listen.",
    )


def _how_to_ask(config: Config) -> str:
    if config.tls_client_ca:
        return "Who asks has to show a certificate: `rollbook health --cert FILE --key FILE`."
    return "Give the doctor the TLS options of `serve`, too."


def _health(config: Config) -> int | None:
    """Ask whoever has the address for its health; None if it does not say."""
    with _channel(config) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            request = health_pb2.HealthCheckRequest()
            return int(stub.Check(request, timeout=_ASK_SECONDS).status)
        except grpc.RpcError:
            return None


def to_ask(address: str) -> str:
    """Give the address by which to ask whoever listens on this one."""
    host, port = split_address(address)
    return f"{_EVERYWHERE.get(host, f'[{host}]' if ':' in host else host)}:{port}"


def _channel(config: Config) -> grpc.Channel:
    target = to_ask(config.listen)
    if config.tls_cert is None:
        return grpc.insecure_channel(target)
    trusted, name = certificates.as_authority(config.tls_cert)
    credentials = grpc.ssl_channel_credentials(root_certificates=trusted)
    options = [("grpc.ssl_target_name_override", name)] if name else []
    return grpc.secure_channel(target, credentials, options)
