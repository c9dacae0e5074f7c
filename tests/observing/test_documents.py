"""The dashboard, the alerts and the page about metrics speak of what servers tell."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import Role
from rollbook_server.domain.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from observing.conftest import Told
    from rollbook import AdminClient
    from running import Server

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "on-call.md"
DASHBOARD = ROOT / "grafana" / "rollbook.json"
ALERTS = ROOT / "grafana" / "alerts.yml"
METRIC = re.compile(r"\b(?:rollbook|grpc_server|process)_[a-z_]+[a-z]\b(?!\()")
NOT_ALWAYS = {"rollbook_worker_up", "rollbook_tls_certificate_expiry_timestamp_seconds"}


@pytest.fixture
def told(server: Server, admin: AdminClient, ask: Callable[[Server], Told]) -> Told:
    """Give what a server tells that has all there is to tell of."""
    admin.create_profile("Depot")
    expiry = server.clock.now + timedelta(days=3)
    admin.create_api_key("Nightly import", role=Role.VIEWER, expire_time=expiry)
    return ask(server)


def families(told: Told) -> set[str]:
    return set(re.findall(r"^# TYPE (\S+)", told.text, re.MULTILINE)) | NOT_ALWAYS


def queries() -> list[str]:
    """Give what the dashboard and the alerts ask Prometheus for."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    return asked + re.findall(r"expr: (.+)", ALERTS.read_text())


def named(text: str) -> set[str]:
    return {re.sub("_(bucket|count|sum)$", "", name) for name in METRIC.findall(text)}


def test_what_is_asked_for_is_told(told: Told) -> None:
    assert named("\n".join(queries())) - families(told) == set()


def test_labels_that_are_asked_for_are_told(told: Told) -> None:
    labels = {label for each in told.samples for label in each.labels}
    # Of Prometheus itself, of workers, of what has not happened yet.
    known = labels | {"job", "instance", "worker", "le", "reason", "outcome", "method"}
    for query in queries():
        grouped = ",".join(re.findall(r"by \(([^)]*)\)", query))
        chosen = re.findall(r"[{,] ?([a-z_]+)=", query)
        assert {*grouped.replace(" ", "").split(","), *chosen} <= known | {""}, query


def test_reasons_that_are_alerted_of_are_ours() -> None:
    reasons = set(re.findall(r'reason="([A-Z_]+)"', ALERTS.read_text()))
    assert reasons
    assert reasons <= {str(reason) for reason in Reason}


def test_the_page_names_all_that_is_told_and_nothing_else(told: Told) -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    described = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    ours = {name for name in families(told) if not name.startswith(("process_", "python_"))}
    assert described == ours


def test_panels_of_the_dashboard_lie_beside_each_other() -> None:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {
            (place["x"] + across, place["y"] + down)
            for across in range(place["w"])
            for down in range(place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not taken & cells
        taken |= cells
