"""The certificate of a server that speaks TLS: usable, for how long, and for which name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from rollbook_server.config import ConfigError, split_address
from rollbook_server.doctor.findings import ok, warning, wrong
from rollbook_server.domain.addresses import is_loopback
from rollbook_server.tls_files import pem, tls_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from rollbook_server.config import Config
    from rollbook_server.doctor.findings import Finding

_CERTIFICATE = "certificate"
_FEW_DAYS = 21  # those that live 90 days are renewed by then


def certificate(config: Config, now: datetime) -> Finding:
    """Look at the certificate as a server does at its start, and further ahead."""
    files = tls_files(config)
    if files is None:
        return ok(_CERTIFICATE, "none: the server speaks plaintext")
    try:
        material = files.read(now)
    except ConfigError as error:
        return wrong(_CERTIFICATE, str(error))
    days = (material.until - now).days
    told = f"{files.certificate}, good for {days:,} days more"
    names, wanted = names_in(material.chain), _wanted(config)
    if wanted and not any(covers(name, wanted) for name in names):
        return warning(
            _CERTIFICATE,
            f"{files.certificate} is for {', '.join(names) or 'no name'}, not for {wanted}",
            "Devices refuse it: get one for that name, or name the right --public-address.",
        )
    if days < _FEW_DAYS:
        return warning(_CERTIFICATE, told, "Renew it; the server takes it without a restart.")
    return ok(_CERTIFICATE, f"{told}, for {', '.join(names)}")


def names_in(chain: bytes) -> Sequence[str]:
    """Give the names and addresses that the first certificate of a chain is for."""
    own = x509.load_pem_x509_certificates(chain)[0]
    try:
        found = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def covers(name: str, wanted: str) -> bool:
    """Tell whether a name in a certificate, which may begin with `*.`, is that of a host."""
    if name.startswith("*."):
        return wanted.partition(".")[2].casefold() == name[2:].casefold()
    return name.casefold() == wanted.casefold()


def as_authority(path: Path) -> tuple[bytes | None, str]:
    """Give what to trust to reach the server itself, and the name that it goes by."""
    try:
        chain = pem(x509.load_pem_x509_certificates(path.read_bytes()))
        return chain, next(iter(names_in(chain)), "")
    except (OSError, ValueError):
        return None, ""


def _wanted(config: Config) -> str:
    """Give the host that devices are told to call; empty if nobody said it."""
    if config.public_address:
        host = config.public_address
        return host.rpartition("]")[0].strip("[") if "]" in host else host.partition(":")[0]
    host = split_address(config.listen)[0]
    return "" if host in {"0.0.0.0", "::"} or is_loopback(host) else host  # noqa: S104
