"""What signers and verifiers are made of: by a clone, and by a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from git_model_security.signing.oidc import Source
    from git_model_security.signing.sigstore_instance import Instance


class Sources(Protocol):
    """Where a clone has what signers are made of; each is looked for when it is asked for.

    Each raises what stands in its way, with what to do.
    """

    def password(self, origin: str) -> bytes | None:
        """Returns the password of an encrypted key; see `pem.Password`."""

    def pin(self, token: str) -> bytes | None:
        """Returns the PIN of a token; see `pem.Password`."""

    def private_key(self) -> tuple[Path | bytes, str | None] | None:
        """Returns the private key, and its fingerprint where that is known unread."""

    def certificate(self) -> tuple[Path, list[Path]]:
        """Returns the file of the certificate, and those of the ones above it."""

    def token(self) -> TokenKey | None:
        """Returns where the key in a token is."""

    def sigstore(self) -> tuple[Instance, Source]:
        """Returns which Sigstore signs, and where an OIDC token comes from."""

    def require_public_log(self) -> None:
        """Raises unless the user agreed to what a public log publishes."""


class TokenKey(NamedTuple):
    """A key in a token; see `by_pkcs11.Pkcs11Signer`."""

    uri: str
    modules: list[Path]
    fingerprint: str | None = None
    learned: Callable[[str], None] | None = None


class Asked(NamedTuple):
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
        return [name for name, value in self._asdict().items() if value and name != "method"]
