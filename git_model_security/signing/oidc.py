"""OIDC tokens: where one comes from that proves to Sigstore who signs.

A token is a secret while it lasts, some minutes: it is never logged, and no child process
gets it. Nothing here verifies one, Sigstore does; reading it saves a round trip, and tells
what is wrong with it. One that a person got by logging in is kept while it lasts, 0600 in 0700:
two bundles, and commits in a row, ask for one login. docs/SPEC.md, "Signatures: Sigstore".
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import stat
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from git_model_security import files
from git_model_security.errors import ConfigError, PersonNeededError, SigningError
from git_model_security.git import askpass
from git_model_security.keyring.key_files import PRIVATE_MODE, make_directory

VARIABLE = "SIGSTORE_ID_TOKEN"
AUDIENCE = "sigstore"
"""What a token must be for; also the client id when a person logs in."""

_LEEWAY_SECONDS = 5
"""As sigstore allows for clocks that differ."""
_NEEDED_SECONDS = 10
"""What a kept token must still last for: a certificate is asked for with it."""

_MAX_BYTES = 16 * 1024
"""Of a kept token."""

_NEW = "a token lasts some minutes: get a new one, and sign at once"
_ELSEWHERE = (
    f"set {VARIABLE}, or let the CI job ask for one (GitHub: `permissions: id-token: write`,"
    f" GitLab: `id_tokens:`); a person signs in a terminal"
)


@dataclass(frozen=True)
class OidcToken:
    """A token that could be used now, and when it ends, in seconds since 1970."""

    text: str = field(repr=False)
    ends: float

    def lasts(self) -> bool:
        """Tells whether a certificate can still be asked for with it."""
        return self.ends - time.time() > _NEEDED_SECONDS


@dataclass(frozen=True)
class Source:
    """Where tokens come from, tried in this order.

    Attributes:
        ambient: ask the CI system that this runs in; None is: where `CI` is set.
        force_oob: show an address and ask for a code, do not open a browser.
        store: keeps what a person got by logging in; None keeps nothing.
    """

    given: str | None = field(default=None, repr=False)
    ambient: bool | None = None
    client_id: str = AUDIENCE
    client_secret: str = field(default="", repr=False)
    force_oob: bool = False
    store: TokenStore | None = None

    def token(self, issuer: str) -> OidcToken:
        """Returns a token; it is at the issuer that a person logs in.

        Raises:
            SigningError: one was given that cannot be used, or asking failed.
            PersonNeededError: somebody would have to log in, and nobody is there.
        """
        if self.given:
            return read(self.given, self.client_id, "--identity-token")
        if text := os.environ.get(VARIABLE):
            return read(text, self.client_id, VARIABLE)
        is_ci = os.environ.get("CI", "").lower() not in {"", "0", "false"}
        if is_ci if self.ambient is None else self.ambient:
            text = ambient(self.client_id)
            if text:
                return read(text, self.client_id, "the CI system")
        return self._kept(issuer) or self._asked(issuer)

    def _kept(self, issuer: str) -> OidcToken | None:
        text = self.store.get(issuer, self.client_id) if self.store else None
        if not self.store or text is None:
            return None
        try:
            token = read(text, self.client_id, "the token kept")
        except SigningError:
            token = None
        if token is None or not token.lasts():
            self.store.drop(issuer, self.client_id)
            return None
        return token

    def _asked(self, issuer: str) -> OidcToken:
        """Has a person log in, in a browser or by a code."""
        from sigstore.errors import Error, NetworkError
        from sigstore.oidc import Issuer, IssuerError

        with askpass.open_terminal() as person:
            if person is None:
                raise PersonNeededError(
                    "no OIDC token available, and no terminal to log in at", hint=_ELSEWHERE
                )
            # The library asks for the code on standard input, which a hook does not have.
            before, sys.stdin = sys.stdin, person
            try:
                got = Issuer(issuer).identity_token(
                    client_id=self.client_id,
                    client_secret=self.client_secret,
                    force_oob=self.force_oob,
                )
            except NetworkError as error:
                raise SigningError(
                    f"cannot reach {issuer} to log in",
                    hint="look at the network and HTTPS_PROXY",
                ) from error
            except EOFError as error:
                raise SigningError("no verification code was given") from error
            except (Error, IssuerError, OSError, ValueError, LookupError) as error:
                said = str(error) or type(error.__cause__ or error).__name__
                raise SigningError(
                    f"{issuer} gave no OIDC token: {said}", hint="log in again"
                ) from error
            finally:
                sys.stdin = before
        token = read(str(got), self.client_id, issuer)
        if self.store:
            self.store.put(issuer, self.client_id, str(got))
        return token


def read(text: str, audience: str, origin: str) -> OidcToken:
    """Reads a token; messages name its origin, say what is wrong, and never show it.

    Raises:
        SigningError: it is none, has ended, has not begun, or is for something else.
    """
    said = _claims(text.strip(), origin)
    for name in ("iss", "sub", "iat"):
        if name not in said:
            raise SigningError(f"{origin}: the OIDC token does not say {name!r}", hint=_NEW)
    ends, begins = said.get("exp"), max(_number(said.get("iat")), _number(said.get("nbf")))
    if not isinstance(ends, (int, float)):
        raise SigningError(f"{origin}: the OIDC token does not say when it ends", hint=_NEW)
    now = time.time()
    if ends <= now:
        raise SigningError(f"{origin}: the OIDC token expired at {_at(ends)}", hint=_NEW)
    if begins > now + _LEEWAY_SECONDS:
        raise SigningError(
            f"{origin}: the OIDC token begins at {_at(begins)}, which is still to come",
            hint="look whether the clock of this machine is right",
        )
    meant = said.get("aud")
    if audience not in (meant if isinstance(meant, list) else [meant]):
        raise SigningError(
            f"{origin}: the OIDC token is not for {audience!r}",
            hint=f"ask for a token with the audience {audience}",
        )
    return OidcToken(text.strip(), ends)


def ambient(audience: str) -> str | None:
    """Returns the token that the CI system gives to this job; None outside of one.

    Raises:
        SigningError: there is a CI system, and it gives none.
    """
    from id import GitHubOidcPermissionCredentialError
    from sigstore.oidc import IdentityError, detect_credential

    try:
        return detect_credential(audience)
    except (IdentityError, OSError) as error:
        if isinstance(error.__cause__, GitHubOidcPermissionCredentialError):
            raise SigningError(
                "no OIDC token available: this GitHub job may not ask for one",
                hint="`permissions: id-token: write` in the workflow; runs for forks get none",
            ) from error
        raise SigningError(f"no OIDC token available: {error}", hint=_ELSEWHERE) from error


def _claims(text: str, origin: str) -> dict[str, Any]:
    parts = text.split(".")
    try:
        if len(parts) != 3:
            raise ValueError
        said = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        if not isinstance(said, dict):
            raise ValueError
    except (ValueError, RecursionError):
        # No cause: it could quote the token.
        raise SigningError(
            f"{origin}: not an OIDC token", hint="it is a JWT: three parts with dots between"
        ) from None
    return said


def _number(value: object) -> float:
    return value if isinstance(value, (int, float)) else 0


def _at(seconds: float) -> str:
    try:
        when = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return "a time that is none"
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def place() -> Path:
    """Returns the directory for tokens: the session's own, in memory, else the user's cache."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(runtime).is_absolute() and Path(runtime).is_dir():
        return Path(runtime, "git-model", "tokens")
    cache = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return root / "git-model" / "tokens"


class TokenStore:
    """The tokens of this user, by issuer and client.

    Keeping one is a convenience: what cannot be kept safely is not kept, and the next
    signature asks again.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or place()

    def get(self, issuer: str, client_id: str) -> str | None:
        """Returns the token kept, or None; whether it still lasts is for the caller."""
        if not self._is_ours():
            return None
        try:
            descriptor = os.open(self._path(issuer, client_id), os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not _is_private(os.fstat(file.fileno())):
                return None
            text = file.read(_MAX_BYTES + 1)
        return text.decode("ascii", "replace") if len(text) <= _MAX_BYTES else None

    def put(self, issuer: str, client_id: str, token: str) -> None:
        """Keeps a token in place of an older one."""
        content = token.encode("ascii", "replace")
        with contextlib.suppress(ConfigError, OSError):
            make_directory(self.directory)
            if self._is_ours():
                files.replace(self._path(issuer, client_id), content, PRIVATE_MODE)

    def drop(self, issuer: str, client_id: str) -> None:
        """Removes a token."""
        with contextlib.suppress(OSError):
            self._path(issuer, client_id).unlink()

    def _path(self, issuer: str, client_id: str) -> Path:
        name = hashlib.sha256(f"{issuer}\0{client_id}".encode()).hexdigest()
        return self.directory / name

    def _is_ours(self) -> bool:
        # Both: who can write to the one above could put another in its place.
        try:
            found = [one.lstat() for one in (self.directory.parent, self.directory)]
        except OSError:
            return False
        return all(stat.S_ISDIR(one.st_mode) and _is_private(one) for one in found)


def _is_private(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & 0o077
