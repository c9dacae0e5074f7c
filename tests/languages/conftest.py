"""A program for each language, built once in a run of the suite."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from languages.programs import LANGUAGES, Language, Program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory that all workers of this run have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", params=LANGUAGES, ids=[each.name for each in LANGUAGES])
def program(request: pytest.FixtureRequest, told: Path) -> Program:
    language: Language = request.param
    language.build(told)
    return Program(language)
