"""What a user asks of one upload, and how to ask it again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from itertools import chain, count
from typing import TYPE_CHECKING

import click

from rollbook import OnConflict, OnInvalidRow
from rollbook.cli.upload_inputs import STDIN, passes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rollbook.cli.new_files import NewFile
    from rollbook.cli.session import Session


@dataclass(frozen=True)
class UploadRequest:
    """The arguments of `rollbook upload`.

    The id of the upload is known before the first byte is sent, so that the upload
    can be resumed however it ends.
    """

    session: Session
    profile: str
    file: Path
    strict: bool
    dry_run: bool
    on_conflict: OnConflict
    resume: str | None
    errors: NewFile | None
    column_mapping: Mapping[str, str]
    replaces: str | None = None  # an upload that is still there
    copy: Path | None = None  # what a pipe gave, if somebody keeps it
    upload_id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "upload_id", self.resume or str(uuid.uuid4()))
        self._check_error_file()

    @property
    def called(self) -> str:
        """Tell what people call the file."""
        return "stdin" if self.file == STDIN else str(self.file)

    @property
    def on_invalid_row(self) -> OnInvalidRow:
        """Tell what one invalid row does."""
        return OnInvalidRow.FAIL if self.strict else OnInvalidRow.SKIP

    def again(self, file: Path | None = None, *, dry_run: bool | None = None) -> str:
        """Give the command that begins such an upload, perhaps of another file."""
        dry = self.dry_run if dry_run is None else dry_run
        return self._command(
            file or self.file,
            *(["--dry-run"] if dry else []),
            *(["--replace", self.replaces] if self.replaces else []),
            *(["--errors", str(free_path(self.errors.path))] if self.errors else []),
        )

    def resumed(self, errors: Path | None = None) -> str:
        """Give the command that goes on with this upload; a finished one is told again."""
        return self._command(
            self.file,
            *(["--dry-run"] if self.dry_run else []),
            *("--resume", self.upload_id),
            *(["--errors", str(errors)] if errors else self._error_options()),
        )

    def go_on(self) -> str:
        """Say how to go on with this upload."""
        return f"Go on with it{self.with_what}: {self.resumed()}"

    @property
    def with_what(self) -> str:
        """Say what a command that resumes it needs besides: a pipe has nothing left to give."""
        return ", with the same input again" if passes(self.file) else ""

    def _error_options(self) -> Sequence[str]:
        return self.errors.options() if self.errors else ()

    def _command(self, file: Path, *more: str) -> str:
        options = ["--strict"] if self.strict else []
        if self.on_conflict is not OnConflict.REJECT:
            options += ["--on-conflict", self.on_conflict.lower()]
        for column, meaning in self.column_mapping.items():
            options += ["--map", f"{column}={meaning}"]
        return self.session.command("upload", self.profile, str(file), options=(*options, *more))

    def _check_error_file(self) -> None:
        """Refuse, before anything is sent, what would fail or destroy a file after it."""
        if self.errors is None:
            return
        self.errors.check()
        if (
            self.errors.path.exists()
            and self.file.exists()
            and self.errors.path.samefile(self.file)
        ):
            raise click.UsageError("--errors names the FILE to be uploaded; name another one.")


def free_path(path: Path) -> Path:
    """Give the path, or one beside it with a number, where nothing is yet."""
    beside = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(one for one in chain([path], beside) if not one.exists())
