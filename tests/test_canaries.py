"""What must not be told is found wherever it is told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from canaries import CANARIES, Canaries
from rollbook import NotFoundError
from rollbook_server import logs
from rollbook_server.domain import token_values
from rollbook_server.domain.errors import FieldsError, Reason
from rollbook_server.domain.redaction import redacted
from rollbook_server.passwords import Argon2Passwords
from rollbook_server.transport import statuses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Server

IMEI = "356938035643809"
TOKEN = token_values.new_value()
SECRETS = {
    "IMEI": [
        "356938035643809",
        "35693803564380",
        "3569380356438012",
        "35-693803-564380-9",
        "35 693803 564380 9",
    ],
    "token": [
        TOKEN,
        TOKEN.lower(),
        token_values.grouped(TOKEN),
        token_values.grouped(TOKEN).replace("-", " "),
        token_values.grouped(TOKEN).replace("-", "\u2013"),
    ],
    "API key": ["rbk_" + "aB3-_" * 8],
}
HARMLESS = """
2026-11-23 09:00:00,123 INFO rollbook_server: enrollment REGISTERED: IMEI 3569 prf-0123456789abcdef
00000000-0000-4000-8000-00000000000a 1234567.89012345 token ABCDE-*****-*****-*****-*****-***** rbk_
"""


@pytest.fixture
def leaks() -> Iterator[list[str]]:
    """Give what was found in this test, and forget it before the suite fails over it."""
    yield CANARIES.leaks
    CANARIES.leaks.clear()


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "is {}", "'{}'", "token={}, x", '{{"a":"{}"}}', "{}\n", "{}.", "{}.csv"]
)
def test_each_kind_is_known_by_its_form(kind: str, around: str) -> None:
    for secret in SECRETS[kind]:
        ours = Canaries()
        ours.look("here", around.format(secret))
        assert [leak.split(" '")[0] for leak in ours.leaks] == [kind]


@pytest.mark.parametrize("kind", SECRETS)
def test_secrets_are_taken_out_of_what_is_told(kind: str) -> None:
    for secret in SECRETS[kind]:
        for text in (secret, f"is '{secret}', or {secret}", f"\n{secret}\n", f"{secret}.csv"):
            ours = Canaries()
            ours.look("here", redacted(text))
            assert ours.leaks == []
            assert secret[4:] not in redacted(text)
    assert redacted(HARMLESS) == HARMLESS
    assert redacted("no. 35-693803-564380-8") == "no. 35-693803-564380-8"  # the check digit is 9


def test_the_log_of_a_process_is_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers = root.handlers[:]
    loggers = [root, logging.getLogger("rollbook_server"), logging.getLogger(logs.ACCESS)]
    levels = [logger.level for logger in loggers]
    root.handlers.clear()
    try:
        logs.begin(logs.LogSettings())
        logging.getLogger("other").error("no %s", IMEI, exc_info=RuntimeError(TOKEN))
    finally:
        root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    told = capfd.readouterr().err
    assert "ERROR other: no *************09" in told
    assert f"RuntimeError: {'*' * len(TOKEN)}" in told


def test_what_is_harmless_is_not_taken_for_a_secret() -> None:
    ours = Canaries()
    ours.look("here", HARMLESS)
    assert ours.leaks == []


def test_the_log_is_looked_at_with_its_tracebacks(leaks: list[str]) -> None:
    log = logging.getLogger("rollbook_server.transport.guard")
    log.info("enrollment of %s", IMEI)
    log.error("bug", exc_info=RuntimeError(TOKEN))
    assert [leak.partition(" in log: ")[0] for leak in leaks] == [
        f"IMEI '{IMEI}'",
        f"token '{TOKEN}'",
    ]


def test_lines_of_calls_are_looked_at_with_what_stands_beside_them(leaks: list[str]) -> None:
    logging.getLogger(logs.ACCESS).info("EnrollDevice OK", extra={"call": {"network": IMEI}})
    assert [leak.partition(" in log: ")[0] for leak in leaks] == [f"IMEI '{IMEI}'"]


def test_metrics_are_looked_at_with_their_labels(server: Server, leaks: list[str]) -> None:
    metrics = server.app.observation.metrics
    assert metrics is not None
    metrics.calls._families.errors.labels("service", "method", IMEI).inc()
    server.stop()
    metrics.calls._families.errors.clear()  # for it is stopped once more
    assert [leak.partition(" in metrics: ")[0] for leak in leaks] == [f"IMEI '{IMEI}'"]


def test_spans_are_looked_at_with_their_attributes(server: Server, leaks: list[str]) -> None:
    traces = server.app.observation._traces
    assert traces is not None
    with traces._tracer.start_as_current_span("call") as span:
        span.set_attribute("rollbook.reason", IMEI)
    assert [leak.partition(" in span: ")[0] for leak in leaks] == [f"IMEI '{IMEI}'"]


def test_statuses_are_looked_at_with_their_metadata(
    server: Server, monkeypatch: pytest.MonkeyPatch, leaks: list[str]
) -> None:
    def fail(*_: object) -> None:
        fields = {"device_id": f"is of {IMEI}"}
        raise FieldsError(fields, Reason.DEVICE_NOT_FOUND, f"no {IMEI}", imei=IMEI)

    monkeypatch.setattr(server.app._store, "read", fail)
    with server.admin() as admin, pytest.raises(NotFoundError, match=r"no \*{13}09") as caught:
        admin.get_device("dev-1")
    assert caught.value.metadata == {"imei": "*************09"}
    assert caught.value.fields == {"device_id": "is of *************09"}
    assert leaks == []

    monkeypatch.setattr(statuses, "redacted", str)
    with server.admin() as admin, pytest.raises(NotFoundError):
        admin.get_device("dev-1")
    assert len(leaks) == 4


def test_passwords_are_known_once_they_were_used(leaks: list[str]) -> None:
    hasher = Argon2Passwords()
    known = hasher.hash("seven bright canaries")
    hasher.verify("seven dull canaries", known)
    log = logging.getLogger("rollbook_server")
    for password in ("seven bright canaries", "seven dull canaries", "seven other canaries"):
        log.warning("no: %s", password)
    assert len(leaks) == 2


def test_files_are_looked_into(tmp_path_factory: pytest.TempPathFactory) -> None:
    ours, folder = Canaries(), tmp_path_factory.mktemp("elsewhere")
    (folder / "data").mkdir()
    (folder / "data" / "server.log").write_text(f"key {SECRETS['API key'][0]}")
    (folder / "rollbook-1.traceback").write_text(f"ValueError: {IMEI}")
    (folder / "devices.csv").write_text(IMEI)
    ours.look_into(folder)
    assert len(ours.leaks) == 2
