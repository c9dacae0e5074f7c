"""A device that switches on: who is registered, who is not, and what is counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest

from rollbook import Configuration, DeviceRow, EnrollOutcome
from rollbook.v1 import enrollment_service_pb2
from rollbook_server.domain.token_values import grouped, new_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, EnrollmentAgent, Profile
    from running import Server

pytestmark = pytest.mark.both_engines

REGISTERED, NOT_REGISTERED = EnrollOutcome.REGISTERED, EnrollOutcome.NOT_REGISTERED

IMEI, IMEI2, OTHER_IMEI = "356938035643809", "490154203237518", "35391805811489"
DEVICE = DeviceRow(IMEI, IMEI2, "R58M123ABC", "Samsung", {"depot": "North", "Größe": "L"})
OTHER = DeviceRow(OTHER_IMEI, "", "ZX1G42", "motorola")
NAMES = ("imei", "imei2", "serial_number", "manufacturer")
CORRECT = {name: getattr(DEVICE, name) for name in NAMES}
INCORRECT = dict(zip(NAMES, ("35465109876543", "01161200123456", "R58M", "Sansung"), strict=True))
VALUES = {"Correct": CORRECT, "Incorrect": INCORRECT, "Missing": dict.fromkeys(NAMES, "")}
CONFIGURATION = Configuration(
    vendor_keys={"fleet": "north", "levels": [1, 2.5, None, {"deep": True}]},
    system_extras={"wifi_ssid": "Depot", "wifi_security_type": "WPA"},
    custom_system_keys={"com.example.KEY": "on"},
)


# The seed's table, word for word: IMEI, serial number, manufacturer, is registered.
SEED = [
    ("Correct", "Incorrect", "Incorrect", True),
    ("Incorrect", "Correct", "Correct", True),
    ("Incorrect", "Incorrect", "Correct", False),
    ("Incorrect", "Correct", "Incorrect", False),
]


@dataclass
class Depot:
    """A profile with DEVICE and OTHER on its roll, and the token (if any) that opens it."""

    server: Server
    admin: AdminClient
    agent: EnrollmentAgent
    tokenless: bool
    profile: Profile = field(init=False)
    token: str = ""

    def __post_init__(self) -> None:
        options: Any = {"tokenless": self.tokenless, "configuration": CONFIGURATION}
        self.profile = self.admin.create_profile("Depot", **options)
        upload = self.admin.upload_rows(self.profile.profile_id, [DEVICE, OTHER])
        assert upload.created_count == 2
        if not self.tokenless:
            self.token = self.admin.reveal_token(self.profile.profile_id)

    def counts(self) -> tuple[int, int, int]:
        now = self.admin.get_profile(self.profile.profile_id)
        return now.device_count, now.registered_count, now.pending_count

    def uses(self) -> int:
        return self.admin.get_token(self.profile.profile_id).use_count

    def outcome(self, **presented: str) -> EnrollOutcome:
        imeis = [presented.pop(name) for name in ("imei", "imei2") if presented.get(name)]
        rest = {"token": self.token, **{name: text for name, text in presented.items() if text}}
        return self.agent.enroll_device(imeis=imeis, **rest).outcome


@pytest.fixture(params=[False, True], ids=["token", "tokenless"])
def depot(
    request: pytest.FixtureRequest, server: Server, admin: AdminClient, agent: EnrollmentAgent
) -> Depot:
    return Depot(server, admin, agent, tokenless=request.param)


@pytest.fixture
def guarded(server: Server, admin: AdminClient, agent: EnrollmentAgent) -> Depot:
    return Depot(server, admin, agent, tokenless=False)


def fits(imei: str, imei2: str, serial_number: str, manufacturer: str) -> bool:
    return "Correct" in (imei, imei2) or serial_number == manufacturer == "Correct"


@pytest.mark.parametrize(("imei", "serial_number", "manufacturer", "registered"), SEED)
def test_the_four_scenarios_of_the_seed(
    depot: Depot, imei: str, serial_number: str, manufacturer: str, *, registered: bool
) -> None:
    words = {"imei": imei, "serial_number": serial_number, "manufacturer": manufacturer}
    outcome = depot.outcome(**{name: VALUES[word][name] for name, word in words.items()})

    assert outcome is (REGISTERED if registered else NOT_REGISTERED)
    assert depot.counts() == ((2, 1, 1) if registered else (2, 0, 2))


def test_every_combination_of_correct_incorrect_and_missing_values(depot: Depot) -> None:
    wrong = []
    for words in product(VALUES, repeat=len(NAMES)):
        presented = {name: VALUES[w][name] for name, w in zip(NAMES, words, strict=True)}
        expected = REGISTERED if fits(*words) else NOT_REGISTERED
        if depot.outcome(**presented) is not expected:
            wrong.append((words, expected))

    assert wrong == []
    assert depot.counts() == (2, 1, 1)


SPELLINGS = {
    "core": {"imei": "35693803564380"},
    "check digit": {"imei": "356938035643809"},
    "software version": {"imei": "3569380356438012"},
    "hyphens": {"imei": "35-693803-564380-9"},
    "spaces": {"imei": " 35 693803 564380 9 "},
    "second IMEI": {"imei": IMEI2},
    "second IMEI as first of two": {"imei": IMEI2, "imei2": IMEI},
    "manufacturer in capitals": {"serial_number": "R58M123ABC", "manufacturer": "SAMSUNG"},
    "manufacturer with spaces": {"serial_number": " R58M123ABC ", "manufacturer": " samsung\t"},
}


@pytest.mark.parametrize("presented", SPELLINGS.values(), ids=SPELLINGS)
def test_spellings_of_the_same_identifier_are_equal(
    depot: Depot, presented: dict[str, str]
) -> None:
    assert depot.outcome(**presented) is REGISTERED


HOSTILE = "a" + "\u0301\u0316" * 150_000  # takes a minute to normalise, if one does
REFUSED = {
    "nothing": {},
    "serial number in other case": {"serial_number": "r58m123abc", "manufacturer": "Samsung"},
    "wrong check digit": {"imei": "356938035643808"},
    "letters in the IMEI": {"imei": "35693803564380X"},
    "thirteen digits": {"imei": "3569380356438"},
    "a NUL and wildcards": {"imei": "\0", "serial_number": "%", "manufacturer": "%"},
    "a formula": {"serial_number": '="R58M123ABC"', "manufacturer": "Samsung"},
    "long texts": {"imei": "3" * 100_000, "serial_number": "R" * 100_000, "manufacturer": "S"},
    "hostile accents": dict.fromkeys(("imei", "serial_number", "manufacturer"), HOSTILE),
    "IMEIs of two devices": {"imei": IMEI, "imei2": OTHER_IMEI},
    "a maker and a serial number of two": {"serial_number": "ZX1G42", "manufacturer": "Samsung"},
}


@pytest.mark.parametrize("presented", REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_with_a_device_is_an_outcome_never_an_error(
    depot: Depot, presented: dict[str, str]
) -> None:
    assert depot.outcome(**presented) is NOT_REGISTERED
    assert depot.counts() == (2, 0, 2)


def test_four_imeis_are_looked_at(guarded: Depot) -> None:
    for junk, outcome in ((3, REGISTERED), (4, NOT_REGISTERED)):
        imeis = [*["0"] * junk, IMEI]
        assert guarded.agent.enroll_device(token=guarded.token, imeis=imeis).outcome is outcome


def test_empty_slots_for_imeis_do_not_hide_the_one_there_is(guarded: Depot) -> None:
    slots = ["", " ", "", "", "", DEVICE.imei]
    enrollment = guarded.agent.enroll_device(token=guarded.token, imeis=slots)
    assert enrollment.outcome is EnrollOutcome.REGISTERED


def test_a_registered_device_gets_its_attributes_and_its_configuration(depot: Depot) -> None:
    given = depot.agent.enroll_device(token=depot.token, imeis=[IMEI])

    assert (given.outcome, given.profile_id) == (REGISTERED, depot.profile.profile_id)
    assert given.attributes == DEVICE.attributes
    assert given.configuration == CONFIGURATION
    assert (given.user, given.sign_in_available) == (None, False)


def ended_tokens(depot: Depot) -> Iterator[str]:
    """Refreshed at once, refreshed with an overlap that is over, revoked; then a new one."""
    admin, profile_id = depot.admin, depot.profile.profile_id
    for overlap in (None, timedelta(hours=1)):
        yield admin.reveal_token(profile_id)
        admin.refresh_token(profile_id, overlap=overlap)
    yield admin.reveal_token(profile_id)
    admin.revoke_token(profile_id)
    admin.refresh_token(profile_id)
    depot.server.clock.turn(hours=1)
    depot.token = admin.reveal_token(profile_id)


def failing_tokens(token: str) -> Iterator[str]:
    yield grouped(new_value())  # well made, but nobody's
    yield ("1" if token[0] != "1" else "2") + token[1:]  # one letter mistyped
    yield from (token[:-1], token + "0", "-", "0", "\0", "U" * 30, "7" * 100_000, "Ⅻ" + token)


def test_every_token_failure_is_answered_byte_for_byte_alike(guarded: Depot) -> None:
    with grpc.insecure_channel(guarded.server.address) as channel:
        enroll: Any = channel.unary_unary("/rollbook.v1.EnrollmentService/EnrollDevice")

        def answer(token: str, imei: str) -> bytes:
            request = enrollment_service_pb2.EnrollDeviceRequest(token=token, imeis=[imei])
            return bytes(enroll(request.SerializeToString()))

        imeis = (IMEI, INCORRECT["imei"])
        wrong = [*ended_tokens(guarded), *failing_tokens(guarded.token)]
        answers = {answer(token, i) for token in wrong for i in imeis}
        guarded.server.clock.turn(days=7)
        answers |= {answer(guarded.token, imei) for imei in imeis}

    expected = enrollment_service_pb2.EnrollDeviceResponse(
        outcome=enrollment_service_pb2.ENROLL_OUTCOME_SIGN_IN_REQUIRED, sign_in_available=True
    )
    assert answers == {expected.SerializeToString()}
    assert (guarded.counts(), guarded.uses()) == ((2, 0, 2), 0)


def test_a_token_opens_its_profile_until_the_instant_it_expires(guarded: Depot) -> None:
    guarded.server.clock.turn(days=7, microseconds=-1)
    assert guarded.outcome(imei=IMEI) is REGISTERED
    guarded.server.clock.turn(microseconds=1)
    assert guarded.outcome(imei=IMEI) is EnrollOutcome.SIGN_IN_REQUIRED


def test_a_token_is_understood_however_it_is_typed(guarded: Depot) -> None:
    profile, value = guarded.profile, guarded.token
    while not {"0", "1"} <= set(value):  # one that has look-alikes; a third of all do
        profile = guarded.admin.create_profile(str(uuid4()))
        value = guarded.admin.reveal_token(profile.profile_id)
    imei = INCORRECT["imei"]  # not on the roll yet
    guarded.admin.upload_rows(profile.profile_id, [DeviceRow(imei=imei)])
    typed = [value.lower(), value.replace("-", ""), f"  {value.replace('-', ' ')}\n"]
    typed += [value.replace("0", "O").replace("1", one) for one in "IilL"]

    for token in typed:
        assert guarded.outcome(token=token, imei=imei) is REGISTERED


def test_a_device_registers_in_the_profile_of_its_token_only(depot: Depot) -> None:
    elsewhere = depot.admin.create_profile("Elsewhere")
    token = depot.admin.reveal_token(elsewhere.profile_id)

    assert depot.outcome(token=token, imei=IMEI) is NOT_REGISTERED
    assert depot.counts() == (2, 0, 2)
    assert depot.admin.get_token(elsewhere.profile_id).use_count == 0


def test_a_device_of_a_profile_with_a_token_needs_it(guarded: Depot) -> None:
    for token in ("", " ", "\t\n"):
        assert guarded.agent.enroll_device(token=token, imeis=[IMEI]).outcome is NOT_REGISTERED
    assert guarded.counts() == (2, 0, 2)


def test_enrolling_again_gives_the_same_device_and_counts_once(guarded: Depot) -> None:
    def again(request_id: str) -> str:
        return guarded.agent.enroll_device(
            token=guarded.token, imeis=[IMEI], request_id=request_id
        ).device_id

    first, second = str(uuid4()), str(uuid4())
    ids = [again(first), again(first)]
    assert (guarded.counts(), guarded.uses()) == ((2, 1, 1), 1)  # a retry does not count
    ids += [again(second), again("")]
    assert (guarded.counts(), guarded.uses()) == ((2, 1, 1), 3)  # after resets
    assert len(set(ids)) == 1


@pytest.mark.parametrize("same", [True, False], ids=["one request_id", "many"])
def test_a_device_that_enrolls_32_times_at_once_registers_once(
    guarded: Depot, *, same: bool
) -> None:
    everybody, shared = Barrier(32), str(uuid4())

    def enroll(_: int) -> str:
        everybody.wait()
        request_id = shared if same else None
        return guarded.agent.enroll_device(
            token=guarded.token, imeis=[IMEI], request_id=request_id
        ).device_id

    with ThreadPoolExecutor(32) as threads:
        ids = set(threads.map(enroll, range(32)))

    assert len(ids) == 1
    assert "" not in ids
    assert (guarded.counts(), guarded.uses()) == ((2, 1, 1), 1 if same else 32)
