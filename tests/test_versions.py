"""`make versions` tries what pyproject.toml promises, not what it once promised."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def versions() -> Any:
    spec = importlib.util.spec_from_file_location("versions", ROOT / ".ci" / "versions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["versions"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_every_dependency_of_the_client_has_a_floor_that_is_tried(versions: Any) -> None:
    for requirement, floor in zip(PROJECT["dependencies"], versions.floors(), strict=True):
        assert requirement.startswith(floor.replace("==", ">="))


def test_where_two_floors_are_promised_the_higher_one_is_tried(versions: Any) -> None:
    (server,) = (each for each in PROJECT["optional-dependencies"]["server"] if "grpcio>=" in each)
    assert server.replace(">=", "==") in versions.floors("cli", "server")
    assert len({each.partition("==")[0] for each in versions.floors("cli", "server")}) == len(
        versions.floors("cli", "server")
    )


def test_the_oldest_python_is_the_one_that_is_required(versions: Any) -> None:
    assert PROJECT["requires-python"] == f">=3.{versions.MINORS[0]}"
    assert versions.found(sys.version_info.minor)
    assert versions.found(2) == ""


def test_ci_tries_them() -> None:
    assert "\nmake versions\n" in (ROOT / ".ci" / "run").read_text()
