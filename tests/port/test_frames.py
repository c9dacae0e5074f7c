"""Frames of all kinds, right, wrong and far too many, at a process that must go on serving."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from port import frames
from port.frames import ENHANCE_YOUR_CALM, GOAWAY, Frame, Wire, decode, headers, message, reset
from rollbook import EnrollmentAgent, EnrollOutcome
from rollbook.v1 import enrollment_service_pb2
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import ServerProcess

MANY = 5_000
MOST_KIB = 64 * 1024  # that a flood may take of the memory
CALL = enrollment_service_pb2.EnrollDeviceRequest(imeis=[imei(9)]).SerializeToString()

PATHS = ["/", frames.ENROLL, "/rollbook.v1.ProfileService/ListProfiles", "/grpc.health.v1.Health/X"]
STREAMS = st.sampled_from([0, 1, 1, 1, 2, 3, 2**31 - 1])
ANY = st.builds(
    Frame, st.integers(0, 12), st.integers(0, 255), STREAMS, st.binary(max_size=40)
) | st.builds(headers, STREAMS, st.sampled_from(PATHS), st.integers(0, 255))
CALLS = st.builds(message, STREAMS, st.just(CALL) | st.binary(max_size=40))
GOOD = b"".join(
    frame.encode() for frame in (Frame(frames.SETTINGS), headers(1), message(1, CALL), reset(1))
)


def is_served(process: ServerProcess) -> bool:
    """Tell whether an honest device is, over a connection of its own."""
    with EnrollmentAgent(process.address, timeout_seconds=60) as agent:
        return agent.enroll_device(imeis=[imei(1)]).outcome is EnrollOutcome.REGISTERED


careless = settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@careless
@given(sent=st.lists(ANY | CALLS, max_size=12), greets=st.booleans())
def test_no_frames_end_the_process(victim: ServerProcess, sent: list[Frame], greets: bool) -> None:
    with Wire(victim.address) as wire:
        if greets:
            wire.greet()
        wire.send_frames(*sent)
        wire.finish()
    assert is_served(victim)


@careless
@given(place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_no_byte_of_a_good_call_that_is_changed_ends_the_process(
    victim: ServerProcess, place: int, byte: int, cut: bool
) -> None:
    spoilt = GOOD[:place] + bytes([byte]) + (b"" if cut else GOOD[place + 1 :])
    with Wire(victim.address) as wire:
        wire.send(frames.PREFACE + spoilt)
        wire.finish()
    assert is_served(victim)


def resets(number: int) -> list[Frame]:
    """Begin a call and end it at once, which costs the caller nothing (CVE-2023-44487)."""
    return [headers(2 * number + 1), message(2 * number + 1, CALL), reset(2 * number + 1)]


def begun(number: int) -> list[Frame]:
    return [headers(2 * number + 1)]


def silent(number: int) -> list[Frame]:
    """Begin three times as many calls as there are threads: they hold these till they must go."""
    return begun(number) if number < 96 else []


def endless_headers(number: int) -> list[Frame]:
    """Go on with headers that never end (CVE-2024-27316)."""
    more = Frame(frames.CONTINUATION, 0, 1, b"\0\x01a\x64" + b"b" * 100)
    return [more] if number else [headers(1, flags=0)]


FLOODS: dict[str, Callable[[int], list[Frame]]] = {
    "calls that are reset": resets,
    "calls that are only begun": silent,
    "headers without end": endless_headers,
    "settings": lambda _: [Frame(frames.SETTINGS, 0, 0, struct.pack(">HI", 4, 65_535))],
    "empty data": lambda _: [Frame(frames.DATA, 0, 1)],
    "priorities": lambda n: [Frame(frames.PRIORITY, 0, 2 * n + 1, b"\0\0\0\0\x10")],
    "windows": lambda _: [Frame(frames.WINDOW, 0, 0, struct.pack(">I", 1))],
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_takes_little_and_keeps_nobody_out(
    victim: ServerProcess, flood: Callable[[int], list[Frame]]
) -> None:
    before = victim.memory_kib("VmRSS")
    with Wire(victim.address) as wire:
        wire.greet()
        for number in range(MANY):
            if not wire.send_frames(*flood(number)):
                break  # the server has hung up, as it may
        assert is_served(victim)
        wire.finish()
    assert victim.memory_kib("VmRSS") - before < MOST_KIB
    assert is_served(victim)


def test_who_pings_without_end_is_sent_away(victim: ServerProcess) -> None:
    said = b""
    with Wire(victim.address) as wire:
        wire.greet()
        while piece := wire.hear():
            said += piece
            wire.send_frames(Frame(frames.PING, 0, 0, b"ping" * 2))
    (told,) = [frame for frame in decode(said) if frame.kind == GOAWAY]
    assert told.payload[4:8] == struct.pack(">I", ENHANCE_YOUR_CALM)
    assert len(said) < MANY


def test_headers_that_are_no_text_leave_nothing_in_the_log(victim: ServerProcess) -> None:
    before = victim.log.read_text()
    key = headers(1, PATHS[2], more={"authorization": b"Bearer \xff\xfe"})
    other = headers(3, more={"x-note": b"\x80\x81"})
    with Wire(victim.address) as wire:
        wire.greet()
        for frame in (key, other):
            wire.send_frames(frame, message(frame.stream, b""))
        said = b""
        while b"The API key is unknown" not in said:
            piece = wire.hear()
            assert piece, said
            said += piece
    assert is_served(victim)
    assert victim.log.read_text() == before


def test_one_connection_has_so_many_calls_under_way_and_no_more(victim: ServerProcess) -> None:
    with Wire(victim.address) as wire:
        wire.greet()
        wire.send_frames(*(frame for number in range(3000) for frame in begun(number)))
        said = [*decode(wire.finish())]
    # The others end when they wait too long, or with their connection.
    calm = struct.pack(">I", ENHANCE_YOUR_CALM)
    resets = [each for each in said if each.kind == frames.RST_STREAM]
    refused = [each.stream for each in resets if each.payload == calm]
    assert len(refused) > 1000
    assert min(refused) == 2 * 1024 + 1


@pytest.mark.parametrize("size", [2**24 - 1, 2**20])
def test_a_frame_larger_than_agreed_ends_its_connection(victim: ServerProcess, size: int) -> None:
    head = struct.pack(">I", size)[1:] + bytes([frames.DATA, 0]) + struct.pack(">I", 1)
    with Wire(victim.address) as wire:
        wire.greet()
        wire.send_frames(headers(1))
        wire.send(head + b"\0" * 1000)
        assert wire.rest()  # until the server hangs up
    assert is_served(victim)
