"""What must hold of a signer's certificate and of the chain above it.

The library checks less than a verifier must. A bundle by certificate has no timestamp,
so the library takes the moment when the leaf began to be valid for the time of signing,
and an expired leaf holds for ever; it takes any leaf that may sign anything; and it
does not ask who the leaf is for. docs/SPEC.md, "Signatures: certificates".

Each question is answered by a reason against the certificate, or None: a signer and a
verifier make different errors of it.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from git_model_security.messages import legible
from git_model_security.signing import certificates, pem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate
    from cryptography.x509.verification import ClientVerifier, ExtensionPolicy

CLOCK_SKEW = datetime.timedelta(minutes=5)
"""How far the first moment of a certificate may lie ahead: its issuer dates a fresh one
by another clock than ours. The last moment gets no such grace."""

MAX_BETWEEN = 8
"""Certificates between leaf and root."""


def leaf_fault(leaf: Certificate, at: datetime.datetime) -> str | None:
    """Returns why a certificate cannot be a signer's at a time, with its zone, or None."""
    reason = pem.key_fault(leaf.public_key())
    if reason:
        return f"holds {reason}"
    return validity_fault(leaf, at) or usage_fault(leaf)


def validity_fault(certificate: Certificate, at: datetime.datetime) -> str | None:
    """Returns why a certificate is not valid at a time, or None."""
    if at > certificate.not_valid_after_utc:
        return f"expired on {_date(certificate.not_valid_after_utc)}"
    if at + CLOCK_SKEW < certificate.not_valid_before_utc:
        return f"is not valid until {_date(certificate.not_valid_before_utc)}"
    return None


def start_fault(authority: Certificate, leaf: Certificate) -> str | None:
    """Returns why an authority cannot stand above a leaf that began before it, or None.

    OpenSSL looks at a chain in the leaf's first moment, since the library takes that for
    the time of signing. There is no grace: an issuer may date a leaf back, and not before
    its own beginning.
    """
    begin = authority.not_valid_before_utc
    if begin <= leaf.not_valid_before_utc:
        return None
    first = _date(leaf.not_valid_before_utc)
    return f"is not valid until {_date(begin)}, and the signer's is from {first} already"


def authority_fault(
    leaf: Certificate, above: Sequence[Certificate], at: datetime.datetime
) -> tuple[Certificate, str] | None:
    """Returns the authority that is not valid, and why; None where a way up is, or none is.

    For a signer, who may not have the root. Several certificates of one authority may be
    there, of which one will do.
    """
    found: dict[Certificate, tuple[Certificate, str] | None] = {}

    def way_up(child: Certificate) -> tuple[Certificate, str] | None:
        if certificates.is_root(child):
            return None
        issuers = [one for one in above if certificates.has_issued(one, child)]
        for issuer in issuers:
            if issuer not in found:
                found[issuer] = None  # meanwhile: authorities may have certified each other
                reason = validity_fault(issuer, at) or start_fault(issuer, leaf)
                found[issuer] = (issuer, reason) if reason else way_up(issuer)
            if found[issuer] is None:
                return None
        return found[issuers[0]] if issuers else None

    return way_up(leaf)


def usage_fault(certificate: Certificate) -> str | None:
    """Returns why a certificate is not for signing models, or None.

    Key usage must have digitalSignature, extended key usage must have codeSigning, and
    one of the two must be there at all. The library takes either of them, also beside
    the other one that forbids it.
    """
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    found = {type(extension.value): extension.value for extension in certificate.extensions}
    usage = found.get(x509.KeyUsage)
    extended = found.get(x509.ExtendedKeyUsage)
    if isinstance(usage, x509.KeyUsage) and not usage.digital_signature:
        return "is not for signing: its key usage lacks digitalSignature"
    for_code = ExtendedKeyUsageOID.CODE_SIGNING
    if isinstance(extended, x509.ExtendedKeyUsage) and for_code not in extended:
        return "is not for code signing: its extended key usage lacks codeSigning"
    if usage is None and extended is None:
        return "is not for signing: it states no key usage"
    return None


def chain_fault(
    leaf: Certificate,
    between: Sequence[Certificate],
    roots: Sequence[Certificate],
    at: datetime.datetime,
) -> str | None:
    """Returns why no chain leads from a leaf to one of the roots, or None.

    By RFC 5280 as `cryptography.x509.verification` has it: signatures (ECDSA on the NIST
    curves, RSA from 2048 bits, each with SHA-2), dates, path lengths, name constraints,
    and no critical extension that it does not know. An authority must be one by its
    basic constraints, must be allowed to issue certificates and, where its extended key
    usage says for what, for code signing (or anything). What that package asks
    of the web's authorities beyond is not asked for: a company's own need not know it.
    What may stand `between` is not trusted.
    """
    from cryptography.x509.verification import VerificationError

    known = (leaf, *between, *roots)
    # What is valid but for the skew is looked at in its first moment.
    begins = (certificate.not_valid_before_utc for certificate in known)
    moment = max(at, *(begin for begin in begins if begin <= at + CLOCK_SKEW), at)
    try:
        _verifier(roots, moment).verify(leaf, list(between))
        # And as OpenSSL will look at it: see `start_fault`.
        _verifier(roots, leaf.not_valid_before_utc).verify(leaf, list(between))
    except VerificationError as error:
        for certificate in known:
            reason = validity_fault(certificate, at) or start_fault(certificate, leaf)
            if reason:
                return f"the certificate of {certificates.named(certificate)} {reason}"
        said = str(error).partition(" (encountered")[0].rpartition(": ")[2]
        missing = missing_issuer(leaf, [*between, *roots])
        if missing:
            said = f"the certificate of {missing} is neither in the bundle nor given"
        return f"its chain does not end in a given root ({said})"
    return None


def missing_issuer(leaf: Certificate, known: Sequence[Certificate]) -> str | None:
    """Returns the name of the authority at which a chain breaks off, or None."""
    last = leaf
    for _ in range(MAX_BETWEEN + 1):
        if certificates.is_root(last):
            break
        above = [one for one in known if certificates.has_issued(one, last)]
        if not above:
            issuer = last.issuer.rfc4514_string()
            return legible(issuer) or "its issuer"
        last = above[0]
    return None


def now() -> datetime.datetime:
    """Returns the time that counts: there is no other in a bundle by certificate."""
    return datetime.datetime.now(datetime.UTC)


def _verifier(roots: Sequence[Certificate], moment: datetime.datetime) -> ClientVerifier:
    from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store

    return (
        PolicyBuilder()
        .store(Store(list(roots)))
        .time(moment)
        .max_chain_depth(MAX_BETWEEN)
        # The leaf's own extensions are looked at in `leaf_fault`.
        .extension_policies(ca_policy=_of_authorities(), ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )


def _of_authorities() -> ExtensionPolicy:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    issuing = {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}

    def require(condition: bool) -> None:
        # What a validator raises ends the search along this path.
        if not condition:
            raise ValueError("an authority of the chain may not issue it")

    return (
        ExtensionPolicy.permit_all()
        .require_present(
            x509.BasicConstraints,
            Criticality.AGNOSTIC,
            lambda _policy, _certificate, found: require(found.ca),
        )
        .may_be_present(
            x509.KeyUsage,
            Criticality.AGNOSTIC,
            lambda _policy, _certificate, found: require(found is None or found.key_cert_sign),
        )
        .may_be_present(
            x509.ExtendedKeyUsage,
            Criticality.AGNOSTIC,
            lambda _policy, _certificate, found: require(
                found is None or not issuing.isdisjoint(found)
            ),
        )
    )


def _date(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
