"""X.509 certificates of signers: reading them, and whom they are for.

What must hold of one is in `certification`. docs/SPEC.md, "Signatures: certificates".
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.keyring import key_files
from git_model_security.messages import legible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cryptography.x509 import Certificate

_EMAIL_ADDRESS = re.compile(r"(^|(?<!\\)[,+])1\.2\.840\.113549\.1\.9\.1=")
_HINT = "`openssl x509 -in FILE -out FILE.pem` writes a certificate in PEM"


def load(path: Path) -> list[Certificate]:
    """Reads the certificates of a PEM file.

    Raises:
        ConfigError: it cannot be read, or holds none.
    """
    return parse(key_files.read(path, "certificate"), str(path))


def parse(pem: bytes, origin: str) -> list[Certificate]:
    """Parses certificates in PEM; what stands between them is passed over.

    Raises:
        ConfigError: there is none, or a damaged one.
    """
    from cryptography import x509

    if b"PRIVATE KEY-----" in pem:
        raise ConfigError(f"{origin}: a private key where a certificate is wanted", hint=_HINT)
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise ConfigError(f"{origin}: no certificate in PEM", hint=_HINT)
    try:
        found = x509.load_pem_x509_certificates(pem)
        for certificate in found:
            require_readable(certificate)
    except ValueError as error:
        raise ConfigError(f"{origin}: a damaged certificate", hint=_HINT) from error
    return found


def require_readable(certificate: Certificate) -> None:
    """Reads all of a certificate that is read later; cryptography parses it lazily.

    Raises:
        ValueError: something in it cannot be read.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import DuplicateExtension, UnsupportedGeneralNameType

    try:
        names(certificate)
        certificate.public_key()
    except (
        TypeError,
        UnsupportedAlgorithm,
        DuplicateExtension,
        UnsupportedGeneralNameType,
    ) as error:
        raise ValueError(str(error)) from error


def fingerprint(certificate: Certificate) -> str:
    """Returns SHA-256 over the certificate in DER, as `openssl x509 -fingerprint` does."""
    return hashlib.sha256(der(certificate)).hexdigest()


def der(certificate: Certificate) -> bytes:
    """Returns a certificate in DER."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def pem(certificates: Iterable[Certificate]) -> bytes:
    """Returns certificates in PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def subject(certificate: Certificate) -> str:
    """Returns the subject as RFC 4514 writes it; empty where there is none."""
    from cryptography.x509 import NameOID

    # `openssl x509 -nameopt RFC2253` calls it so too.
    return certificate.subject.rfc4514_string({NameOID.EMAIL_ADDRESS: "emailAddress"})


def names(certificate: Certificate) -> list[str]:
    """Returns whom a certificate is for: every name that it can be pinned by.

    The subject, its common name (if it has just one), and the e-mail addresses, URIs and
    DNS names among the alternative names.
    """
    found = [subject(certificate), *_common_name(certificate)]
    for kind in ("RFC822Name", "UniformResourceIdentifier", "DNSName"):
        found += _alternative(certificate, kind)
    return list(filter(None, found))


def named(certificate: Certificate) -> str:
    """Returns what to call a certificate's holder, fit for a terminal."""
    holder = next(iter(names(certificate)), fingerprint(certificate))
    return legible(holder)


def as_given(identity: str) -> str:
    """Returns an identity that a person copied as `subject` and `names` write it.

    Without the `subject=` that openssl puts before it, and with the name of the attribute
    that software which does not know `emailAddress` writes as numbers.
    """
    plain = re.sub(r"^subject=\s*", "", identity.strip())
    return _EMAIL_ADDRESS.sub(r"\1emailAddress=", plain)


def as_fingerprint(identity: str) -> str | None:
    """Returns the fingerprint that an identity is, with or without colons; else None."""
    plain = identity.replace(":", "").lower()
    return plain if re.fullmatch("[0-9a-f]{64}", plain) else None


def is_for(certificate: Certificate, identity: str) -> bool:
    """Tells whether a certificate is the one pinned, or is for whom is pinned.

    The form of an identity says what it is compared with, whole and letter by letter.
    An authority that checks the addresses that it writes, and lets people choose a common
    name, would else let them choose an address, or a whole subject, as that name. So what
    could be an e-mail address, a URI or a DNS name is none: it has an @, begins with a
    scheme, or has dots and no blank. Such a common name is pinned by the whole subject.
    """
    pinned = as_fingerprint(identity)
    if pinned:
        return fingerprint(certificate) == pinned
    if re.match(r"[A-Za-z0-9.-]+=", identity):
        return identity == subject(certificate)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:\S", identity):
        return identity in _alternative(certificate, "UniformResourceIdentifier")
    if "@" in identity:
        return identity in _alternative(certificate, "RFC822Name")
    if "." in identity and not re.search(r"\s", identity):
        return identity in _alternative(certificate, "DNSName")
    return identity in _common_name(certificate)


def _common_name(certificate: Certificate) -> list[str]:
    from cryptography.x509 import NameOID

    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return [str(one.value) for one in found if len(found) == 1]


def _alternative(certificate: Certificate, kind: str) -> list[str]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value.get_values_for_type(getattr(x509, kind)))


def is_root(certificate: Certificate) -> bool:
    """Tells whether a certificate is signed by itself, as roots are."""
    return has_issued(certificate, certificate)


def has_issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Tells whether one certificate is signed by the key of another, and names it."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
