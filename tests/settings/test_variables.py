"""Variables that are nearly those of a setting are told; the others are somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook.cli.root import root
from rollbook_server.config import SETTINGS
from rollbook_server.settings.variables import misspelt

if TYPE_CHECKING:
    from rollbook_server.settings.declared import Setting
    from settings.conftest import Serve

OF_KUBERNETES = [
    "ROLLBOOK_PORT",
    "ROLLBOOK_SERVICE_HOST",
    "ROLLBOOK_SERVICE_PORT",
    "ROLLBOOK_PORT_7443_TCP",
    "ROLLBOOK_PORT_7443_TCP_ADDR",
]
OF_THE_COMMAND = ["ROLLBOOK_API_KEY", "ROLLBOOK_DEBUG", "ROLLBOOK_DATA_DIR"]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_that_lost_a_letter_is_told(setting: Setting) -> None:
    right = setting.variable
    wrong = right[:-2] + right[-1]
    assert list(misspelt([wrong, right], SETTINGS)) == [(wrong, right)]


def test_what_others_set_is_not_told() -> None:
    options = [each.envvar for each in root.params if getattr(each, "envvar", None)]
    ours = [each.variable for each in SETTINGS]
    names = [*OF_KUBERNETES, *OF_THE_COMMAND, *options, *ours, "ROLLBOOK_SEALING_KEY", "PATH"]
    assert not list(misspelt(map(str, names), SETTINGS))


def test_the_server_says_so_and_starts(serving: Serve) -> None:
    ended = serving.with_variable("ROLLBOOK_MAX_ROW", "5").run("--print-config")
    assert ended.exit_code == 0
    assert "ROLLBOOK_MAX_ROW is the variable of no setting" in ended.stderr
    assert "did you mean ROLLBOOK_MAX_ROWS?" in " ".join(ended.stderr.split())
