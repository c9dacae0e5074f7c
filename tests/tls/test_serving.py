"""TLS and mutual TLS from the client library to the server, and certificates that change."""

from __future__ import annotations

import logging
import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from rollbook import AdminClient, EnrollmentAgent, EnrollOutcome, UnavailableError
from rollbook.v1.device_service_pb2 import GetUploadRequest
from rollbook.v1.device_service_pb2_grpc import DeviceServiceStub
from tls.authority import HERE, Authority, Issued, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server


def profiles(server: Server, **settings: Any) -> list[Any]:
    with AdminClient(server.address, api_key=server.api_key, **settings) as admin:
        return list(admin.list_profiles())


def refusal(server: Server, **settings: Any) -> str:
    with pytest.raises(UnavailableError) as caught:
        profiles(server, **settings)
    assert caught.value.reason == ""
    return str(caught.value)


def served(server: Server) -> int:
    """Give the serial number of the certificate that a new connection is shown."""
    pem = ssl.get_server_certificate((HERE[0], port(server)))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def port(server: Server) -> int:
    return int(server.address.rpartition(":")[2])


def serial(issued: Issued) -> int:
    return x509.load_pem_x509_certificate(issued.certificate).serial_number


def test_whoever_trusts_the_authority_is_served(
    secure: Server, authority: Authority, ca: Path
) -> None:
    for trusted in (authority.certificate, ca, str(ca)):
        assert profiles(secure, root_certificates=trusted) == []
    with EnrollmentAgent(secure.address, root_certificates=ca) as agent:
        answer = agent.enroll_device(imeis=["356938035643809"])
    assert answer.outcome is EnrollOutcome.NOT_REGISTERED


def test_whoever_does_not_trust_it_is_told_so(secure: Server, stranger: Authority) -> None:
    for trusted in (stranger.certificate, None):
        told = refusal(secure, root_certificates=trusted, plaintext=False)
        assert "of an authority that is not known here" in told


def test_a_certificate_for_another_name_is_refused_unless_the_name_is_said(
    serve: Callable[..., Server], authority: Authority, ca: Path, tmp_path: Path
) -> None:
    server = serve(**authority.issue("enroll.example.com").write(tmp_path, "other"))

    assert "for another host name" in refusal(server, root_certificates=ca)
    assert profiles(server, root_certificates=ca, server_name="enroll.example.com") == []


def test_plaintext_and_tls_do_not_meet_and_each_is_named(
    server: Server, tmp_path: Path, issued: Issued, serve: Callable[..., Server], ca: Path
) -> None:
    assert "does not speak TLS" in refusal(server, root_certificates=ca)
    secure = serve(**issued.write(tmp_path, "server"), data_dir=tmp_path / "other")
    assert "it may speak TLS" in refusal(secure)


def test_an_expired_certificate_is_named(
    serve: Callable[..., Server], authority: Authority, ca: Path, tmp_path: Path
) -> None:
    # The clock of a server in tests stands still where this one is good.
    ends = datetime(2026, 11, 23, 10, tzinfo=UTC)
    server = serve(**authority.issue(*HERE, until=ends).write(tmp_path, "old"))

    assert "has expired" in refusal(server, root_certificates=ca)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
def test_nothing_older_than_tls_1_2_is_spoken(secure: Server, newest: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["h2"])

    def handshake() -> str | None:
        with (
            socket.create_connection((HERE[0], port(secure))) as connection,
            context.wrap_socket(connection) as secured,
        ):
            return secured.version()

    if newest is ssl.TLSVersion.TLSv1_2:
        assert handshake() == "TLSv1.2"
    else:
        with pytest.raises(ssl.SSLError):
            handshake()


def test_mutual_tls_lets_in_certificates_of_its_authority_only(
    mutual: Server, authority: Authority, stranger: Authority, ca: Path, tmp_path: Path
) -> None:
    good, foreign = authority.issue("service"), stranger.issue("service")
    late = authority.issue("service", until=datetime.now(UTC) - timedelta(hours=1))

    def shown(issued: Issued) -> dict[str, bytes]:
        return {"client_certificate": issued.certificate, "client_key": issued.key}

    assert profiles(mutual, root_certificates=ca, **shown(good)) == []
    for settings in ({}, shown(foreign), shown(late)):
        assert "client certificate" in refusal(mutual, root_certificates=ca, **settings)
    with (
        EnrollmentAgent(mutual.address, root_certificates=ca) as agent,
        pytest.raises(UnavailableError),
    ):
        agent.enroll_device(imeis=["356938035643809"])
    paths = good.write(tmp_path, "client")
    assert (
        profiles(
            mutual,
            root_certificates=ca,
            client_certificate=paths["tls_cert"],
            client_key=paths["tls_key"],
        )
        == []
    )


def test_progress_is_asked_for_with_the_same_certificates(
    mutual: Server, authority: Authority, ca: Path
) -> None:
    own = authority.issue("service")
    with AdminClient(
        mutual.address,
        api_key=mutual.api_key,
        root_certificates=ca,
        client_certificate=own.certificate,
        client_key=own.key,
    ) as admin:
        devices = admin._caller.stub(DeviceServiceStub, apart=True)
        with pytest.raises(grpc.RpcError) as caught:
            devices.GetUpload(GetUploadRequest(upload_id="u1"), metadata=admin._caller.metadata)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_certificate_and_a_key_of_two_are_named(
    mutual: Server, authority: Authority, ca: Path
) -> None:
    one, other = authority.issue("a"), authority.issue("b")
    told = refusal(
        mutual, root_certificates=ca, client_certificate=one.certificate, client_key=other.key
    )
    assert "cannot be used with its key" in told


def test_a_new_certificate_is_served_without_a_restart_and_old_connections_stay(
    secure: Server,
    authority: Authority,
    issued: Issued,
    ca: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with AdminClient(secure.address, api_key=secure.api_key, root_certificates=ca) as admin:
        assert list(admin.list_profiles()) == []
        assert served(secure) == serial(issued)

        renewed = authority.issue(*HERE)
        renewed.write(tmp_path, "server")

        assert served(secure) == serial(renewed)
        assert admin.create_profile("Depot").name == "Depot"
        assert len(profiles(secure, root_certificates=ca)) == 1
    assert caplog.text.count("serving a new certificate") == 1


def test_a_certificate_that_cannot_serve_leaves_the_old_one_serving(
    secure: Server,
    authority: Authority,
    issued: Issued,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    renewed = authority.issue(*HERE)
    bad = (renewed.certificate[:200], b"", renewed.certificate, None)
    for content in bad:  # half written, empty, without its key yet, away
        if content is None:
            (tmp_path / "server.pem").unlink()
        else:
            replace(tmp_path / "server.pem", content)
        assert served(secure) == served(secure) == serial(issued)
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert ["holds no certificate" in line for line in told] == [True, True, False, False]
    assert "do not belong together" in told[2]
    assert "cannot be read: No such file" in told[3]
    assert all("the old one goes on serving" in line for line in told)

    renewed.write(tmp_path, "server")
    assert served(secure) == serial(renewed)


@pytest.mark.parametrize(
    ("before", "between"), [(b"\xef\xbb\xbf", b""), (b"Bag \xfc\r\n", b"\r\nsubject=\n\n")]
)
def test_what_stands_around_certificates_and_key_does_not_matter(
    mutual: Server,
    authority: Authority,
    stranger: Authority,
    ca: Path,
    before: bytes,
    between: bytes,
) -> None:
    renewed, other = authority.issue(*HERE), stranger.issue("service")
    chain = before + renewed.certificate + between + authority.certificate
    files = Issued(chain.replace(b"\n", b"\r\n"), before + renewed.key)
    files.write(ca.parent, "server")
    replace(ca, before + stranger.certificate)

    settings = {"client_certificate": other.certificate, "client_key": other.key}
    assert profiles(mutual, root_certificates=authority.certificate, **settings) == []
    assert served(mutual) == serial(renewed)


def test_a_key_that_grpc_does_not_take_leaves_the_old_certificate_serving(
    secure: Server,
    authority: Authority,
    issued: Issued,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    key = ec.generate_private_key(ec.SECP256K1())
    authority.issue(*HERE, key=key).write(tmp_path, "server")
    assert served(secure) == served(secure) == serial(issued)
    assert caplog.text.count("the old one goes on serving: --tls-key") == 1
    assert "serving a new certificate" not in caplog.text


def test_metrics_tell_when_the_certificate_that_is_served_ends(
    secure: Server, authority: Authority, tmp_path: Path
) -> None:
    def told() -> list[float]:
        assert secure.app.observation.metrics is not None
        families = {each.name: each for each in secure.app.observation.metrics.collect()}
        expiry = families["rollbook_tls_certificate_expiry_timestamp_seconds"]
        return [sample.value for sample in expiry.samples]

    before, until = told(), datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    renewed = authority.issue(*HERE, until=until)
    renewed.write(tmp_path, "server")
    assert told() == before
    assert served(secure) == serial(renewed)
    assert told() == [until.timestamp()]


def test_a_key_whose_mode_is_mended_as_the_log_says_is_taken(
    secure: Server, authority: Authority, issued: Issued, tmp_path: Path
) -> None:
    renewed, key = authority.issue(*HERE), tmp_path / "server.key"
    replace(tmp_path / "server.pem", renewed.certificate)
    replace(key, renewed.key)
    key.chmod(0o644)
    assert served(secure) == serial(issued)

    key.chmod(0o600)

    assert served(secure) == serial(renewed)


def test_a_certificate_that_is_good_from_a_little_later_on_is_taken_then(
    secure: Server,
    authority: Authority,
    issued: Issued,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    renewed = authority.issue(*HERE, since=secure.clock() + timedelta(minutes=2))
    renewed.write(tmp_path, "server")
    for _ in range(2):
        assert served(secure) == serial(issued)
        secure.clock.turn(minutes=1)
    assert served(secure) == serial(renewed)
    assert caplog.text.count("is good from") == 1


def test_new_authorities_of_clients_are_followed_as_well(
    mutual: Server, authority: Authority, stranger: Authority, ca: Path
) -> None:
    other = stranger.issue("service")
    settings = {"client_certificate": other.certificate, "client_key": other.key}
    assert "client certificate" in refusal(
        mutual, root_certificates=authority.certificate, **settings
    )

    replace(ca, authority.certificate + stranger.certificate)

    assert profiles(mutual, root_certificates=authority.certificate, **settings) == []


def test_with_tls_other_machines_may_be_listened_to(
    serve: Callable[..., Server], issued: Issued, ca: Path, tmp_path: Path
) -> None:
    server = serve(listen="0.0.0.0:0", **issued.write(tmp_path, "server"))

    server.address = f"{HERE[0]}:{port(server)}"
    assert profiles(server, root_certificates=ca) == []
