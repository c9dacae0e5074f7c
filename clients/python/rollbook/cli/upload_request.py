"""What a user asks of one upload, and how to ask it again."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from itertools import chain, count
from typing import TYPE_CHECKING

import click

from rollbook import OnConflict, OnInvalidRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
    errors: Path | None
    column_mapping: Mapping[str, str]
    upload_id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "upload_id", self.resume or str(uuid.uuid4()))
        self._check_error_file()

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
            *(["--errors", str(_free(self.errors))] if self.errors else []),
        )

    def resumed(self, errors: str | None = None) -> str:
        """Give the command that goes on with this upload; a finished one is told again."""
        kept = errors or (str(self.errors) if self.errors else None)
        return self._command(
            self.file,
            *(["--dry-run"] if self.dry_run else []),
            *("--resume", self.upload_id),
            *(["--errors", kept] if kept else []),
        )

    def _command(self, file: Path, *more: str) -> str:
        words = ["upload", self.profile, str(file)]
        words += ["--strict"] if self.strict else []
        if self.on_conflict is not OnConflict.REJECT:
            words += ["--on-conflict", self.on_conflict.lower()]
        for column, meaning in self.column_mapping.items():
            words += ["--map", f"{column}={meaning}"]
        return self.session.command(*words, *more)

    def _check_error_file(self) -> None:
        """Refuse, before anything is sent, what would fail or destroy the file after it."""
        if self.errors is None:
            return
        folder = self.errors.parent
        if not folder.is_dir():
            raise _bad_errors(f"there is no directory {folder}")
        if not os.access(folder, os.W_OK):
            raise _bad_errors(f"nothing can be written to {folder}")
        # What is no regular file, such as a pipe, has nothing to lose.
        if self.errors.is_file():
            raise _bad_errors(
                f"{self.errors} exists; name another file, such as {_free(self.errors)}, "
                "or delete it"
            )


def _bad_errors(text: str) -> click.BadParameter:
    return click.BadParameter(text, param_hint="'--errors'")


def _free(path: Path) -> Path:
    """Give the path, or one beside it with a number, where nothing is yet."""
    beside = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(one for one in chain([path], beside) if not one.exists())
