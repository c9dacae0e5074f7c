"""What a file of settings may not hold, and what is told of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from rollbook_server.config import SETTINGS

if TYPE_CHECKING:
    from settings.conftest import Serve

REFUSED = {
    "misspelt": ("max_rowz = 5", "there is no setting 'max_rowz'. Did you mean max_rows = 200000?"),
    "dashes": ("idle-seconds = 5", "Did you mean idle_seconds = 60?"),
    "as a variable": ('ROLLBOOK_LISTEN = "a"', 'Did you mean listen = "127.0.0.1:7443"?'),
    "no default": ('tls_crt = "a"', 'Did you mean tls_cert = "/path/to/it"?'),
    "far": ("zzz = 5", "`rollbook serve --print-config` shows all there are."),
    "no option": ("threads = 5", "there is no setting 'threads'"),
    "in a table": ("[server]\nmax_rows = 5", "settings stand in no table; take [server] out."),
    "text for number": (
        'max_rows = "5"',
        "max_rows must be a whole number without quotes, such as: max_rows = 200000",
    ),
    "broken number": ("max_rows = 1.5", "must be a whole number without quotes"),
    "truth for number": ("workers = true", "must be a whole number without quotes"),
    "number for truth": ("upgrade = 1", "upgrade must be true or false, such as: upgrade = true"),
    "number for text": ("listen = 5", 'must be a text in quotes, such as: listen = "127.0.0.1'),
    "list": ('data_dir = ["a"]', "data_dir must be a path in quotes"),
    "empty path": ('tls_key = ""', "tls_key must be a path in quotes"),
    "NUL": (r'tls_key = "a\u0000"', "tls_key must be a path in quotes"),
    "too few": ("max_rows = 0", "max_rows must be 1 or more"),
    "too many": ("drain_seconds = 1e9", "drain_seconds must be from 1 to 86,400"),
    "endless": ("idle_seconds = inf", "idle_seconds must be from 1 to 86,400"),
    "no number": ("idle_seconds = nan", "idle_seconds must be from 1 to 86,400"),
    "no TOML": ('listen = "127.0.0.1', ". Write a setting a line, such as listen = "),
    "number without end": (f"max_rows = {'9' * 5_000}", "holds a number that is too long"),
    "lists without end": (f"x = {'[' * 5_000}{']' * 5_000}", "or too many brackets"),
    "twice": ("max_rows = 5\nmax_rows = 6\n", "is not TOML: Cannot overwrite a value (at line 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_the_file_and_what_to_write(serving: Serve, case: str) -> None:
    text, told = REFUSED[case]
    said = serving.written(text).refusal()
    assert said.startswith(str(serving.path))
    assert told in said
    assert "\n" not in said


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_slip_of_the_pen_leads_to_the_right_key(serving: Serve, setting: object) -> None:
    name = str(setting.name)  # type: ignore[attr-defined]
    said = serving.written(f"{name[:-1]}zz = 1").refusal()
    assert f"Did you mean {name} = " in said


@pytest.mark.parametrize("option", ["--idle-seconds", "--drain-seconds"])
def test_what_is_no_number_is_refused_on_the_command_line_as_well(
    serving: Serve, option: str
) -> None:
    ended = serving.run(option, "nan")
    assert (ended.exit_code, f"{option} nan: must be above 0." in ended.stderr) == (2, True)


def test_a_file_that_is_no_text_is_refused(serving: Serve) -> None:
    serving.written("").path.write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in serving.refusal()


@pytest.mark.parametrize("address", ["::1:7443", "[::1:7443", "::1]:7443"])
def test_an_ipv6_address_to_listen_on_stands_in_brackets(serving: Serve, address: str) -> None:
    ended = serving.run("--listen", address)
    assert (ended.exit_code, "stands in brackets, [::1]:PORT." in ended.stderr) == (2, True)


def test_a_byte_order_mark_is_passed_over(serving: Serve) -> None:
    serving.written("").path.write_bytes(b"\xef\xbb\xbfmax_rowz = 5\n")
    assert "Did you mean max_rows" in serving.refusal()


def test_a_file_that_is_not_there_is_refused(serving: Serve) -> None:
    assert serving.refusal("--config", "/no/such.toml") == (
        "--config /no/such.toml: No such file or directory."
    )


def test_a_program_is_told_in_json_wherever_it_asks_for_that(serving: Serve) -> None:
    serving.written("max_rowz = 5")
    ended = serving.run("--config", str(serving.path), "--output", "json")
    error = json.loads(ended.stderr)["error"]
    assert (ended.exit_code, error["reason"]) == (2, "CONFIGURATION_INVALID")


@pytest.mark.parametrize(
    "text",
    [
        'database = ["postgresql://u:hunter2@db/roll"]',
        'databse = "postgresql://u:hunter2@db/roll"',
        'database = "postgresql://u:hunter2@db/roll',
        'database = "postgresql://u:hunter2"\ndatabase = "postgresql://u:hunter2"',
        'database = "mysql://u:hunter2@db/roll"',
        'database = "postgresql://u:hunter2@[db/roll"',
    ],
)
def test_no_password_is_repeated(serving: Serve, text: str) -> None:
    ended = serving.written(text).run()
    assert ended.exit_code == 2
    assert re.search("Error: .*(databas|TOML)", ended.stderr)
    assert "hunter2" not in ended.output
