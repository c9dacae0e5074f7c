"""Puts keys that were named for a restore into the key file that the server takes.

A backup from before a rotation needs the key of its time, which the file has no more. There it
goes before the others and retires: the last one goes on sealing, and the next start seals
everything anew with it, as after a rotation that broke off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollbook_server import key_files, sealing_file
from rollbook_server.key_files import KeyFileError

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook_server.sealing_file import KeyDocument


@dataclass(frozen=True, slots=True)
class Joining:
    """What a key file is to hold besides; None if nothing.

    `added` are the ids of the keys that it lacks, and `advice` says what to do where it cannot
    get them.
    """

    kept: Path | None = None
    document: KeyDocument | None = None
    added: tuple[str, ...] = ()
    advice: str = ""

    def done(self) -> Joining:
        """Write the file, if it lacks anything; gives what became of it."""
        if self.kept is None or self.document is None:
            return self
        try:
            key_files.replace(self.kept, self.document.text())
        except KeyFileError as error:
            ids = ", ".join(self.added)
            how = f"Add the sealing keys {ids} to it, before the others, and start the server."
            return Joining(advice=f"{error} {how}")
        return self


NOTHING = Joining()


def joining(named: Path, keys: KeyDocument, kept: Path) -> Joining:
    """Find what a key file lacks of the keys from another one; neither is changed."""
    if named.resolve() == kept.resolve():
        return NOTHING
    instead = f"Start the server with --sealing-key-file {named}, or with a copy of it as {kept}."
    if not kept.exists():
        return Joining(advice=f"There is no {kept}. {instead}")
    try:
        found = sealing_file.load_or_create(kept, must_exist=True)
    except KeyFileError as error:
        return Joining(advice=f"{error} {instead}")
    if not _are_of_one_roll(found, keys):
        return Joining(advice=f"{kept} has keys of another roll, which do not fit. {instead}")
    return _joined(kept, found, keys)


def _are_of_one_roll(found: KeyDocument, keys: KeyDocument) -> bool:
    known = {each.key_id: each.key for each in found.keys}
    agree = all(known.get(each.key_id, each.key) == each.key for each in keys.keys)
    return agree and found.lookup_key == keys.lookup_key


def _joined(kept: Path, found: KeyDocument, keys: KeyDocument) -> Joining:
    known = {each.key_id for each in found.keys}
    new = tuple(replace(each, retiring=True) for each in keys.keys if each.key_id not in known)
    if not new:
        return NOTHING
    ids = tuple(each.key_id.hex() for each in new)
    return Joining(kept, replace(found, keys=(*new, *found.keys)), ids)
