"""`rollbook qr --sheet`: the QR codes of many profiles, to be printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook.cli.errors import CommandError
from rollbook.cli.output import clean, counted, say, show_json, warn
from rollbook.cli.profile_names import typed
from rollbook.cli.progress import counting
from rollbook.cli.sheet_codes import LeftOut, SheetCode, collect, wanted_profiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rollbook.cli.new_files import NewFile
    from rollbook.cli.session import Session
    from rollbook.cli.sheets import Sheet

_FOOT = "Rollbook. These codes hold enrollment tokens: keep them as you keep keys"
_AFTER = {
    "TOKEN_IS_EXPIRED": ("token", "extend"),
    "TOKEN_IS_REVOKED": ("token", "refresh"),
}


@dataclass(frozen=True)
class SheetRequest:
    """What is asked for: the profiles by id or name, none for all, and how to print them."""

    session: Session
    profiles: Sequence[str]
    new: NewFile
    paper: str
    fonts: Sequence[Path]


def write_sheet(request: SheetRequest) -> None:
    """Write the sheet, and tell what is on it and what is not.

    Raises CommandError if the extra is missing, or if there is no code to be printed.
    """
    kind = _sheet_kind()
    request.new.check()
    session = request.session
    with session.admin() as client:
        profiles = wanted_profiles(client, request.profiles)
        silent = session.wants_json
        with counting("QR codes", "code", len(profiles), silent=silent) as told:
            codes, left_out = collect(client, profiles, told)
    if not codes:
        raise _nothing_to_print(left_out)
    sheet = kind(request.paper, [code.name for code in codes], request.fonts, _FOOT)
    for code in codes:
        sheet.add(code)
    with request.new.writing(private=True) as file:
        file.write(sheet.data())
    _tell(request, sheet, codes, left_out)


def _sheet_kind() -> type[Sheet]:
    try:
        from rollbook.cli.sheets import Sheet  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "rollbook":
            raise
        raise CommandError(
            "A sheet of codes needs: pip install '.[sheet]' (or 'rollbook[sheet]')",
            reason="EXTRA_MISSING",
            metadata={"module": error.name or ""},
        ) from error
    return Sheet


def _nothing_to_print(left_out: Sequence[LeftOut]) -> CommandError:
    why = "; ".join(f"{one.name}: {one.message}" for one in left_out[:3])
    more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""  # noqa: PLR2004 - see above
    return CommandError(
        f"There is no code to print. {why}{more}" if left_out else "There is no profile yet.",
        reason="SHEET_EMPTY",
        next_step="See them: rollbook profile list, rollbook token show PROFILE",
    )


def _tell(
    request: SheetRequest, sheet: Sheet, codes: Sequence[SheetCode], left_out: Sequence[LeftOut]
) -> None:
    unwritable = {code.profile_id: sheet.unwritable(code.name) for code in codes}
    if request.session.wants_json:
        show_json(_document(request, sheet, codes, left_out, unwritable))
        return
    pages = counted(sheet.pages, "page")
    say(
        f"Wrote {request.new.path}: {counted(len(codes), 'code')} on {pages}. "
        "They hold the tokens: keep them as you keep keys."
    )
    _warn_of_codes(codes)
    for code in codes:
        if unwritable[code.profile_id]:
            _warn_of_fonts(code, unwritable[code.profile_id])
    for one in left_out:
        _tell_left_out(request.session, one)


def _document(
    request: SheetRequest,
    sheet: Sheet,
    codes: Sequence[SheetCode],
    left_out: Sequence[LeftOut],
    unwritable: dict[str, str],
) -> dict[str, object]:
    return {
        "file": request.new.path,
        "page_count": sheet.pages,
        "codes": [
            {
                "profile_id": code.profile_id,
                "name": code.name,
                "expire_time": code.expire_time,
                "warnings": code.warnings,
                "replaced_characters": unwritable[code.profile_id],
            }
            for code in codes
        ],
        "left_out": left_out,
    }


def _warn_of_codes(codes: Sequence[SheetCode]) -> None:
    """Say once what Android would ignore or misread in several codes."""
    named: dict[str, list[str]] = {}
    for code in codes:
        for text in code.warnings:
            named.setdefault(text, []).append(clean(code.name))
    for text, names in named.items():
        warn(f"{'Every code' if len(names) == len(codes) > 1 else ', '.join(names)}: {text}")


def _warn_of_fonts(code: SheetCode, characters: str) -> None:
    warn(
        f"{clean(code.name)}: no font here has {clean(characters)}, so ? stands for it; the "
        f"profile's id {code.profile_id} is under the code. Install a font that has it, or name "
        "one: --font FILE.ttf"
    )


def _tell_left_out(session: Session, one: LeftOut) -> None:
    say(f"Left out {clean(one.name)}: {one.message}")
    if one.reason in _AFTER:
        days = ("--days", "N") if "extend" in _AFTER[one.reason] else ()
        say(f"  {session.command(*_AFTER[one.reason], typed(one), options=days)}")
