"""What the cookbook shows is what a new server answers, and no RPC is left out."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from docs.recipes import Recipe, recipes
from methods import methods
from new_user import served
from rollbook_server.health import SERVICES

PAGE = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text(encoding="utf-8")
RECIPES = recipes(PAGE)
TOOLS = ("grpcurl", "jq")


@pytest.mark.skipif(
    not os.environ.get("CI") and not all(map(shutil.which, TOOLS)),
    reason="grpcurl and jq are not both installed: `apt-get install jq`, "
    "`go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest`",
)
def test_every_command_shows_what_stands_below_it(tmp_path: Path) -> None:
    with served(tmp_path) as user:
        shown = user.types_all(*(recipe.commands for recipe in RECIPES))

    for recipe, (text, status) in zip(RECIPES, shown, strict=True):
        assert (status != 0) == recipe.fails, (recipe.commands, text)
        assert recipe.is_answered_by(text), f"{recipe.commands}\nshows\n{text}"
    assert (tmp_path / "code.png").read_bytes().startswith(b"\x89PNG")


def test_every_rpc_is_called() -> None:
    called = set(re.findall(r"rollbook\.v1\.(\w+/\w+)", "".join(r.commands for r in RECIPES)))
    assert called == {f"{m.service.rpartition('.')[2]}/{m.name}" for m in methods(*SERVICES)}


def test_health_and_reflection_are_shown() -> None:
    commands = "".join(recipe.commands for recipe in RECIPES)
    for shown in ("grpc.health.v1.Health/Check", "$SERVER list", "$SERVER describe", "buf curl"):
        assert shown in commands


@pytest.mark.parametrize(
    ("answer", "shown", "same"),
    [
        ('"etag": "1"\n', '"etag": "1"\n', True),
        ('"etag": "1"\n', '"etag": "2"\n', False),
        ('"id": "prf-sx27jjqd7fnbrjyy"\n', '"id": "prf-74hx6nwcfbh6f2tx"\n', True),
        ('"id": "prf-sx27jjqd7fnbrjyy"\n', '"id": "tok-74hx6nwcfbh6f2tx"\n', False),
        ("{\n  ...\n}\n", '{\n  "a": 1,\n  "b": 2\n}\n', True),
        ("{\n  ...\n}\n", '{\n  "a": 1\n', False),
        ('"data": "77u..."\n', '"data": "77uSU"\n', True),
        ("", "Error\n", False),
    ],
)
def test_an_answer_is_compared_but_for_ids_and_what_is_left_out(
    answer: str, shown: str, *, same: bool
) -> None:
    assert Recipe("", answer).is_answered_by(shown) is same
