"""Files that a command writes: whole or not at all, and over another one only if asked."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from rollbook.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

force_option = click.option(
    "--force", is_flag=True, help="Overwrite the file to be written if it is there already."
)

_STDOUT = "-"  # to those who know it from other programs
_FOR_ALL, _FOR_OWNER = 0o666, 0o600  # before the umask takes its part


@dataclass(frozen=True)
class NewFile:
    """Where an option or argument says that a file is to be written.

    `force` lets it replace one.

    What is no regular file, such as a pipe, has nothing to lose and is written as it is.
    """

    path: Path
    option: str
    force: bool = False

    def check(self) -> None:
        """Raise CommandError if it would be refused, so that nothing is done in vain before."""
        folder = self.path.parent
        if str(self.path) == _STDOUT:
            raise self._unusable(f"{self.option} - would write a file of that name, not to stdout.")
        if not folder.is_dir():
            raise self._unusable(f"There is no directory {folder}.")
        if self._is_taken() and not self.force:
            raise self._taken()
        if not self._is_special() and not os.access(folder, os.W_OK):
            raise self._unusable(f"Nothing can be written to the directory {folder}.")

    def options(self) -> tuple[str, ...]:
        """Give the options that say so, to be repeated in a command that we suggest."""
        return (self.option, str(self.path), *(["--force"] if self.force else []))

    @contextmanager
    def writing(self, *, private: bool = False) -> Iterator[BinaryIO]:
        """Give a file that gets its name once it is whole; `private` is for its owner alone.

        Raises CommandError as `check` does, also if another file came there meanwhile.
        """
        self.check()
        if self._is_special():
            with self.path.open("wb") as file:
                yield file
            return
        with self._whole(_FOR_OWNER if private else _FOR_ALL) as file:
            yield file

    @contextmanager
    def filled(self) -> Iterator[Path]:
        """Do as `writing` does for a program that opens a file by its path; for its owner alone.

        No pipe will do: what is no regular file is refused.
        """
        self.check()
        if self._is_special():
            raise self._unusable(f"{self.path} is no regular file.")
        with self._part() as part:
            _opened(part, _FOR_OWNER).close()
            yield part
            with part.open("rb") as file:
                os.fsync(file.fileno())

    @contextmanager
    def _whole(self, mode: int) -> Iterator[BinaryIO]:
        """Give a neighbour to be filled; once it is on the disk it gets the name."""
        with self._part() as part, _opened(part, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def _part(self) -> Iterator[Path]:
        """Give the path of a neighbour, which has to be made and gets the name at the end."""
        path = self.path.resolve() if self.force else self.path
        part = path.with_name(f".rollbook-{uuid4().hex}.part")
        try:
            yield part
            self._name(part, path)
            _flush_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)

    def _name(self, part: Path, path: Path) -> None:
        """Give the file its name: by a link, which fails if something stands there by now."""
        if self.force:
            part.replace(path)
            return
        try:
            path.hardlink_to(part)
        except FileExistsError:
            raise self._taken() from None
        except OSError:  # a file system without links: one look, then the name
            if self._is_taken():
                raise self._taken() from None
            part.rename(path)

    def _is_taken(self) -> bool:
        return os.path.lexists(self.path) and not self._is_special()

    def _is_special(self) -> bool:
        return self.path.exists() and not self.path.is_file()

    def _taken(self) -> CommandError:
        return CommandError(
            f"{self.path} is there already, and was left as it is.",
            reason="FILE_EXISTS",
            code="ALREADY_EXISTS",
            next_step=f"Name another file {self._how}, or add --force to overwrite it.",
        )

    def _unusable(self, message: str) -> CommandError:
        return CommandError(
            message,
            reason="FILE_UNUSABLE",
            next_step=f"Name another file {self._how}.",
        )

    @property
    def _how(self) -> str:
        return f"{'with' if self.option.startswith('-') else 'as'} {self.option}"


def _flush_folder(path: Path) -> None:
    """Let the name outlive a power loss, where a folder can be told to keep it."""
    with suppress(OSError):
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _opened(path: Path, mode: int) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")
