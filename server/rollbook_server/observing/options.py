"""The options of `rollbook serve` that are about what others see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rollbook_server.logs import ACCESS_LEVELS, FORMATS, LEVELS, LogSettings

if TYPE_CHECKING:
    from collections.abc import Callable

_OPTIONS = (
    click.option(
        "--metrics",
        default="",
        envvar="ROLLBOOK_METRICS",
        metavar="HOST:PORT",
        help="Tell metrics to Prometheus on http://HOST:PORT/metrics, without encryption and to "
        "whoever asks; nobody is told if this is left out.",
    ),
    click.option(
        "--metrics-public",
        is_flag=True,
        envvar="ROLLBOOK_METRICS_PUBLIC",
        help="Let --metrics be an address that other machines can reach.",
    ),
    click.option(
        "--traces",
        is_flag=True,
        envvar="ROLLBOOK_TRACES",
        help="Send spans to OTEL_EXPORTER_OTLP_ENDPOINT, by OTLP over HTTP.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(FORMATS),
        default=LogSettings().format,
        show_default=True,
        envvar="ROLLBOOK_LOG_FORMAT",
        help="Lines for people, or an object of JSON on each.",
    ),
    click.option(
        "--log-level",
        type=click.Choice(LEVELS),
        default=LogSettings().level,
        show_default=True,
        envvar="ROLLBOOK_LOG_LEVEL",
        help="From where on things are logged. SIGUSR1 has everything logged while the server "
        "runs, SIGUSR2 takes that back.",
    ),
    click.option(
        "--access-log",
        type=click.Choice(list(ACCESS_LEVELS)),
        default=LogSettings().access,
        show_default=True,
        envvar="ROLLBOOK_ACCESS_LOG",
        help="Log a line for each call, or for each that fails.",
    ),
)


def with_observing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it takes them with `log_settings`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def log_settings(settings: dict[str, Any]) -> LogSettings:
    """Take those of the log out of all settings."""
    return LogSettings(
        settings.pop("log_format"), settings.pop("log_level"), settings.pop("access_log")
    )
