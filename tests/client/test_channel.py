"""Where and how a client connects: nothing secret leaves this machine unencrypted unasked."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook import AdminClient, EnrollmentAgent
from rollbook._channel import endpoint, service_config
from rollbook._tls import Tls
from rollbook.v1 import (
    access_service_pb2,
    audit_service_pb2,
    device_service_pb2,
    enrollment_service_pb2,
    profile_service_pb2,
    token_service_pb2,
    user_service_pb2,
)

CONTRACT = (
    access_service_pb2,
    audit_service_pb2,
    device_service_pb2,
    enrollment_service_pb2,
    profile_service_pb2,
    token_service_pb2,
    user_service_pb2,
)


@pytest.mark.parametrize(
    "address",
    [
        "localhost:1",
        "127.0.0.1:1",
        "127.9.9.9:1",
        "[::1]:1",
        "::1",
        "unix:/run/x",
        "dns:///localhost:1",
        "dns:localhost:1",
        "LocalHost:1",
        "ipv4:127.0.0.1:1",
        "ipv6:[::1]:1",
    ],
)
def test_loopback_is_plaintext(address: str) -> None:
    assert endpoint(address).plaintext


@pytest.mark.parametrize(
    "address",
    [
        "rollbook.example:443",
        "10.0.0.1:1",
        "0.0.0.0:1",
        "localhost.example:1",
        "[2001:db8::1]:1",
        "ipv4:10.0.0.1:1",
    ],
)
def test_everywhere_else_is_tls(address: str) -> None:
    assert not endpoint(address).plaintext
    assert endpoint(address, plaintext=True).plaintext


def test_certificates_mean_tls_even_on_loopback() -> None:
    secured = Tls(root_certificates=b"pem")
    assert not endpoint("localhost:1", tls=secured).plaintext
    with pytest.raises(ValueError, match="leave out plaintext=True"):
        endpoint("localhost:1", tls=secured, plaintext=True)


@pytest.mark.parametrize(
    ("address", "complete"),
    [
        ("localhost", "localhost:7443"),
        ("example:1", "example:1"),
        ("::1", "[::1]:7443"),
        ("[::1]", "[::1]:7443"),
        ("[::1]:1", "[::1]:1"),
        ("unix:/run/x", "unix:/run/x"),
    ],
)
def test_the_port_is_that_of_rollbook(address: str, complete: str) -> None:
    assert endpoint(address).address == complete


def test_an_empty_address_is_refused() -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        EnrollmentAgent(" ")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:7443", "127.0.0.1:abc", "a b", "a:0", "a:65536", ":1", "a/b:1"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="write HOST:PORT, without http://"):
        EnrollmentAgent(address)


@pytest.mark.parametrize("api_key", ["", " \n", "schlüssel", "a\nb"])
def test_a_key_that_cannot_be_sent_is_refused_without_repeating_it(api_key: str) -> None:
    with pytest.raises(ValueError, match="the API key is empty or holds characters") as caught:
        AdminClient("localhost:1", api_key=api_key)
    assert api_key.strip() == "" or api_key not in str(caught.value)


def test_a_key_from_a_file_loses_its_line_ending() -> None:
    with AdminClient("localhost:1", api_key="key\n") as client:
        assert client._caller.metadata == (("authorization", "Bearer key"),)
        assert "key" not in repr(client)


def test_every_service_is_retried_but_no_stream() -> None:
    services = [
        service for module in CONTRACT for service in module.DESCRIPTOR.services_by_name.values()
    ]
    methods: Any = service_config()["methodConfig"]
    streams, retried = methods
    assert {name["service"] for name in retried["name"]} == {each.full_name for each in services}
    assert {(name["service"], name["method"]) for name in streams["name"]} == {
        (service.full_name, method.name)
        for service in services
        for method in service.methods
        if method.client_streaming or method.server_streaming
    }
    assert "retryPolicy" not in streams
