"""Whether all settings of a server go together, found out before anything is opened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollbook_server.config import ConfigError, split_address
from rollbook_server.domain.addresses import is_loopback
from rollbook_server.storage import opening

if TYPE_CHECKING:
    from rollbook_server.config import Config

_MAX_PORT = 65535
_LONGEST_TOKEN_DAYS = 3650  # ten years: what lives longer is no enrollment token
_PORT = re.compile("[0-9]{1,5}")
# A name or an IPv4 address, or an IPv6 address in brackets; then perhaps a port.
_DESTINATION = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")


def check(config: Config) -> None:
    """Raise ConfigError or DatabaseUrlError for what is wrong in itself, on whatever machine."""
    _check_encryption(config, _checked_host("--listen", config.listen))
    _check_metrics(config)
    _check_seconds("--idle-seconds", config.idle_seconds)
    _check_seconds("--drain-seconds", config.drain_seconds)
    if config.sealing_keys and config.sealing_key_file:
        raise ConfigError("ROLLBOOK_SEALING_KEY and --sealing-key-file exclude each other.")
    _check_public_address(config)
    _check_token_limits(config)
    _check_workers(config)


def _check_encryption(config: Config, host: str) -> None:
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigError("--tls-cert and --tls-key are given together or not at all.")
    if config.tls_client_ca is not None and config.tls_cert is None:
        raise ConfigError("--tls-client-ca needs --tls-cert and --tls-key: it is for TLS.")
    if not config.tls_cert and not config.allow_plaintext and not is_loopback(host):
        raise ConfigError(
            f"--listen {config.listen} can be reached from other machines, which could read "
            "API keys and tokens on the way: encrypt with --tls-cert FILE --tls-key FILE. If "
            "something in front of the server speaks TLS, add --allow-plaintext."
        )


def _check_metrics(config: Config) -> None:
    if not config.metrics:
        return
    host = _checked_host("--metrics", config.metrics)
    if not config.metrics_public and not is_loopback(host):
        raise ConfigError(
            f"--metrics {config.metrics} can be reached from other machines, which need no key "
            "to read how much is on the roll and why devices are refused, which these are "
            "never told. If they may, add --metrics-public."
        )


def _check_seconds(option: str, seconds: float) -> None:
    if not seconds > 0:  # nor not a number, which is neither
        raise ConfigError(f"{option} {seconds:g}: must be above 0.")


def _check_public_address(config: Config) -> None:
    found = _DESTINATION.fullmatch(config.public_address)
    if config.public_address and not (found and 1 <= int(found[2] or 1) <= _MAX_PORT):
        raise ConfigError(
            f"--public-address {config.public_address!r}: write HOST:PORT or HOST, such as "
            "enroll.example.com:443, without a scheme, a path or spaces."
        )


def _check_token_limits(config: Config) -> None:
    limits = config.token_limits
    days = (1, limits.fewest_days, limits.default_days, limits.most_days, _LONGEST_TOKEN_DAYS)
    if list(days) != sorted(days):
        raise ConfigError(
            f"--token-min-days {limits.fewest_days}, --token-default-days "
            f"{limits.default_days} and --token-max-days {limits.most_days} must rise in this "
            f"order, from 1 to {_LONGEST_TOKEN_DAYS} at most."
        )


def _check_workers(config: Config) -> None:
    path = opening.sqlite_path(config.database, config.default_database())
    if path and config.workers > 1:
        raise ConfigError(
            f"--workers {config.workers}: SQLite has one writer, and one process has to be it. "
            "Several need PostgreSQL: --database postgresql://USER@HOST/NAME."
        )


def _checked_host(option: str, address: str) -> str:
    host, port = split_address(address, option)
    if not _PORT.fullmatch(port) or int(port) > _MAX_PORT:
        raise ConfigError(f"{option} {address}: the port must be 0 to {_MAX_PORT}.")
    return host
