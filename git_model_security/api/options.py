"""Who signs, and who must have signed, in the words of model_signing's configurations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from git_model_security.directories import selection
from git_model_security.errors import ConfigError
from git_model_security.signatures.signers import Given
from git_model_security.signing.methods import METHODS, canonical
from git_model_security.signing.sources import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from _typeshed import StrPath

    from git_model_security.signing.methods import Verifier

_FILES = {"private_key", "signing_certificate", "trust_config"}


class SignerOptions(TypedDict, total=False):
    """What describes who signs; which of them belong to a method its command says.

    Attributes:
        private_key: file of an EC private key, in PEM.
        password: of that key.
        signing_certificate: file of the certificate for it, in PEM.
        certificate_chain: files of the certificates above it.
        pkcs11_uri: the key in a token (RFC 7512).
        identity_token: an OIDC token.
        use_ambient_credentials: the OIDC token that CI offers.
        use_staging: Sigstore's staging instance.
        trust_config: file of a Sigstore of one's own.
        client_id: of an OpenID Connect client, with its `client_secret`.
        oauth_force_oob: show an address, open no browser.
    """

    private_key: StrPath
    password: str
    signing_certificate: StrPath
    certificate_chain: Iterable[StrPath]
    pkcs11_uri: str
    identity_token: str
    use_ambient_credentials: bool
    use_staging: bool
    trust_config: StrPath
    client_id: str
    client_secret: str
    oauth_force_oob: bool


class VerifierOptions(TypedDict, total=False):
    """What describes who must have signed.

    Attributes:
        method: `key`, `certificate` or `sigstore`; told by the others where it is left out.
        public_key: file of a public key, in PEM, or several: any one may have signed.
        certificate_chain: files of certificates, a root that is trusted among them.
        identity: the subject of a certificate, or the identity in Sigstore's.
        identity_provider: who vouches for that identity (OIDC).
        use_staging: Sigstore's staging instance.
        trust_config: file of a Sigstore of one's own.
    """

    method: str
    public_key: StrPath | Iterable[StrPath]
    certificate_chain: StrPath | Iterable[StrPath]
    identity: str
    identity_provider: str
    use_staging: bool
    trust_config: StrPath


def given(method: str, said: SignerOptions) -> Given:
    """Returns who signs, as a command line would say it; for `sign`.

    Raises:
        TypeError: there is no such option.
    """
    _require_known("sign", said, SignerOptions)
    values: dict[str, object] = {**said}
    for name in _FILES & said.keys():
        (values[name],) = _paths(said[name])  # type: ignore[literal-required]
    values["certificate_chain"] = _paths(said.get("certificate_chain"))
    return Given(method=method, **values)  # type: ignore[arg-type]


def accepted(
    caller: str, said: VerifierOptions, find: Callable[[Asked], Sequence[Verifier]]
) -> Sequence[Verifier]:
    """Returns who may have signed.

    Args:
        caller: what was called, for the message where it has no such option.
        said: what it was told.
        find: returns the signers that are meant, or those that a clone trusts.

    Raises:
        UsageError: there is no such method, or what was said makes no signer.
        ConfigError: nobody is trusted, or what says so lies in the model.
        TypeError: there is no such option.
    """
    _require_known(caller, said, VerifierOptions)
    try:
        return find(_asked(said))
    except ConfigError as error:
        if said:
            raise
        hint = "say who must have signed, such as `public_key=FILE`"
        raise ConfigError(str(error), hint=hint) from error


def _require_known(caller: str, said: Mapping[str, object], known: type) -> None:
    for name in said.keys() - known.__annotations__.keys():
        raise TypeError(f"{caller}() got an unexpected keyword argument {name!r}")


def _asked(said: VerifierOptions) -> Asked:
    """Returns who must have signed, as a command line would say it.

    Raises:
        UsageError: there is no such method.
    """
    values: dict[str, object] = {**said}
    if said.get("method"):
        values["method"] = METHODS[canonical(said["method"])].kind.name
    values["public_key"] = _paths(said.get("public_key"))
    values["certificate_chain"] = _paths(said.get("certificate_chain"))
    if "trust_config" in said:
        values["trust_config"] = Path(said["trust_config"])
    return Asked(**values)  # type: ignore[arg-type]


def _paths(said: StrPath | Iterable[StrPath] | None) -> tuple[Path, ...]:
    return () if said is None else tuple(selection.places(said))
