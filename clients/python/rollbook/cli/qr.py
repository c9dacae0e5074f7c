"""`rollbook qr`: the picture that Android's setup wizard reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook import QrCodeFormat
from rollbook.cli.completing import profile_names
from rollbook.cli.new_files import NewFile, force_option
from rollbook.cli.output import clean, say, show_json, show_raw, warn
from rollbook.cli.pictures import show_picture
from rollbook.cli.plain import document
from rollbook.cli.profile_names import find_profile
from rollbook.cli.qr_sheets import SheetRequest, write_sheet
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from rollbook import QrCode

_FORMATS = {".png": QrCodeFormat.PNG, ".svg": QrCodeFormat.SVG, ".pdf": QrCodeFormat.PDF}


def _known_suffix(_ctx: click.Context, _option: click.Parameter, out: Path | None) -> Path | None:
    if out is not None and out.suffix.lower() not in _FORMATS:
        raise click.BadParameter(f"{out} ends in none of {', '.join(_FORMATS)}")
    return out


def _pdf(_ctx: click.Context, _option: click.Parameter, sheet: Path | None) -> Path | None:
    if sheet is not None and sheet.suffix.lower() != ".pdf":
        raise click.BadParameter(f"a sheet is a PDF, and {sheet} does not end in .pdf")
    return sheet


@click.command()
@click.argument("profiles", nargs=-1, metavar="[PROFILE]...", shell_complete=profile_names)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_known_suffix,
    metavar="FILE.png|.svg|.pdf",
    help="The file to write; drawn on the terminal without it.",
)
@click.option(
    "--sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_pdf,
    metavar="FILE.pdf",
    help="Write the codes of each PROFILE, or of all, with names and expiry, to be printed.",
)
@click.option(
    "--paper",
    type=click.Choice(["a4", "letter"]),
    default="a4",
    show_default=True,
    help="What the sheet is printed on; six codes on a page.",
)
@click.option(
    "--font",
    "fonts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE.ttf",
    help="Write the names on the sheet with it, before fonts of this machine. May be repeated.",
)
@click.option(
    "--scale",
    type=click.IntRange(1, 40),
    default=8,
    show_default=True,
    help="Pixels or points a module of the picture in a file.",
)
@click.option(
    "--payload",
    is_flag=True,
    help="Print the JSON that the picture encodes, in place of the picture on the terminal.",
)
@force_option
@with_session
def qr(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    profiles: tuple[str, ...],
    out: Path | None,
    sheet: Path | None,
    paper: str,
    fonts: tuple[Path, ...],
    scale: int,
    payload: bool,
    force: bool,
) -> None:
    """Draw the QR code of PROFILE. It holds the token: keep it as you keep a key.

    With --sheet the codes of several profiles, or of all, go into one file to be printed.
    """
    if sheet is not None:
        if out is not None or payload:
            raise click.UsageError("--sheet does not go with --out or --payload.")
        new = NewFile(sheet, "--sheet", force)
        write_sheet(SheetRequest(session, profiles, new, paper, fonts))
        return
    picture = NewFile(out, "--out", force) if out is not None else None
    _draw(session, _the_only(profiles), picture, scale=scale, payload=payload)


def _the_only(profiles: tuple[str, ...]) -> str:
    if not profiles:
        raise click.UsageError("Missing argument 'PROFILE'; or print all: --sheet FILE.pdf")
    if len(profiles) > 1:
        raise click.UsageError("Name one PROFILE; or print several: --sheet FILE.pdf")
    return profiles[0]


def _draw(
    session: Session, profile: str, new: NewFile | None, *, scale: int, payload: bool
) -> None:
    out = new.path if new is not None else None
    if new is not None:
        new.check()
    with session.admin() as client:
        profile_id = find_profile(client, profile).profile_id
        code = client.generate_qr_code(profile_id, format=_format(session, out), scale=scale)
    if new is not None:
        with new.writing(private=True) as file:
            file.write(code.image)
    if session.wants_json:
        show_json(document(code, file=out))
    else:
        _show(code, out, payload=payload)


def _format(session: Session, out: Path | None) -> QrCodeFormat:
    if out is not None:
        return _FORMATS[out.suffix.lower()]
    return QrCodeFormat.PNG if session.wants_json else QrCodeFormat.TERMINAL


def _show(code: QrCode, out: Path | None, *, payload: bool) -> None:
    if payload:
        show_raw(f"{clean(code.payload)}\n")
    elif out is None:
        show_picture(code.image.decode("utf-8"))
    if out is not None:
        say(f"Wrote {out}. It holds the token: keep it as you keep a key.")
    for warning in code.warnings:
        warn(warning)
