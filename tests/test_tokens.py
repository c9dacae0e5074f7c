"""Tokens and QR codes: who sees a value, where it is kept, and what a camera reads."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from databases import DATABASES
from png_pixels import read_png
from raw_calls import unary
from rollbook import (
    Configuration,
    DeviceRow,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    QrCodeFormat,
    TokenState,
)
from rollbook.v1 import token_service_pb2 as messages
from rollbook_server.domain.token_values import VALUE_LENGTH
from test_qr import decode, painted, pdf_modules, svg_modules, terminal_modules

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook import AdminClient, EnrollmentAgent, Profile
    from running import Server

pytestmark = pytest.mark.both_engines

PREFIX = "android.app.extra.PROVISIONING_"
BUNDLE = f"{PREFIX}ADMIN_EXTRAS_BUNDLE"
COMPONENT = "com.example.dpc/com.example.dpc.Receiver"
METHODS = [
    method.name
    for method in messages.DESCRIPTOR.services_by_name["TokenService"].methods
    if "profile_id" in method.input_type.fields_by_name
]


CONFIGURATION = Configuration(
    vendor_keys={"fleet": "Nord-Süd", "level": 3, "nested": {"on": True}},
    system_extras={"device_admin_component_name": COMPONENT, "wifi_ssid": "東京"},
    custom_system_keys={"com.example.KEY": "on"},
)


@pytest.fixture
def profile(admin: AdminClient) -> Profile:
    return admin.create_profile("Depot", configuration=CONFIGURATION)


def call(admin: AdminClient, method: str, **fields: Any) -> Any:
    request = getattr(messages, f"{method}Request")(**fields)
    return unary(admin, getattr(admin._tokens, method), request)


def read_code(image: bytes, form: QrCodeFormat, scale: int = 8) -> str:
    """What a camera sees of the picture, whatever its form."""
    if form is QrCodeFormat.PNG:
        return decode(read_png(image))
    if form is QrCodeFormat.TERMINAL:
        return decode(painted(terminal_modules(image.decode())))
    if form is QrCodeFormat.PDF:
        return decode(painted(pdf_modules(image, scale)))
    assert form is QrCodeFormat.SVG
    width = int(ET.fromstring(image).attrib["width"])
    return decode(painted(svg_modules(image, width // scale)))


def test_a_token_shows_its_state_and_never_its_value(
    server: Server, admin: AdminClient, profile: Profile
) -> None:
    token, value = admin.get_token(profile.profile_id), admin.reveal_token(profile.profile_id)

    assert token.profile_id == profile.profile_id
    assert token.state is TokenState.ACTIVE
    assert (token.use_count, token.last_use_time) == (0, None)
    assert token.create_time == server.clock.now
    assert token.expire_time is not None
    assert (token.expire_time - server.clock.now).days == 7
    assert token.obfuscated_value == value[:2] + "***"
    shown = call(admin, "GetToken", profile_id=profile.profile_id).SerializeToString()
    assert value[2:5].encode() not in shown.replace(token.token_id.encode(), b"")


def test_a_revealed_value_is_grouped_and_stays_the_same(
    admin: AdminClient, profile: Profile
) -> None:
    value = admin.reveal_token(profile.profile_id)

    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{5}-){5}[0-9A-HJKMNP-TV-Z]{5}", value)
    assert admin.reveal_token(profile.profile_id) == value
    assert admin.reveal_token(admin.create_profile("Another").profile_id) != value


def test_a_token_expires_by_the_clock(server: Server, admin: AdminClient, profile: Profile) -> None:
    def state() -> TokenState:
        return admin.get_token(profile.profile_id).state

    server.clock.turn(days=7, microseconds=-1)
    assert state() is TokenState.ACTIVE
    server.clock.turn(microseconds=1)
    assert state() is TokenState.EXPIRED


def test_uses_of_a_token_are_counted_and_dated(
    server: Server, admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    admin.upload_rows(profile.profile_id, [DeviceRow(imei="35693803564380")])
    server.clock.turn(hours=5)
    value = admin.reveal_token(profile.profile_id)
    agent.enroll_device(token=value, imeis=["35693803564380"])
    agent.enroll_device(token=value, imeis=["01161200123456"])  # not on the roll

    token = admin.get_token(profile.profile_id)
    assert (token.use_count, token.last_use_time) == (1, server.clock.now)


@pytest.mark.parametrize("method", METHODS)
def test_every_call_says_that_a_tokenless_profile_has_no_token(
    admin: AdminClient, method: str
) -> None:
    profile_id = admin.create_profile("Depot", tokenless=True).profile_id

    with pytest.raises(FailedPreconditionError) as caught:
        call(admin, method, profile_id=profile_id)

    assert caught.value.reason == "PROFILE_IS_TOKENLESS"


@pytest.mark.parametrize("method", METHODS)
def test_there_is_no_token_without_a_profile(admin: AdminClient, method: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        call(admin, method, profile_id="prf-0")

    assert caught.value.reason == "PROFILE_NOT_FOUND"


@pytest.mark.parametrize("form", ["PNG", "SVG", "PDF", "TERMINAL", "UNSPECIFIED"])
def test_a_camera_reads_the_payload(admin: AdminClient, profile: Profile, form: str) -> None:
    code = admin.generate_qr_code(profile.profile_id, format=QrCodeFormat(form))

    shown = QrCodeFormat.PNG if form == "UNSPECIFIED" else QrCodeFormat(form)
    assert read_code(code.image, shown) == code.payload
    assert code.payload.isascii()


@pytest.mark.parametrize("scale", [1, 5, 40])
@pytest.mark.parametrize("form", ["PNG", "SVG", "PDF", "TERMINAL"])
def test_a_camera_reads_the_payload_in_every_size(
    admin: AdminClient, profile: Profile, form: str, scale: int
) -> None:
    code = admin.generate_qr_code(profile.profile_id, format=QrCodeFormat(form), scale=scale)

    assert read_code(code.image, QrCodeFormat(form), scale) == code.payload


def test_a_code_holds_configuration_server_and_token(
    server: Server, admin: AdminClient, profile: Profile
) -> None:
    document = json.loads(admin.generate_qr_code(profile.profile_id).payload)
    bundle = document.pop(BUNDLE)
    value = bundle.pop("rollbook.token")

    assert document == {
        f"{PREFIX}DEVICE_ADMIN_COMPONENT_NAME": COMPONENT,
        f"{PREFIX}WIFI_SSID": "東京",
        "com.example.KEY": "on",
    }
    assert bundle == {
        "fleet": "Nord-Süd",
        "level": 3,
        "nested": {"on": True},
        "rollbook.server_address": server.address,
        "rollbook.profile_id": profile.profile_id,
    }
    assert value.replace("-", "") == admin.reveal_token(profile.profile_id).replace("-", "")


def test_a_device_that_scanned_the_code_enrolls(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    admin.upload_rows(profile.profile_id, [DeviceRow(imei="35693803564380")])
    scanned = json.loads(decode(read_png(admin.generate_qr_code(profile.profile_id).image)))

    token = scanned[BUNDLE]["rollbook.token"]
    assert agent.enroll_device(token=token, imeis=["35693803564380"]).outcome == "REGISTERED"


def test_a_code_tells_the_public_address_of_the_server(serve: Callable[..., Server]) -> None:
    with serve(public_address="enroll.example.com:443").admin() as admin:
        profile = admin.create_profile("Depot", configuration=CONFIGURATION)
        code = admin.generate_qr_code(profile.profile_id)

    assert code.warnings == ()
    assert json.loads(code.payload)[BUNDLE]["rollbook.server_address"] == "enroll.example.com:443"


def test_a_code_that_calls_this_machine_alone_is_warned_of(
    admin: AdminClient, profile: Profile
) -> None:
    (warning,) = admin.generate_qr_code(profile.profile_id).warnings

    assert "--public-address" in warning


def test_what_android_would_not_understand_is_warned_of(server: Server, admin: AdminClient) -> None:
    bare = admin.create_profile("Bare").profile_id
    before = admin.generate_qr_code(bare).warnings
    server.clock.turn(days=7)
    after = admin.generate_qr_code(bare).warnings

    assert any("device_admin_component_name" in warning for warning in before)
    assert [warning for warning in after if "expired" in warning] == list(set(after) - set(before))
    assert len(after) == len(before) + 1


@pytest.mark.parametrize(("scale", "pixels"), [(0, 8), (1, 1), (40, 40)])
def test_a_scale_is_pixels_a_module(
    admin: AdminClient, profile: Profile, scale: int, pixels: int
) -> None:
    plain = read_png(admin.generate_qr_code(profile.profile_id, scale=1).image)
    scaled = read_png(admin.generate_qr_code(profile.profile_id, scale=scale).image)

    assert scaled.width == plain.width * pixels


@pytest.mark.parametrize("wrong", [{"scale": -1}, {"scale": 41}, {"format": 9}])
def test_a_picture_that_cannot_be_drawn_is_refused(
    admin: AdminClient, profile: Profile, wrong: dict[str, int]
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        call(admin, "GenerateQrCode", profile_id=profile.profile_id, **wrong)

    assert caught.value.reason == "FIELD_INVALID"
    assert set(caught.value.fields) == set(wrong)


def test_a_payload_that_fits_no_code_is_refused_with_its_size(admin: AdminClient) -> None:
    large = Configuration(vendor_keys={"certificate": "x" * 3000})
    profile_id = admin.create_profile("Depot", configuration=large).profile_id

    with pytest.raises(FailedPreconditionError) as caught:
        admin.generate_qr_code(profile_id)

    assert caught.value.reason == "QR_PAYLOAD_TOO_LARGE"
    assert caught.value.metadata["limit"] == "2953"
    assert 3000 < int(caught.value.metadata["size"]) < 3500
    assert admin.reveal_token(profile_id)[2:] not in caught.value.message


def test_no_file_but_the_answer_holds_a_value(
    server: Server, admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    value = admin.reveal_token(profile.profile_id)
    admin.generate_qr_code(profile.profile_id)
    agent.enroll_device(token=value, imeis=["35693803564380"])

    canonical = value.replace("-", "")
    assert len(canonical) == VALUE_LENGTH
    files = {path.name: path.read_bytes() for path in server.data_dir.iterdir()}
    files["the database"] = "\n".join(DATABASES.dump(server.data_dir)).encode()
    assert profile.profile_id.encode() in files["the database"]
    for name, content in files.items():
        for form in (value, canonical, canonical.lower(), canonical[:10], canonical[-10:]):
            assert form.encode() not in content, name


def test_the_log_holds_no_secret(
    server: Server, agent: EnrollmentAgent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "rollbook_server")
    with server.admin() as admin:
        profile_id = admin.create_profile("Depot").profile_id
        value = admin.reveal_token(profile_id)
        admin.generate_qr_code(profile_id)
    agent.enroll_device(token=value, imeis=["35693803564380"])

    assert "UNKNOWN_DEVICE" in caplog.text
    for secret in (value, value.replace("-", ""), server.api_key, "35693803564380"):
        assert secret not in caplog.text
