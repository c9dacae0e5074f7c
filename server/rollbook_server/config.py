"""The settings of a server: one dataclass, checked before anything is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollbook_server.domain.addresses import is_loopback
from rollbook_server.domain.guess_limits import GuessLimits
from rollbook_server.domain.tokens import TokenLimits
from rollbook_server.domain.upload_sessions import UploadLimits
from rollbook_server.logs import LogSettings

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_LISTEN = "127.0.0.1:7443"
DEFAULT_IDLE_SECONDS = 60
DATABASE_NAME = "rollbook.db"
SEALING_KEY_NAME = "sealing.key"
_EXAMPLES = {"--listen": DEFAULT_LISTEN, "--metrics": "127.0.0.1:9464"}
_MAX_PORT = 65535
_LONGEST_TOKEN_DAYS = 3650  # ten years: what lives longer is no enrollment token
_PORT = re.compile("[0-9]{1,5}")
# A name or an IPv4 address, or an IPv6 address in brackets; then perhaps a port.
_DESTINATION = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")


class ConfigError(Exception):
    """A setting cannot be used; the text says which and what to write instead."""


@dataclass(frozen=True, slots=True)
class Config:
    """How a server runs.

    `database` is a URL such as sqlite:////var/lib/rollbook/roll.db or
    postgresql://rollbook@db.example.com/roll; empty for a file in `data_dir`.
    `upgrade` lets the schema of an older database be brought up to date.
    `workers` processes serve the address together, each of which is told that it
    `shares_port`. `public_address` is what QR codes tell devices to call;
    empty for the address the server listens on. `sealing_key_file` holds what token
    values are sealed with; None for a file in `data_dir`. `sealing_keys` is the content of such
    a file, from the environment, in place of one. `tls_cert` and `tls_key`, PEM
    files, are for TLS; with `tls_client_ca` every caller must show a certificate of those
    authorities. Threads serve one call each, and
    every stream of an upload or an inventory holds one: `upload_streams` and
    `export_streams` together stay well below `threads`. Whoever sends no message of
    a call, or takes nothing of an inventory, for `idle_seconds` loses its place. For a
    thread at most `waiting_calls` wait; more are turned away with SERVER_BUSY.
    `allow_csv_profile_edit` lets name and description of CSV profiles be changed, too.
    `metrics` is where Prometheus fetches them, empty for nowhere; an address that other
    machines can reach has to be `metrics_public`. With `traces` spans are sent to a collector.
    """

    data_dir: Path
    listen: str = DEFAULT_LISTEN
    database: str = field(default="", repr=False)  # it may hold a password
    upgrade: bool = True
    workers: int = 1
    shares_port: bool = False
    public_address: str = ""
    sealing_key_file: Path | None = None
    sealing_keys: str = field(default="", repr=False)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    allow_plaintext: bool = False
    allow_csv_profile_edit: bool = False
    token_limits: TokenLimits = field(default_factory=TokenLimits)
    guess_limits: GuessLimits = field(default_factory=GuessLimits)
    upload_limits: UploadLimits = field(default_factory=UploadLimits)
    upload_streams: int = 8
    export_streams: int = 4
    idle_seconds: float = DEFAULT_IDLE_SECONDS
    threads: int = 32
    waiting_calls: int = 512
    grace_seconds: float = 5.0
    metrics: str = ""
    metrics_public: bool = False
    traces: bool = False
    logs: LogSettings = field(default_factory=LogSettings)

    def check(self) -> None:
        """Raise ConfigError for what cannot work."""
        self._check_encryption(_checked_host("--listen", self.listen))
        self._check_metrics()
        if self.idle_seconds <= 0:
            raise ConfigError(f"--idle-seconds {self.idle_seconds:g}: must be above 0.")
        if self.sealing_keys and self.sealing_key_file:
            raise ConfigError("ROLLBOOK_SEALING_KEY and --sealing-key-file exclude each other.")
        self._check_public_address()
        self._check_token_limits()

    def _check_encryption(self, host: str) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("--tls-cert and --tls-key are given together or not at all.")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ConfigError("--tls-client-ca needs --tls-cert and --tls-key: it is for TLS.")
        if not self.tls_cert and not self.allow_plaintext and not is_loopback(host):
            raise ConfigError(
                f"--listen {self.listen} can be reached from other machines, which could read "
                "API keys and tokens on the way: encrypt with --tls-cert FILE --tls-key FILE. If "
                "something in front of the server speaks TLS, add --allow-plaintext."
            )

    def _check_metrics(self) -> None:
        if not self.metrics:
            return
        host = _checked_host("--metrics", self.metrics)
        if not self.metrics_public and not is_loopback(host):
            raise ConfigError(
                f"--metrics {self.metrics} can be reached from other machines, which need no key "
                "to read how much is on the roll and why devices are refused, which these are "
                "never told. If they may, add --metrics-public."
            )

    def _check_public_address(self) -> None:
        found = _DESTINATION.fullmatch(self.public_address)
        if self.public_address and not (found and 1 <= int(found[2] or 1) <= _MAX_PORT):
            raise ConfigError(
                f"--public-address {self.public_address!r}: write HOST:PORT or HOST, such as "
                "enroll.example.com:443, without a scheme, a path or spaces."
            )

    def _check_token_limits(self) -> None:
        limits = self.token_limits
        days = (1, limits.fewest_days, limits.default_days, limits.most_days, _LONGEST_TOKEN_DAYS)
        if list(days) != sorted(days):
            raise ConfigError(
                f"--token-min-days {limits.fewest_days}, --token-default-days "
                f"{limits.default_days} and --token-max-days {limits.most_days} must rise in this "
                f"order, from 1 to {_LONGEST_TOKEN_DAYS} at most."
            )

    def make_data_dir(self) -> None:
        """Make the data directory, for its owner alone; raises ConfigError if that fails."""
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"cannot make the data directory {self.data_dir}: {error.strerror}"
            ) from error

    def sealing_key_path(self) -> Path:
        """Give the file of the sealing keys."""
        return self.sealing_key_file or self.data_dir / SEALING_KEY_NAME

    def default_database(self) -> Path:
        """Give the file of the database where `database` names none."""
        return self.data_dir / DATABASE_NAME


def split_address(address: str, option: str = "--listen") -> tuple[str, str]:
    """Give host and port of HOST:PORT or [IPV6]:PORT."""
    host, colon, port = address.rpartition(":")
    if not colon or not host:
        raise ConfigError(f"{option} {address}: write HOST:PORT, such as {_EXAMPLES[option]}.")
    return host.strip("[]"), port


def _checked_host(option: str, address: str) -> str:
    host, port = split_address(address, option)
    if not _PORT.fullmatch(port) or int(port) > _MAX_PORT:
        raise ConfigError(f"{option} {address}: the port must be 0 to {_MAX_PORT}.")
    return host
