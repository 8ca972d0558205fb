"""What a signer gives to others, so that they can trust what this clone signs.

Of a key that is its public half, in a file or in a token. Of a certificate it is the
root, with what stands between: its own bare key would be trusted for ever, whatever the
authority says of it. Of a Sigstore identity there is no file at all.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.clone.clone import Clone
from git_model_security.errors import ConfigError
from git_model_security.git.paths import shown
from git_model_security.signatures import signers, signing_method
from git_model_security.signing.by_key import KeyVerifier
from git_model_security.signing.identity import SIGSTORE
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository


class Introduction(NamedTuple):
    """A file for those who are to trust a signer.

    Attributes:
        content: in PEM, none of it secret.
        what: what it is, for whoever writes it.
        how: the options that go with the file; empty where --public-key takes it.
    """

    content: bytes
    what: str
    how: str = ""


def of(repo: Repository) -> Introduction:
    """Returns what others need to trust this clone's signatures.

    Raises:
        KeyNotFoundError: the clone cannot sign.
        ConfigError: it signs by an identity, or its certificate's root is not known.
        Error: the key cannot be read; see `signers.signer` and `Signer.verifier`.
    """
    if signing_method.of(repo) == SIGSTORE:
        raise _without_file(repo)
    signer = signers.signer(Clone(repo))
    if signer is None:
        raise signing_method.unable(repo)
    own = signer.verifier()
    if own is None:
        raise ConfigError(
            "the root that this clone's certificate ends in is not known",
            hint="`git model config certificateChain FILE...` names those up to the root",
        )
    if isinstance(own, KeyVerifier):
        return Introduction(own.pin.content, f"public key {own.identity.fingerprint}")
    from git_model_security.signing.by_certificate import CertificateVerifier

    assert isinstance(own, CertificateVerifier)
    # From a certificate, which is somebody else's writing.
    who = shlex.quote(shown(own.identity.name.encode()))
    how = f"--certificate-chain FILE --identity {who}"
    return Introduction(own.chain, f"certificates up to the root, for {who}", how)


def _without_file(repo: Repository) -> ConfigError:
    trust = pinned_trust.pinned(repo)
    known = [trust.verifier(one).identity for one in trust.pinned() if one.kind == SIGSTORE]
    names = f"; this clone trusts {', '.join(map(str, known))}" if known else ""
    return ConfigError(
        "this clone signs by sigstore, where there is no key to give out: others trust an"
        f" identity and its issuer{names}",
        hint="they `git model trust add sigstore --identity WHO --identity-provider ISSUER`",
    )
