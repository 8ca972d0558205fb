"""Which Sigstore: the public one, its staging instance, or one with its own trust config.

What is trusted is taken from the sigstore package or from the file given, never fetched:
a verification must come to the same result without network. An authority, or the key of a
log, has a time from which and up to which it counts. The library takes all that were valid
before now (sigstore 4.5: `allow_expired=True`), so that the key of a log which was given
up, or got into other hands, would vouch for what is signed today. Here the library sees
only those whose time holds the time of signing.
docs/SPEC.md, "Signatures: Sigstore".
"""

from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from git_model_security.errors import ConfigError, UsageError
from git_model_security.keyring import key_files
from git_model_security.signing.document import unique

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sigstore.models import Bundle, TrustedRoot
    from sigstore_models.common.v1 import TimeRange

MEDIA_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
"""A client trust config (sigstore protobuf-specs, ClientTrustConfig)."""

_PUBLIC = "https://tuf-repo-cdn.sigstore.dev"
_STAGING = "https://tuf-repo-cdn.sigstage.dev"
_PUBLIC_HOSTS = (".sigstore.dev", ".sigstage.dev")
"""Everything of the public instance, and of its staging instance, is below these."""


def load() -> None:
    """Imports sigstore, as it is to be imported."""
    # pydantic looks for plugins in the metadata of every installed package, at the price
    # of a fifth of the import; whatever it found would run as we sign.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    import sigstore.models  # noqa: F401


@dataclass(frozen=True)
class Instance:
    """A Sigstore instance: the public one, that for tests, or one by its own ClientTrustConfig.

    Raises:
        ConfigError: the trust config is none.
        UsageError: both are given.
    """

    trust_config: bytes | None = None
    is_staging: bool = False
    origin: str = "the trust config"

    def __post_init__(self) -> None:
        if self.trust_config is None:
            return
        if self.is_staging:
            # model_signing would take one when signing, and the other when verifying.
            raise UsageError("--trust-config and --use-staging exclude each other")
        _check(self.trust_config, self.origin)

    @classmethod
    def chosen(cls, trust_config: Path | None, use_staging: bool) -> Instance:
        """Returns the instance that options or settings name.

        Raises:
            ConfigError: the file cannot be read, or see the class.
            UsageError: both are given.
        """
        if trust_config is None:
            return cls(is_staging=use_staging)
        return cls(key_files.read(trust_config, "trust config"), use_staging, str(trust_config))

    @property
    def is_public(self) -> bool:
        """Whether what is signed there is published by Sigstore: asked of its addresses.

        The public ones may stand in a trust config of one's own, too.
        """
        if self.trust_config is None:
            return True
        return any(map(_is_public, _texts(json.loads(self.trust_config).get("signingConfig"))))

    @property
    def document(self) -> bytes:
        """The ClientTrustConfig, JSON."""
        if self.trust_config is not None:
            return self.trust_config
        from importlib import resources

        url = quote(_STAGING if self.is_staging else _PUBLIC, safe="")
        store = resources.files("sigstore._store").joinpath(url)
        return json.dumps(
            {
                "mediaType": MEDIA_TYPE,
                "trustedRoot": json.loads(store.joinpath("trusted_root.json").read_bytes()),
                "signingConfig": json.loads(
                    store.joinpath("signing_config.v0.2.json").read_bytes()
                ),
            }
        ).encode()

    def valid_then(self, bundle: Bundle) -> TrustedRoot:
        """Returns what of this instance was valid when a bundle, not verified yet, was signed.

        The times are those that the library takes: it verifies them, by what is left here.

        Raises:
            Error: a time cannot be read; see `sigstore_errors.verifying`.
        """
        from sigstore.models import ClientTrustConfig as Config
        from sigstore_models.trustroot.v1 import ClientTrustConfig

        times = _times(bundle)
        config = ClientTrustConfig.from_json(self.document)
        root = config.trusted_root
        authorities = root.certificate_authorities
        root.certificate_authorities = [
            one for one in authorities if _holds(one.valid_for, times)
        ]
        root.tlogs = [one for one in root.tlogs if _holds(one.public_key.valid_for, times)]
        root.ctlogs = [one for one in root.ctlogs if _holds(one.public_key.valid_for, times)]
        return Config.from_json(config.to_json()).trusted_root

    def __str__(self) -> str:
        if self.trust_config is not None:
            return f"the Sigstore of {self.origin}"
        return "Sigstore's staging instance" if self.is_staging else "public Sigstore"


def _texts(value: object) -> Iterator[str]:
    """Yields every text within a JSON value, wherever a version of the format has it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _is_public(text: str) -> bool:
    try:
        host = (urlsplit(text).hostname or "").rstrip(".").lower()
    except ValueError:
        return True  # an address that nobody can read is no address of one's own
    return f".{host}".endswith(_PUBLIC_HOSTS)


def _check(document: bytes, origin: str) -> None:
    hint = "it is the file that `model_signing sign --trust_config` takes"
    try:
        found = json.loads(document, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{origin}: not JSON with one reading, so no Sigstore trust config", hint=hint
        ) from error
    media = found.get("mediaType") if isinstance(found, dict) else None
    if media == MEDIA_TYPE:
        return
    if isinstance(media, str) and "trustedroot" in media:
        raise ConfigError(
            f"{origin}: a trusted root alone, where a client trust config is wanted", hint=hint
        )
    raise ConfigError(f"{origin}: not a Sigstore client trust config (v0.1)", hint=hint)


def _times(bundle: Bundle) -> set[datetime.datetime]:
    stamped = bundle.verification_material.timestamp_verification_data
    times = {one.tst_info.gen_time for one in stamped.rfc3161_timestamps} if stamped else set()
    entry = bundle.log_entry._inner
    # Without the log's promise nothing binds its time, and the library passes over it.
    if entry.integrated_time and entry.inclusion_promise:
        times.add(datetime.datetime.fromtimestamp(entry.integrated_time, tz=datetime.UTC))
    return times


def _holds(valid_for: TimeRange | None, times: set[datetime.datetime]) -> bool:
    if valid_for is None:
        return True
    start, end = valid_for.start, valid_for.end
    return all(start <= one and (end is None or one <= end) for one in times)
