"""Opening a bundle to the manifest that it signs.

Knows digests only; files, blobs and trust stores are the caller's.
docs/SPEC.md, "Signatures: opening".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import Reason, VerificationError
from git_model_security.signing import dsse, statement
from git_model_security.signing.document import malformed
from git_model_security.signing.methods import CERTIFICATE, KEY, KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.methods import SignerIdentity, Verifier
    from git_model_security.signing.roles import Subject

_Outcome = tuple["Manifest", "SignerIdentity", "float | None"]
"""What was signed, by whom, and until when that holds."""


@dataclass(frozen=True)
class Opened:
    """A bundle whose signature holds under a signer that the caller trusts.

    Attributes:
        manifest: what is signed; nothing was compared with it yet.
        subject: role and root; None for a bundle of other software.
        sha256: of the bundle itself, in hexadecimal, as `sha256sum` of the file shows it.
        ends: see `methods.Verifier.ends`.
    """

    manifest: Manifest
    signer: SignerIdentity
    subject: Subject | None
    sha256: str
    ends: float | None = None


def open_bundle(
    data: bytes,
    verifiers: Sequence[Verifier],
    *,
    expected: Subject | None = None,
    signature_name: str | None = None,
) -> Opened:
    """Verifies a hostile bundle and returns what it signs.

    1. The outside has the right form and size.
    2. A trusted signer is the one that it names.
    3. The signature holds under that signer, by its method.
    4. The statement that it is over is read strictly.
    5. The names are safe, and a role of ours is in the form that it has, with nothing
       beside it.
    6. It is over what the caller expects. Without this, who can push could put the
       bundle of one root, or the one over ciphertext, in the place of another.

    Without `expected` it may be over anything, also of other software. `signature_name` is the
    plaintext bundle's in this repository; None takes what the bundle itself leaves out.

    Raises:
        VerificationError: `MALFORMED`, `UNTRUSTED`, `WRONG_KEY`, `WRONG_IDENTITY` or
            `INVALID`.
        ConfigError: what a signer is trusted by cannot be used.
    """
    bundle = dsse.parse(data)
    signed, signer, ends = _first_that_verifies(bundle, _candidates(bundle, verifiers))
    statement.check(signed, signature_name)
    subject = signed.subject
    if subject is not None:
        dsse.require_bare(bundle)
    if expected is not None and subject != expected:
        raise VerificationError(
            Reason.INVALID,
            f"signs {_described(subject)}, not {_described(expected)}",
            hint="find out who put it here, then sign again",
        )
    return Opened(signed, signer, subject, hashlib.sha256(data).hexdigest(), ends)


def _candidates(bundle: dsse.Bundle, verifiers: Sequence[Verifier]) -> list[Verifier]:
    fitting = [verifier for verifier in verifiers if verifier.accepts(bundle)]
    if fitting:
        return fitting
    claimed = dsse.signer(bundle)
    given = [verifier.identity for verifier in verifiers if verifier.explicit]
    if given:
        wanted = ", nor by ".join(map(_named, given))
        raise VerificationError(
            Reason.WRONG_KEY if given[0].method == KEY else Reason.WRONG_IDENTITY,
            f"signed by {claimed}, not by {wanted} as given",
            hint=_other_signer(given[0]),
            claimed=claimed,
        )
    raise VerificationError(
        Reason.UNTRUSTED,
        f"signed by {claimed}, which is not trusted here",
        hint=f"if you know the signer: `{KINDS[bundle.kind].pinning}`",
        claimed=claimed,
    )


def _other_signer(wanted: SignerIdentity) -> str:
    if wanted.method == KEY:
        return "give the public key of the one who signed"
    if (
        wanted.method == CERTIFICATE
        and re.search("[@.:]", wanted.name)
        and "=" not in wanted.name
    ):
        return (
            "an e-mail address, a URI or a DNS name is looked for among the subject's"
            " alternative names; one in the subject is part of that, which --identity takes as"
            " a whole"
        )
    return "if that is the signer you expect, say so: see `git model verify --help`"


def _named(identity: SignerIdentity) -> str:
    return f"{identity.method} {identity.name or identity.fingerprint[:16]}"


def _first_that_verifies(bundle: dsse.Bundle, candidates: list[Verifier]) -> _Outcome:
    # More than one only for a bundle that names no key, or for two roots of one subject.
    outcomes = []
    for verifier in candidates:
        outcomes.append(_outcome(bundle, verifier))
        if isinstance(outcomes[-1], tuple):
            return outcomes[-1]
    refused = next((one for one in outcomes if isinstance(one, VerificationError)), None)
    raise refused or VerificationError(
        Reason.INVALID,
        "the signature does not hold: the bundle was altered",
        hint="restore the file from the signer's commit, or ask for a new signature",
    )


def _outcome(bundle: dsse.Bundle, verifier: Verifier) -> _Outcome | VerificationError | None:
    """Returns what is signed and by whom; None where this signer did not sign it."""
    try:
        signer = verifier.verify(bundle)
        if signer is None:
            return None
        return statement.parse(bundle.payload), signer, verifier.ends(bundle)
    except VerificationError as error:
        return error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # Of a library below, by what is odd in a way that we did not see.
        refused = malformed("the bundle cannot be read")
        refused.__cause__ = error
        return refused


def _described(subject: Subject | None) -> str:
    return f"the {subject.role} of {subject.root}" if subject else "a model of other software"
