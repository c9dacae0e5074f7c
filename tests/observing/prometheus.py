"""A real Prometheus that scrapes one server, and can be asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from uploads.wire import until

if TYPE_CHECKING:
    from pathlib import Path

MISSING = "Prometheus is not installed: apt-get install prometheus (Debian, Ubuntu)"
needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool"))
    and os.environ.get("CI") != "true",
    reason=MISSING,
)
_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 200ms}}
rule_files: [{alerts}]
scrape_configs:
  - job_name: rollbook
    static_configs: [{{targets: ["{target}"]}}]
"""
_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


class Prometheus:
    """One process, with a folder of its own; `target` is an address of metrics."""

    def __init__(self, folder: Path, target: str, alerts: Path) -> None:
        folder.mkdir()
        config = folder / "prometheus.yml"
        config.write_text(_CONFIG.format(target=target, alerts=alerts))
        self._log = folder / "log"
        options = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["prometheus", *options, "--web.listen-address=127.0.0.1:0"], stderr=log
            )

    def __enter__(self) -> Self:
        until(lambda: self._is_ready() or self._has_ended())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, query: str) -> list[Any]:
        """Give the series of an expression, as they are by now."""
        found: list[Any] = self._get("query", query=query)["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Give the alerts with their health."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, what: str, **parameters: str) -> Any:
        where = f"http://{self._address()}/api/v1/{what}?{urlencode(parameters)}"
        with urlopen(where, timeout=30) as answer:
            return json.load(answer)["data"]

    def _address(self) -> str:
        found = _LISTENING.search(self._log.read_text())
        return found[1] if found else ""

    def _is_ready(self) -> bool:
        return "Server is ready to receive web requests" in self._log.read_text()

    def _has_ended(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        return False
