"""What the seed says of who is registered: its table, and every combination of a model.

The seed is the description of the system that Rollbook is modelled on; its words are
kept in the names of the tests. The rows in depth are in the tests of their rooms.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from cli.office import IMEI, OTHER_IMEI, UNKNOWN_IMEI, Office
from rollbook import (
    DeviceRow,
)
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from rollbook import AdminClient, EnrollmentAgent


# 7 The scenarios on the outcome, by attribute value combination

SCENARIOS = [
    ("Correct", "Incorrect", "Incorrect", True),
    ("Incorrect", "Correct", "Correct", True),
    ("Incorrect", "Incorrect", "Correct", False),
    ("Incorrect", "Correct", "Incorrect", False),
]
VALUES = {"Correct": (IMEI, "S1", "ACME"), "Incorrect": (UNKNOWN_IMEI, "S2", "Sharp")}


@pytest.mark.parametrize("tokenless", [False, True], ids=["with token", "without token"])
@pytest.mark.parametrize(("imei", "serial", "maker", "registered"), SCENARIOS)
def test_the_device_is_registered_or_not_as_the_table_says(
    office: Office, imei: str, serial: str, maker: str, *, registered: bool, tokenless: bool
) -> None:
    options = ["--tokenless"] if tokenless else []
    office.run("profile", "create", "Depot", *options)
    office.run("upload", "Depot", office.file(f"imei,serial,manufacturer\n{IMEI},S1,Acme\n"))
    device = ["--imei", VALUES[imei][0], "--serial", VALUES[serial][1]]
    device += ["--manufacturer", VALUES[maker][2]]
    if not tokenless:
        device += ["--token", office.run("token", "reveal", "Depot").out.strip()]

    explained = office.document("device", "explain", *device)
    ended = office.cli("enroll", *device)

    assert ended.code == (ExitCode.DONE if registered else ExitCode.NOT_REGISTERED)
    assert explained["outcome"] == ("REGISTERED" if registered else "NOT_REGISTERED")


# The rule behind the table, against a naive model, over every combination

ROLL: dict[str, dict[str, Any]] = {
    "mine": {"imei": IMEI, "imei2": OTHER_IMEI, "serial_number": "S1", "manufacturer": "Acme"},
    "theirs": {
        "imei": "353918052355563",
        "imei2": "012345678901237",
        "serial_number": "S2",
        "manufacturer": "Sharp",
    },
}
WRONG = {
    "imei": UNKNOWN_IMEI,
    "imei2": "860461024091163",
    "serial_number": "S3",
    "manufacturer": "Nobody",
}
FIELDS = tuple(WRONG)


def _value(field: str, word: str) -> str:
    if word == "missing":
        return ""
    return WRONG[field] if word == "wrong" else ROLL[word][field]


def _expected(words: dict[str, str], token: str, *, open_to_all: set[str]) -> str:
    """Say in the seed's words what happens, with a roll that is a plain dictionary."""
    if token == "wrong":
        return "SIGN_IN_REQUIRED"
    by_imei = {words[f] for f in ("imei", "imei2")} & set(ROLL)
    by_serial = {words["serial_number"]} & {words["manufacturer"]} & set(ROLL)
    found = by_imei or by_serial
    if len(found) != 1:
        return "NOT_REGISTERED"
    (owner,) = found
    opened = {token} if token in ROLL else open_to_all
    return "REGISTERED" if owner in opened else "NOT_REGISTERED"


@pytest.mark.parametrize(
    "open_to_all", [set(), {"theirs"}, {"mine", "theirs"}], ids=["none", "theirs", "both"]
)
def test_matching_agrees_with_a_naive_model_over_every_combination(
    admin: AdminClient, agent: EnrollmentAgent, open_to_all: set[str]
) -> None:
    tokens = {"missing": "", "wrong": "7K3MQ-9XT2A-V4D0B-HZ8WN-C61RE-JP5YG"}
    for owner, device in ROLL.items():
        made = admin.create_profile(owner, tokenless=owner in open_to_all)
        admin.create_devices(made.profile_id, [DeviceRow(**device)])
        if owner not in open_to_all:
            tokens[owner] = admin.reveal_token(made.profile_id)

    wrong = []
    for *chosen, token in product(*[(*ROLL, "wrong", "missing")] * len(FIELDS), tokens):
        words = dict(zip(FIELDS, chosen, strict=True))
        presented = {field: _value(field, word) for field, word in words.items()}
        imeis = [presented.pop("imei"), presented.pop("imei2")]
        outcome = agent.enroll_device(token=tokens[token], imeis=imeis, **presented).outcome
        if outcome != _expected(words, token, open_to_all=open_to_all):
            wrong.append((words, token, outcome))
    assert wrong == []
