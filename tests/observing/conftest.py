"""Servers whose metrics are asked for over HTTP, and what they told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Server

ANYWHERE = "127.0.0.1:0"


class Told:
    """What one look at the metrics told: each number by its name and labels."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def sum(self, name: str, **labels: str) -> float:
        """Add up what has the name and at least these labels."""
        wanted = labels.items()
        found = [each for each in self.samples if each.name == name]
        return sum(each.value for each in found if wanted <= each.labels.items())

    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}


def asked(address: str) -> Told:
    """Ask as Prometheus does."""
    with urlopen(f"http://{address}/metrics", timeout=30) as answer:
        return Told(answer.read().decode())


@pytest.fixture
def ask() -> Callable[[Server], Told]:
    """Give a way to ask a server."""
    return lambda server: asked(server.app.observation.address)


@pytest.fixture
def server(serve: Callable[..., Any]) -> Any:
    """Give a server that tells metrics."""
    return serve(metrics=ANYWHERE)
