"""Whose signatures a check accepts: the signers that were given, or those pinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security import logs
from git_model_security.errors import ConfigError, UsageError
from git_model_security.signing.methods import VERIFYING
from git_model_security.trust import anchors, pinned_trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.signing.methods import Verifier

_BELONGING: Mapping[str, tuple[str, ...]] = {
    "key": ("public_key",),
    "certificate": ("certificate_chain", "identity"),
    "sigstore": ("identity", "identity_provider", "trust_config", "use_staging"),
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "key": ("public_key",),
    "certificate": ("certificate_chain", "identity"),
    "sigstore": ("identity", "identity_provider"),
}


@dataclass(frozen=True)
class Asked:
    """What a command line says of who must have signed; the names are model_signing's.

    Of several public keys any one may have signed.
    """

    method: str | None = None
    public_key: tuple[Path, ...] = ()
    certificate_chain: tuple[Path, ...] = ()
    identity: str | None = None
    identity_provider: str | None = None
    trust_config: Path | None = None
    use_staging: bool = False

    def given(self) -> list[str]:
        """Returns the names of what was given, besides the method."""
        return [name for name, value in vars(self).items() if value and name != "method"]


def of(repo: Repository, asked: Asked) -> Sequence[Verifier]:
    """Returns the signers that were asked for, or else those that the clone has pinned.

    Raises:
        UsageError: what was given makes no signer.
        ConfigError: a file cannot be used, or lies in the tree that is judged by it; or
            nothing was given, and nobody is pinned.
    """
    given = explicit(asked)
    anchors.require_outside(repo, anchors.named(asked))
    found = given or pinned_trust.pinned(repo).verifiers()
    if not found:
        raise ConfigError(
            "this clone trusts no signer yet",
            hint="`git model verify --public-key FILE`; `git model trust add` pins a signer",
        )
    for one in found:
        logs.info("accepted as signer (%s): %s", one.identity.method, one.identity)
    return found


def explicit(asked: Asked) -> Sequence[Verifier]:
    """Returns the signers that a command line describes; empty where it names none.

    Raises:
        UsageError: what was given makes no signer.
        ConfigError: a file cannot be used.
    """
    method = asked.method or _meant(asked)
    if method is None:
        return []
    given = asked.given()
    foreign = [name for name in given if name not in _BELONGING[method]]
    if foreign:
        raise UsageError(f"{_option(foreign[0])} says nothing of the method {method}")
    if not given and method == asked.method:
        return []  # `verify key` of what is pinned
    missing = [_option(name) for name in _NEEDED[method] if name not in given]
    if missing:
        raise UsageError(f"the method {method} needs {' and '.join(missing)} too")
    return _MAKERS[method](asked)


def _meant(asked: Asked) -> str | None:
    given = set(asked.given())
    if not given:
        return None
    fitting = [method for method in VERIFYING if given <= set(_BELONGING[method])]
    # `--identity` alone fits two of them, and says too little for either.
    complete = [method for method in fitting if given >= set(_NEEDED[method])]
    if complete or fitting:
        return (complete or fitting)[0]
    raise UsageError(
        f"{' and '.join(map(_option, sorted(given)))} belong to different methods",
        hint=f"name one: {', '.join(VERIFYING)}",
    )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _by_key(asked: Asked) -> list[Verifier]:
    from git_model_security.signing.by_key import KeyVerifier

    return [KeyVerifier.from_file(path) for path in asked.public_key]


def _by_certificate(asked: Asked) -> list[Verifier]:
    from git_model_security.signing.by_certificate import CertificateVerifier

    return [CertificateVerifier.from_files(asked.certificate_chain, asked.identity or "")]


def _by_sigstore(asked: Asked) -> list[Verifier]:
    from git_model_security.signing.by_sigstore import SigstoreVerifier
    from git_model_security.signing.sigstore_instance import Instance

    instance = Instance.chosen(asked.trust_config, asked.use_staging)
    identity, provider = asked.identity or "", asked.identity_provider or ""
    return [SigstoreVerifier(identity, provider, instance, explicit=True)]


_MAKERS = {"key": _by_key, "certificate": _by_certificate, "sigstore": _by_sigstore}
