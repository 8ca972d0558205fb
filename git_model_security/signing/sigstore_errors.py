"""What sigstore means when it fails, in our words, when signing and when verifying.

Its errors have several roots, and some no text. What a server said is shown, cut short;
a token is never part of it. A server that takes a request and never answers would hang the
commit: sigstore asks Fulcio and Rekor through sessions that wait for ever.
"""

from __future__ import annotations

import contextlib
import errno
import struct
from typing import TYPE_CHECKING, Any

from git_model_security.errors import Reason, SigningError, VerificationError
from git_model_security.signing.document import malformed, member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.signing.dsse import Bundle
    from git_model_security.signing.sigstore_instance import Instance

SECONDS = 60
"""For a connection, and between two pieces of an answer. A log takes some seconds to
include an entry."""

_SHOWN_CHARACTERS = 200
_NETWORK = "look at the network and HTTPS_PROXY; nothing was signed"
_AGAIN = "ask the signer to sign again, or restore the file from the signer's commit"
_ROOT = (
    "the bundle was altered, or comes from another Sigstore instance (--trust-config,"
    " --use-staging), or from keys newer than the sigstore package that is installed"
)

_ALTERED = "the signature does not hold: the bundle was altered"
_VERIFYING: tuple[tuple[str, str, str], ...] = (
    # What sigstore's text begins with, what that means, what to do. Sigstore's steps,
    # in its order (sigstore/verify/verifier.py).
    ("not enough sources", "nothing trusted says when it was signed", _AGAIN),
    ("Integrated time", "nothing trusted says when it was signed", _AGAIN),
    ("no Timestamp Auth", "a timestamp of an authority that is not trusted", _ROOT),
    (
        "Fulcio certificates",
        "its certificate authority was not valid yet, or was over by then",
        _ROOT,
    ),
    ("trusted root contains no", "no key of its log was valid when it was signed", _ROOT),
    ("CTFE keys", "no key of the log of certificates was valid when it was signed", _ROOT),
    ("failed to build", "the certificate is not of this Sigstore, or was over by then", _ROOT),
    ("failed to verify SCT", "the log of certificates does not vouch for the signer's", _ROOT),
    ("Key usage", "the signer's certificate is not for signatures", _AGAIN),
    ("Extended usage", "the signer's certificate is not for signing code", _AGAIN),
    ("Certificate", "the certificate is of another identity or issuer", _AGAIN),
    ("invalid log entry", "the proof of the transparency log does not hold", _ROOT),
    ("invalid signing cert", "signed when the certificate was not valid", _AGAIN),
    ("DSSE", _ALTERED, _AGAIN),
    ("log entry payload hash", "the transparency log holds another statement", _AGAIN),
    ("log entry signatures", "the transparency log holds another signature", _AGAIN),
)

_UNPROVEN = (
    "entry must contain inclusion proof",
    "expected checkpoint",
    "expected exactly one log entry",
    "bundle must contain an inclusion promise",
)


@contextlib.contextmanager
def verifying(instance: Instance, bundle: Bundle) -> Iterator[None]:
    """Tells what went wrong while sigstore verified a bundle.

    Raises:
        VerificationError: in place of sigstore's errors, and of those that it lets through
            from the libraries below it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import DuplicateExtension, ExtensionNotFound, InvalidVersion
    from sigstore.errors import Error
    from sigstore.models import IncompatibleEntry, InvalidBundle

    try:
        yield
    except IncompatibleEntry as error:
        raise malformed("its entry in the transparency log is of a form not known") from error
    except InvalidBundle as error:
        raise _no_bundle(str(error), bundle) from error
    except Error as error:
        raise _refused(_words(error), instance) from error
    except (
        ArithmeticError,
        DuplicateExtension,
        ExtensionNotFound,
        InvalidVersion,
        UnsupportedAlgorithm,
        struct.error,
    ) as error:
        raise malformed("sigstore cannot read the bundle") from error
    except OSError as error:
        # A time in the bundle that no clock has; every other one is about our files.
        if error.errno != errno.EOVERFLOW:
            raise
        raise malformed("a time in the bundle is none") from error


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Has each session that is made meanwhile give up in the end.

    A session of requests mounts the adapter that stands in its module when it is made, so
    this reaches the sessions that sigstore makes within, and no other.
    """
    from requests import sessions
    from requests.adapters import HTTPAdapter

    class Limited(HTTPAdapter):
        def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
            if options.get("timeout") is None:
                options["timeout"] = SECONDS
            return super().send(request, **options)

    before, sessions.HTTPAdapter = sessions.HTTPAdapter, Limited  # type: ignore[attr-defined]
    try:
        yield
    finally:
        sessions.HTTPAdapter = before  # type: ignore[attr-defined]


@contextlib.contextmanager
def signing(instance: Instance) -> Iterator[None]:
    """Tells what went wrong while sigstore signed.

    Raises:
        SigningError: in place of sigstore's errors and of what its servers answer.
    """
    from requests import RequestException
    from sigstore.errors import Error, NetworkError, TUFError, VerificationError
    from sigstore.models import InvalidBundle

    try:
        yield
    except (RequestException, NetworkError) as error:
        raise SigningError(f"cannot reach {_place(error, instance)}", hint=_NETWORK) from error
    except TUFError as error:
        raise SigningError(
            f"cannot refresh what is trusted of {instance}: {_words(error)}", hint=_NETWORK
        ) from error
    except (InvalidBundle, VerificationError) as error:
        raise SigningError(
            f"{instance} answered what it does not vouch for: {_words(error)}",
            hint="its trust config may belong to another instance",
        ) from error
    except Error as error:
        raise SigningError(f"{instance}: {_words(error)}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SigningError(f"{instance} answered what sigstore cannot read") from error
    except Exception as error:
        # Clients of Fulcio and Rekor: errors of no common root.
        if not type(error).__module__.startswith("sigstore."):
            raise
        raise _said_no(error, instance) from error


def _said_no(error: Exception, instance: Instance) -> SigningError:
    name = type(error).__name__
    if name.startswith("Expired"):
        what, hint = "the OIDC token or its certificate expired meanwhile", "sign again"
    elif name.startswith("Fulcio"):
        what = f"its certificate authority gave no certificate{_answer(error)}"
        hint = "the token may be over, or its issuer not known there"
    elif name.startswith("Rekor"):
        what = f"its transparency log took no entry{_answer(error)}"
        hint = "the statement may be too large for it, or it is out of order: try again later"
    else:
        what = f"it cannot be used{_answer(error)}"
        hint = "look at the trust config, or try again later"
    return SigningError(f"{instance}: {what}", hint=hint)


def _answer(error: Exception) -> str:
    from requests import HTTPError

    origin = error.__cause__ or error.__context__
    answer = origin.response if isinstance(origin, HTTPError) else None
    if answer is None:
        return f": {_words(error)}" if str(error) else ""
    text = answer.text
    with contextlib.suppress(ValueError, LookupError, TypeError):
        text = str(answer.json()["message"])
    return f" ({answer.status_code}: {_cut(text)})"


def _place(error: Exception, instance: Instance) -> str:
    request = getattr(error if hasattr(error, "request") else error.__cause__, "request", None)
    url = getattr(request, "url", None)
    return f"{instance} at {_cut(url.partition('?')[0])}" if url else str(instance)


def _no_bundle(said: str, bundle: Bundle) -> VerificationError:
    material = member(bundle.document, "verificationMaterial", dict)
    entries = material.get("tlogEntries")
    proofs = [
        entry.get("inclusionProof")
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    ]
    if said.startswith(_UNPROVEN) or not proofs or None in proofs:
        return malformed("the proof that the transparency log holds the signature is missing")
    return malformed("not a bundle that sigstore reads")


def _refused(said: str, instance: Instance) -> VerificationError:
    for beginning, meaning, hint in _VERIFYING:
        if said.startswith(beginning):
            return VerificationError(Reason.INVALID, f"{meaning} ({instance})", hint=hint)
    return VerificationError(
        Reason.INVALID,
        f"{instance} does not vouch for it: {said or 'it says nothing'}",
        hint=_ROOT,
    )


def _words(error: Exception) -> str:
    # Some have a tuple for a text, and some none.
    return _cut(" ".join(str(part) for part in error.args) or str(error))


def _cut(text: str) -> str:
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return plain if len(plain) <= _SHOWN_CHARACTERS else plain[:_SHOWN_CHARACTERS] + "…"
