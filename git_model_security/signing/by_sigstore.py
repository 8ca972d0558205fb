"""The method `sigstore`: an identity that an OIDC issuer vouches for, in a public log.

sigstore signs and verifies; it is imported when that happens and not before.
docs/SPEC.md, "Signatures: Sigstore".
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.errors import (
    ConfigError,
    SigningError,
    UsageError,
    VerificationError,
)
from git_model_security.messages import legible
from git_model_security.signing import dsse, key_bundle, sigstore_errors, sigstore_instance
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.document import malformed
from git_model_security.signing.methods import SIGSTORE, Pin, SignerIdentity
from git_model_security.signing.sigstore_instance import Instance

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_model_security.signing.dsse import Bundle
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.oidc import OidcToken, Source
    from git_model_security.signing.sources import Asked, Sources


class SigstoreSigner:
    """Signs as whom an OIDC token names, once its user agreed to what is published."""

    def __init__(
        self, instance: Instance, source: Source, agreed: Callable[[], None] | None = None
    ) -> None:
        self._instance = instance
        self._source = source
        self._agreed = agreed
        self._held: OidcToken | None = None
        self._own: SigstoreVerifier | None = None

    @classmethod
    def from_sources(cls, sources: Sources) -> SigstoreSigner:
        """Returns the signer by a clone's Sigstore; there always is one."""
        return cls(*sources.sigstore(), sources.require_public_log)

    @property
    def identity(self) -> SignerIdentity:
        """Where it signs: who that will be, only a token tells, and none is needed yet."""
        where = self._instance.trust_config or str(self._instance).encode()
        return SignerIdentity(SIGSTORE, hashlib.sha256(where).hexdigest())

    def sign(self, manifest: Manifest) -> bytes:
        """Returns a bundle; one token serves as many as it lasts for.

        Raises:
            PersonNeededError: somebody would have to log in, and nobody is there.
            SigningError: there is no token, no network, or Sigstore said no.
            PolicyError: nobody agreed to what is published.
        """
        sigstore_instance.load()
        if self._instance.is_public and self._agreed is not None:
            self._agreed()
        token = self._token()
        with sigstore_errors.limited(), sigstore_errors.signing(self._instance):
            made = self._signed(token, key_bundle.statement(manifest))
        self._own = self._verified(made, manifest)
        return made

    def _signed(self, token: str, statement: bytes) -> bytes:
        from sigstore.dsse import Statement
        from sigstore.models import ClientTrustConfig
        from sigstore.oidc import IdentityToken
        from sigstore.sign import SigningContext

        own = self._instance.trust_config
        if own is not None:
            config = ClientTrustConfig.from_json(own.decode())
        elif self._instance.is_staging:
            config = ClientTrustConfig.staging()
        else:
            config = ClientTrustConfig.production()
        context = SigningContext.from_trust_config(config)
        with context.signer(IdentityToken(token, self._source.client_id)) as signer:
            return signer.sign_dsse(Statement(statement)).to_json().encode()

    def verifier(self) -> SigstoreVerifier | None:
        """Returns what accepts these signatures; None before the first."""
        return self._own

    def _verified(self, made: bytes, manifest: Manifest) -> SigstoreVerifier:
        """Verifies what was just made: sigstore believes what the servers answered."""
        try:
            identity, issuer = dsse.identity_and_issuer(dsse.chain(dsse.parse(made))[0])
            own = SigstoreVerifier(identity, issuer, self._instance)
            if open_bundle(made, [own]).manifest != manifest:
                raise malformed("it is over another model")
        except (UsageError, VerificationError) as error:
            raise SigningError(
                f"the new signature does not hold: {error}",
                hint="the trust config, or the sigstore package, may be older than the servers",
            ) from error
        return own

    def _token(self) -> str:
        if self._held is None or not self._held.lasts():
            self._held = self._source.token(self._issuer)
        return self._held.text

    @cached_property
    def _issuer(self) -> str:
        """Where a person logs in: as the package has it, which may be older than the log's."""
        from sigstore.models import ClientTrustConfig

        with sigstore_errors.signing(self._instance):
            document = ClientTrustConfig.from_json(self._instance.document.decode())
            return document.signing_config.get_oidc_url()


class SigstoreVerifier:
    """Accepts what one identity (e-mail address, or URL of a CI workflow) signed by one issuer.

    Raises:
        UsageError: identity or issuer is empty, or is not what it looks like.
    """

    def __init__(
        self,
        identity: str,
        issuer: str,
        instance: Instance | None = None,
        explicit: bool = False,
    ) -> None:
        if not identity or not issuer:
            # Without the issuer, any of them could vouch for the same address.
            raise UsageError("sigstore needs both --identity and --identity-provider")
        for name in (identity, issuer):
            if not name.isprintable():
                # It would be shown as somebody else, to whom decides whether to trust it.
                raise UsageError(
                    f"{legible(name)}: holds characters that cannot be seen",
                    hint="copy it without them; no identity or issuer has any",
                )
        self._expected = (identity, issuer)
        self.instance = instance or Instance()
        self.explicit = explicit

    @classmethod
    def from_options(cls, asked: Asked) -> list[SigstoreVerifier]:
        """Returns the verifier that was asked for."""
        instance = Instance.chosen(asked.trust_config, asked.use_staging)
        identity, issuer = asked.identity or "", asked.identity_provider or ""
        return [cls(identity, issuer, instance, explicit=True)]

    @classmethod
    def from_pin(cls, content: bytes, origin: str) -> SigstoreVerifier:
        """Returns the verifier of a pinned identity.

        Raises:
            ConfigError: the pin is none of ours.
        """
        try:
            found = json.loads(content)
            config = found.get("trustConfig")
            instance = Instance(
                None if config is None else _canonical(config), bool(found["staging"]), origin
            )
            return cls(found["identity"], found["issuer"], instance)
        except (ValueError, LookupError, TypeError, AttributeError, UsageError) as error:
            raise ConfigError(
                f"{origin}: not a pinned identity",
                hint="`git model trust remove` and `git model trust add sigstore`",
            ) from error

    @property
    def identity(self) -> SignerIdentity:
        """Who must have signed."""
        name = "{} ({})".format(*self._expected)
        return SignerIdentity(SIGSTORE, hashlib.sha256(self.pin.content).hexdigest(), name)

    @property
    def pin(self) -> Pin:
        """Identity, issuer, and the instance: with its trust config, as that is the root."""
        identity, issuer = self._expected
        config = self.instance.trust_config
        content = {
            "identity": identity,
            "issuer": issuer,
            "staging": self.instance.is_staging,
            **({} if config is None else {"trustConfig": json.loads(config)}),
        }
        return Pin(SIGSTORE, _canonical(content))

    @property
    def anchors(self) -> tuple[str, ...]:
        """Which Sigstore vouches; one of one's own with the SHA-256 of its trust config."""
        config = self.instance.trust_config
        if config is None:
            return (f"by {self.instance}",)
        return (f"by {self.instance.origin}, SHA-256 {hashlib.sha256(config).hexdigest()}",)

    def accepts(self, bundle: Bundle) -> bool:
        """Tells whether a bundle's certificate is of this identity and issuer."""
        if bundle.kind != SIGSTORE:
            return False
        return dsse.identity_and_issuer(dsse.chain(bundle)[0]) == self._expected

    def verify(self, bundle: Bundle) -> SignerIdentity:
        """Returns who signed: `accepts` read the certificate that is verified here.

        By what is trusted here, and no more of it than was valid when it was signed:
        sigstore by itself would fetch that.

        Raises:
            VerificationError: sigstore does not vouch for it.
            ConfigError: the trust config cannot be used.
        """
        sigstore_instance.load()
        from sigstore.models import Bundle as SigstoreBundle
        from sigstore.verify import Verifier, policy

        self._require_usable()
        identity, issuer = self._expected
        with sigstore_errors.verifying(self.instance, bundle):
            read = SigstoreBundle.from_json(json.dumps(bundle.document))
            verifier = Verifier(trusted_root=self.instance.valid_then(read))
            signed = verifier.verify_dsse(
                read, policy.Identity(identity=identity, issuer=issuer)
            )
        if signed != (dsse.PAYLOAD_TYPE, bundle.payload):
            raise malformed("the bundle can be read in two ways")
        return self.identity

    def _require_usable(self) -> None:
        from sigstore.errors import Error
        from sigstore.models import ClientTrustConfig

        document = self.instance.document
        try:
            ClientTrustConfig.from_json(document.decode()).trusted_root.get_fulcio_certs()
        except (Error, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{self.instance.origin}: sigstore cannot use it",
                hint="ask whoever runs that Sigstore for its ClientTrustConfig",
            ) from error

    def ends(self, bundle: Bundle) -> float | None:  # noqa: ARG002
        """Returns None: the log proves that the certificate was valid when it signed."""
        return None


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")
