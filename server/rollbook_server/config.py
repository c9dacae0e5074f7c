"""The settings of a server: one dataclass; whether they go together, `settings_check` knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - read from the annotations when options are made of them

from rollbook_server.domain.guess_limits import GuessLimits
from rollbook_server.domain.tokens import TokenLimits
from rollbook_server.domain.upload_limits import UploadLimits
from rollbook_server.logs import ACCESS_LEVELS, FORMATS, LEVELS, LogSettings
from rollbook_server.settings.declared import declared, inner, setting, settings

DEFAULT_LISTEN = "127.0.0.1:7443"
DEFAULT_IDLE_SECONDS = 60
DEFAULT_DRAIN_SECONDS = 8  # Docker kills after ten
_DAY_SECONDS = 86_400
DATABASE_NAME = "rollbook.db"
SEALING_KEY_NAME = "sealing.key"
_EXAMPLES = {"--listen": DEFAULT_LISTEN, "--metrics": "127.0.0.1:9464"}


class ConfigError(Exception):
    """A setting cannot be used; the text says which and what to write instead."""


@dataclass(frozen=True, slots=True)
class Config:
    """How a server runs.

    A field that declares a setting is an option of `rollbook serve`, a variable of the
    environment, a key of its file and a line of `--print-config`, without a word elsewhere.

    Each of several workers is told that it `shares_port`. `sealing_keys` is the content of a
    file of sealing keys, from the environment, in place of one. Threads serve one call each, and
    every stream of an upload or an inventory holds one: `upload_streams` and
    `export_streams` together stay well below `threads`. For a thread at most `waiting_calls`
    wait; more are turned away with SERVER_BUSY.
    """

    data_dir: Path = field(
        metadata=setting(
            "Where keys and the embedded database are kept.",
            default="$XDG_DATA_HOME/rollbook or ~/.local/share/rollbook",
            folder=True,
        )
    )
    listen: str = field(
        default=DEFAULT_LISTEN,
        metadata=setting("Where to listen; port 0 takes a free one.", metavar="HOST:PORT"),
    )
    database: str = field(
        default="",
        repr=False,  # it may hold a password
        metadata=setting(
            "sqlite:///PATH, or postgresql://USER@HOST/NAME, which several servers may share. A "
            "password belongs into PGPASSFILE or the variable.",
            metavar="URL",
            default="a file in the data directory",
            secret=True,
        ),
    )
    upgrade: bool = field(
        default=True,
        metadata=setting(
            "Bring the schema of an older database up to date, or refuse it: `rollbook database "
            "upgrade` does it as well."
        ),
    )
    workers: int = field(
        default=1,
        metadata=setting(
            "Processes that serve the address together, each on a core of its own; only with "
            "PostgreSQL.",
            metavar="COUNT",
            at_least=1,
        ),
    )
    shares_port: bool = False
    sealing_key_file: Path | None = field(
        default=None,
        metadata=setting(
            "What token values and the audit log are sealed with; made if it is missing and there "
            "is neither yet. ROLLBOOK_SEALING_KEY holds the content of such a file, in place of "
            "it.",
            default="sealing.key in the data directory",
        ),
    )
    # No setting: what stands on a command line can be seen by every user.
    sealing_keys: str = field(default="", repr=False)
    tls_cert: Path | None = field(
        default=None,
        metadata=setting(
            "Speak TLS with this certificate, in PEM, followed by those that issued it. A new one "
            "in its place is served without a restart."
        ),
    )
    tls_key: Path | None = field(
        default=None, metadata=setting("The private key of the certificate.")
    )
    tls_client_ca: Path | None = field(
        default=None,
        metadata=setting(
            "Let in nobody, devices and probes included, who has no certificate of the "
            "authorities in this file."
        ),
    )
    allow_plaintext: bool = field(
        default=False, metadata=setting("Listen beyond this machine without encryption.")
    )
    public_address: str = field(
        default="",
        metadata=setting(
            "What QR codes tell devices to call.",
            metavar="HOST:PORT",
            default="the address listened on",
        ),
    )
    reflection: bool = field(
        default=True,
        metadata=setting("Tell callers with a key what the services are, as grpcurl asks."),
    )
    upload_limits: UploadLimits = field(
        default_factory=UploadLimits,
        metadata=settings(
            max_rows=inner(
                "max_rows", "Rows that one upload may have.", metavar="COUNT", at_least=1
            )
        ),
    )
    token_limits: TokenLimits = field(
        default_factory=TokenLimits,
        metadata=settings(
            token_default_days=inner("default_days", "How long a new token lives.", metavar="DAYS"),
            token_min_days=inner(
                "fewest_days",
                "The fewest days by which a token can be extended.",
                metavar="DAYS",
            ),
            token_max_days=inner(
                "most_days",
                "The most days by which a token can be extended; 3,650 at most.",
                metavar="DAYS",
            ),
        ),
    )
    guess_limits: GuessLimits = field(
        default_factory=GuessLimits,
        metadata=settings(
            wrong_tokens=inner(
                "wrong_tokens",
                "Different wrong tokens that one address may present in an hour; right ones "
                "always open.",
                metavar="COUNT",
                at_least=1,
            ),
            wrong_devices=inner(
                "wrong_devices",
                "Different identifiers of devices not on the roll that one address may present in "
                "an hour; one more for every 4 devices that register from there.",
                metavar="COUNT",
                at_least=1,
            ),
            wrong_sign_ins=inner(
                "wrong_sign_ins",
                "Different wrong passwords and identifiers with which one address may sign in in "
                "an hour.",
                metavar="COUNT",
                at_least=1,
            ),
        ),
    )
    upload_streams: int = 8
    export_streams: int = 4
    threads: int = 32
    waiting_calls: int = 512
    idle_seconds: float = field(
        default=DEFAULT_IDLE_SECONDS,
        metadata=setting(
            "How long a caller may send nothing of an upload, or take nothing of an inventory, "
            "before it loses its place; an upload can be resumed.",
            metavar="SECONDS",
            at_least=1,
            at_most=_DAY_SECONDS,
        ),
    )
    drain_seconds: float = field(
        default=DEFAULT_DRAIN_SECONDS,
        metadata=setting(
            "Within how long it ends when it is told to stop: calls under way have three quarters "
            "of that. What was answered is kept in any case.",
            metavar="SECONDS",
            at_least=1,
            at_most=_DAY_SECONDS,
        ),
    )
    allow_csv_profile_edit: bool = field(
        default=False,
        metadata=setting("Let name and description of profiles for CSV files be changed, too."),
    )
    metrics: str = field(
        default="",
        metadata=setting(
            "Tell metrics to Prometheus on http://HOST:PORT/metrics, without encryption and to "
            "whoever asks; nobody is told if this is left out.",
            metavar="HOST:PORT",
        ),
    )
    metrics_public: bool = field(
        default=False,
        metadata=setting("Let --metrics be an address that other machines can reach."),
    )
    traces: bool = field(
        default=False,
        metadata=setting("Send spans to OTEL_EXPORTER_OTLP_ENDPOINT, by OTLP over HTTP."),
    )
    logs: LogSettings = field(
        default_factory=LogSettings,
        metadata=settings(
            log_format=inner(
                "format", "Lines for people, or an object of JSON on each.", choices=FORMATS
            ),
            log_level=inner(
                "level",
                "From where on things are logged. SIGUSR1 has everything logged while the server "
                "runs, SIGUSR2 takes that back.",
                choices=LEVELS,
            ),
            access_log=inner(
                "access",
                "Log a line for each call, or for each that fails.",
                choices=tuple(ACCESS_LEVELS),
            ),
        ),
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


SETTINGS = declared(Config)


def split_address(address: str, option: str = "--listen") -> tuple[str, str]:
    """Give host and port of HOST:PORT or [IPV6]:PORT."""
    host, colon, port = address.rpartition(":")
    if not colon or not host:
        raise ConfigError(f"{option} {address}: write HOST:PORT, such as {_EXAMPLES[option]}.")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ConfigError(f"{option} {address}: an IPv6 address stands in brackets, [::1]:PORT.")
    return host.strip("[]"), port
