"""Ctrl-C in the middle of what must not be divided."""

from __future__ import annotations

import signal

import pytest

from rollbook.cli.undivided import undivided


@undivided()
def interrupted(done: list[str]) -> None:
    signal.raise_signal(signal.SIGINT)
    done.append("the rest")


def test_ctrl_c_waits_for_the_end() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(done)
    assert done == ["the rest"]


def test_afterwards_it_comes_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with undivided():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_who_ignores_it_goes_on_doing_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with undivided():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
