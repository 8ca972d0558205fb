"""What a Sigstore vouched with when a bundle was signed: authorities and keys of logs.

Each has a time from which and up to which it counts. The library takes all that were
valid before now (sigstore 4.5: `allow_expired=True`), so that the key of a log which was
given up, or got into other hands, would vouch for what is signed today. Here the library
sees only those whose time holds the time of signing. docs/SPEC.md, "Signatures: Sigstore".
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sigstore.models import Bundle, TrustedRoot
    from sigstore_models.common.v1 import TimeRange


def valid_then(document: bytes, bundle: Bundle) -> TrustedRoot:
    """Returns what of a ClientTrustConfig was valid when a bundle was signed.

    The times are those that the library takes: it verifies them, by what is left here.

    Args:
        document: the ClientTrustConfig, JSON.
        bundle: not verified yet.

    Raises:
        Error: a time cannot be read; see `sigstore_errors.verifying`.
    """
    from sigstore.models import ClientTrustConfig as Config
    from sigstore_models.trustroot.v1 import ClientTrustConfig

    times = _times(bundle)
    config = ClientTrustConfig.from_json(document)
    root = config.trusted_root
    authorities = root.certificate_authorities
    root.certificate_authorities = [one for one in authorities if _holds(one.valid_for, times)]
    root.tlogs = [one for one in root.tlogs if _holds(one.public_key.valid_for, times)]
    root.ctlogs = [one for one in root.ctlogs if _holds(one.public_key.valid_for, times)]
    return Config.from_json(config.to_json()).trusted_root


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
