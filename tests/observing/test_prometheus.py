"""A real Prometheus understands the dashboard and the alerts, and finds what they ask for."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from observing.prometheus import Prometheus, needs_prometheus
from observing.test_documents import ALERTS, DASHBOARD
from rollbook import AdminClient, DeviceRow, EnrollmentAgent, NotFoundError, Role
from tls.authority import HERE, Authority
from uploads.wire import imei, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Server

pytestmark = needs_prometheus

CASES = Path(__file__).with_name("alerts.yml")
# What is about processes that these tests have not.
OF_WORKERS = "rollbook_worker_up"
# What happens to no server that is well is looked for in what does happen.
REHEARSED = (
    (r'grpc_code=~"Unknown\|Internal\|DataLoss"', 'grpc_code=~".*"'),
    (r'reason="(SERVER_BUSY|STORE_FULL|TOO_MANY_ATTEMPTS)"', 'reason="PROFILE_NOT_FOUND"'),
)
# Prometheus looks once a second, and a rate needs two looks; far more than that takes.
ROUNDS = 3_000
COMPARISON = re.compile(r" (==|>|<) [\d.* ]+$")


class Depot:
    """A server over TLS with all that there is to tell of, and clients of it."""

    def __init__(self, server: Server, authority: Authority) -> None:
        self.server, trust = server, authority.certificate
        self.admin = AdminClient(server.address, api_key=server.api_key, root_certificates=trust)
        self.agent = EnrollmentAgent(server.address, root_certificates=trust)
        self.profile = self.admin.create_profile("Depot").profile_id
        expiry = server.clock.now + timedelta(days=3)
        self.admin.create_api_key("Nightly import", role=Role.VIEWER, expire_time=expiry)
        self._bad = DeviceRow("1")

    def be_busy(self) -> None:
        """Do some of everything; calls are counted from the second look on."""
        self.admin.upload_rows(self.profile, [DeviceRow(imei(1)), self._bad])
        token = self.admin.reveal_token(self.profile)
        self.agent.enroll_device(token=token, imeis=[imei(1)])
        self.agent.enroll_device(token=token, imeis=[imei(2)])
        with suppress(NotFoundError):
            self.admin.get_profile("prf-nowhere")

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Let one upload stand in its middle."""
        over = Event()

        def rows() -> Iterator[DeviceRow]:
            over.wait()
            yield DeviceRow(imei(9))

        with ThreadPoolExecutor(1) as pool:
            upload = pool.submit(self.admin.upload_rows, self.profile, rows)
            try:
                yield
            finally:
                over.set()
                upload.result()

    def close(self) -> None:
        self.admin.close()
        self.agent.close()


@pytest.fixture
def depot(serve: Callable[..., Server], tmp_path: Path) -> Iterator[Depot]:
    authority = Authority()
    files = authority.issue(*HERE).write(tmp_path, "server")
    depot = Depot(serve(metrics="127.0.0.1:0", **files), authority)
    yield depot
    depot.close()


@pytest.fixture
def prometheus(depot: Depot, tmp_path: Path) -> Iterator[Prometheus]:
    target = depot.server.app.observation.address
    with Prometheus(tmp_path / "prometheus", target, ALERTS) as prometheus:
        yield prometheus


def panels() -> dict[str, str]:
    """Give each expression of the dashboard with what Grafana puts in, by panel."""
    found = {}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for number, target in enumerate(panel.get("targets", ())):
            asked = target["expr"].replace("$job", ".*").replace("$instance", ".*")
            found[f"{panel['title']} {number}"] = asked.replace("$__rate_interval", "1m")
    return found


def rehearsed(expression: str) -> str:
    """Give what an alert looks at, whether that is alarming or not."""
    for pattern, instead in REHEARSED:
        expression = re.sub(pattern, instead, expression)
    return COMPARISON.sub("", expression)


def test_every_panel_and_every_alert_finds_what_it_asks_for(
    depot: Depot, prometheus: Prometheus
) -> None:
    alerts = re.findall(r"expr: (.+)", ALERTS.read_text())
    wanted = panels() | {each: rehearsed(each) for each in alerts if OF_WORKERS not in each}
    assert all("$" not in expression for expression in wanted.values())
    with depot.under_way():
        for _ in range(ROUNDS):
            depot.be_busy()
            wanted = {what: each for what, each in wanted.items() if not prometheus.ask(each)}
            if not wanted:
                return
    assert wanted == {}, "no series was found"


def test_prometheus_can_evaluate_every_alert(prometheus: Prometheus) -> None:
    until(lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()))
    faults = {rule["name"]: rule.get("lastError") for rule in prometheus.rules()}
    assert len(faults) == ALERTS.read_text().count("- alert:")
    assert not any(faults.values()), faults


def test_every_alert_comes_when_it_is_to_and_not_before() -> None:
    told = CASES.read_text()
    for name in re.findall("- alert: (.+)", ALERTS.read_text()):
        assert re.search(rf"alertname: {name}\n +exp_alerts:", told), name
        assert f"alertname: {name}}}" in told, name
    done = subprocess.run(
        ["promtool", "test", "rules", CASES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
