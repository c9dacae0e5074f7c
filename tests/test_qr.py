"""Every picture shows the payload: the very bytes are decoded again by another library."""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import segno
import zxingcpp

from png_pixels import Pixels, read_png
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.provisioning import PAYLOAD_LIMIT
from rollbook_server.domain.qr_codes import QrFormat
from rollbook_server.qr import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPONENT = "android.app.extra.PROVISIONING_DEVICE_ADMIN_COMPONENT_NAME"
BUNDLE = "android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE"
DOCUMENT = {
    COMPONENT: "com.example.dpc/com.example.dpc.Receiver",
    BUNDLE: {"rollbook.token": "7K3MQ9XT2AV4D0BHZ8WNC61REJP5YG", "quickStart": True},
}
PAYLOAD = json.dumps(DOCUMENT, separators=(",", ":"))
SCALES = [1, 2, 8, 40]


def decode(pixels: Pixels) -> str:
    """Read the one code as a plain reader does: no negatives, no half-size copies."""
    lum = zxingcpp.ImageFormat.Lum
    shades = memoryview(pixels.shades)
    view = zxingcpp.ImageView(shades, pixels.width, pixels.height, lum)
    kind = zxingcpp.BarcodeFormats(
        [zxingcpp.BarcodeFormat.QRCode]
    )  # among all, one may see a Codabar in the pattern
    found = zxingcpp.read_barcodes(view, formats=kind, try_invert=False, try_rotate=False)
    assert [str(code.format) for code in found] == ["QR Code"]
    return str(found[0].text)


def painted(dark: Sequence[Sequence[bool]], scale: int = 4) -> Pixels:
    rows = [b"".join((b"\0" if d else b"\xff") * scale for d in row) * scale for row in dark]
    return Pixels(len(dark[0]) * scale, len(dark) * scale, b"".join(rows))


def modules(payload: str) -> list[list[bool]]:
    code = segno.make_qr(payload, error="L", boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix_iter(border=4)]


def terminal_modules(text: str) -> list[list[bool]]:
    """What a terminal shows: blocks in the text's own white, all else in its own black."""
    rows: list[list[bool]] = []
    for line in text.splitlines():
        shown = re.fullmatch("\x1b\\[38;5;231;48;5;16m([ \u2580\u2584\u2588]+)\x1b\\[0m", line)
        assert shown
        rows.append([character in " \u2584" for character in shown[1]])
        rows.append([character in " \u2580" for character in shown[1]])
    return rows


def svg_modules(image: bytes, size: int) -> list[list[bool]]:
    """Walk the strokes of segno's one dark path: M and m move, h draws a unit high."""
    svg = ET.fromstring(image)
    (stroke,) = [element for element in svg.iter() if element.get("stroke")]
    dark = [[False] * size for _ in range(size)]
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", stroke.attrib["d"]):
        steps = [float(number) for number in numbers.split()]
        if command == "h":
            for column in range(int(x), int(x + steps[0])):
                dark[int(y)][column] = True
            x += steps[0]
        else:
            x, y = (steps[0], steps[1]) if command == "M" else (x + steps[0], y + steps[1])
    return dark


@pytest.mark.parametrize("scale", SCALES)
def test_a_png_decodes_to_the_payload(scale: int) -> None:
    picture = draw(PAYLOAD, QrFormat.PNG, scale)

    assert picture.media_type == "image/png"
    pixels = read_png(picture.image)
    assert json.loads(decode(pixels)) == DOCUMENT
    assert pixels.width == pixels.height == len(modules(PAYLOAD)) * scale


def test_a_png_is_black_on_white_with_four_modules_of_quiet_zone() -> None:
    pixels = read_png(draw(PAYLOAD, QrFormat.PNG, 1).image)

    assert pixels == painted(modules(PAYLOAD), scale=1)
    assert set(pixels.shades[: 4 * pixels.width]) == {255}
    assert pixels.shades[4 * pixels.width + 4] == 0  # the finder pattern begins


def test_terminal_text_decodes_to_the_payload_in_its_own_colours() -> None:
    picture = draw(PAYLOAD, QrFormat.TERMINAL, 8)

    assert picture.media_type == "text/plain; charset=utf-8"
    assert json.loads(decode(painted(terminal_modules(picture.image.decode())))) == DOCUMENT


def test_terminal_text_ends_every_line_and_draws_what_is_light() -> None:
    text = draw(PAYLOAD, QrFormat.TERMINAL, 8).image.decode()

    assert text.endswith("\n")
    assert "\r" not in text
    dark = terminal_modules(text)
    assert dark[: len(dark) - 1] == modules(PAYLOAD)
    assert not any(dark[-1])  # the row below the code's odd number of rows


def test_terminal_text_does_not_depend_on_the_scale() -> None:
    assert draw(PAYLOAD, QrFormat.TERMINAL, 1) == draw(PAYLOAD, QrFormat.TERMINAL, 40)


def test_an_svg_decodes_to_the_payload_and_scales() -> None:
    small, large = draw(PAYLOAD, QrFormat.SVG, 1), draw(PAYLOAD, QrFormat.SVG, 8)
    size = len(modules(PAYLOAD))

    assert small.media_type == large.media_type == "image/svg+xml"
    dark = svg_modules(small.image, size)
    assert dark == modules(PAYLOAD)
    assert json.loads(decode(painted(dark))) == DOCUMENT
    assert ET.fromstring(large.image).attrib["width"] == str(8 * size)


def test_an_svg_paints_its_own_white_ground() -> None:
    fills = [e.get("fill") for e in ET.fromstring(draw(PAYLOAD, QrFormat.SVG, 8).image).iter()]

    assert "#fff" in fills or "white" in fills


def test_a_pdf_is_whole_and_of_the_right_size() -> None:
    picture = draw(PAYLOAD, QrFormat.PDF, 2)
    size = 2 * len(modules(PAYLOAD))

    assert picture.media_type == "application/pdf"
    assert picture.image.startswith(b"%PDF-1.")
    assert picture.image.rstrip().endswith(b"%%EOF")
    assert f"/MediaBox [0 0 {size} {size}]".encode() in picture.image
    start = int(re.findall(rb"startxref\s+(\d+)", picture.image)[0])
    assert picture.image[start:].startswith(b"xref")


def test_a_pdf_draws_as_many_strokes_as_the_code_has_runs() -> None:
    image = draw(PAYLOAD, QrFormat.PDF, 2).image
    found = re.search(rb"stream\r?\n(.*?)\r?\nendstream", image, re.DOTALL)
    assert found
    drawing = zlib.decompress(found[1]) if b"FlateDecode" in image else found[1]

    runs = sum(len(re.findall("1+", "".join(str(int(d)) for d in r))) for r in modules(PAYLOAD))
    assert len(re.findall(rb"\bl\b", drawing)) == runs


@pytest.mark.parametrize("text", ["12345", "A", "{}", '{"o":"Z\u00fcrich \u6771\u4eac \u0141"}'])
def test_short_and_foreign_payloads_are_plain_qr_codes_in_utf_8(text: str) -> None:
    assert decode(read_png(draw(text, QrFormat.PNG, 4).image)) == text


def test_the_largest_payload_fits_and_decodes() -> None:
    payload = json.dumps({"k": "x" * (PAYLOAD_LIMIT - 8)}, separators=(",", ":"))

    assert len(payload) == 2953
    assert decode(read_png(draw(payload, QrFormat.PNG, 3).image)) == payload


@pytest.mark.parametrize("format", QrFormat)
def test_one_byte_more_is_refused_with_size_and_limit(format: QrFormat) -> None:  # noqa: A002
    with pytest.raises(RollbookError) as caught:
        draw("{" + "x" * 2953, format, 8)

    assert caught.value.reason is Reason.QR_PAYLOAD_TOO_LARGE
    assert caught.value.metadata == {"size": "2954", "limit": "2953"}
    assert "2,954" in caught.value.message
    assert "2,953" in caught.value.message
    assert "shorten it by 1" in caught.value.message


def test_the_size_is_told_in_bytes_and_not_in_characters() -> None:
    with pytest.raises(RollbookError) as caught:
        draw("\u00fc" * 2000, QrFormat.PNG, 8)

    assert caught.value.metadata["size"] == "4000"


def test_no_secret_of_the_payload_is_in_the_error() -> None:
    with pytest.raises(RollbookError) as caught:
        draw("SECRET" * 1000, QrFormat.PNG, 8)

    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None
