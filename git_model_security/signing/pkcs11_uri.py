"""PKCS #11 URIs (RFC 7512): what names a key in a token, and the module that speaks to it.

Stricter than model_signing, which passes over what it does not know: a part that no
object is chosen by is an error, so that no other key signs than the one meant. A PIN in
a URI is never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from git_model_security import messages
from git_model_security.errors import ConfigError
from git_model_security.messages import legible

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCHEME = "pkcs11:"
_PATH = frozenset(
    {"token", "manufacturer", "serial", "model", "object", "id", "type", "slot-id"}
)
_TOLD = ("library-", "slot-")
"""Describe the module and the slot, which the query and `slot-id` choose already."""
_QUERY = frozenset({"module-path", "module-name", "pin-source", "pin-value"})
_HINT = "such as pkcs11:token=TOKEN;object=KEY?module-path=/usr/lib/softhsm/libsofthsm2.so"

_DIRECTORIES = (
    "/usr/lib64/pkcs11",
    "/usr/lib/pkcs11",
    "/usr/lib/x86_64-linux-gnu/pkcs11",
    "/usr/lib/aarch64-linux-gnu/pkcs11",
    "/usr/lib/softhsm",
    "/usr/local/lib/softhsm",
    "/opt/homebrew/lib/softhsm",
    "/opt/homebrew/lib",
    "/usr/local/lib",
)
"""Where modules lie on Linux distributions and with Homebrew."""


@dataclass(frozen=True)
class Uri:
    """A key in a token: `text` is fit to be shown, and the query chooses module and PIN."""

    text: str
    path: dict[str, bytes]
    query: dict[str, str] = field(repr=False)

    def __str__(self) -> str:
        return self.text

    @property
    def files(self) -> list[Path]:
        """The files that it names: the module, and what holds the PIN."""
        place = urlsplit(self.query.get("pin-source", "")).path
        return [Path(one) for one in (self.query.get("module-path"), place) if one]

    def pin(self) -> bytes | None:
        """Returns the PIN that the URI holds or says the place of, else None.

        Raises:
            ConfigError: that place cannot be read.
        """
        if "pin-value" in self.query:
            return self.query["pin-value"].encode()
        if "pin-source" not in self.query:
            return None
        place = urlsplit(self.query["pin-source"])
        if place.scheme not in {"", "file"} or not Path(place.path).is_absolute():
            raise ConfigError("the pin-source of the PKCS #11 URI is not the path of a file")
        try:
            # Editors end the line, and no PIN has one.
            return Path(place.path).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            reason = messages.reason(error)
            raise ConfigError(f"{place.path}: cannot read the PIN: {reason}") from error

    def module(self, places: Iterable[Path] = ()) -> Path:
        """Returns the module to load, an absolute path.

        Where the URI names no path it is looked for in `places`, modules or directories of
        them; none are the usual directories.

        Raises:
            ConfigError: there is no such file, or none is named.
        """
        given = self.query.get("module-path")
        name = self.query.get("module-name", "").lower()
        for place in [Path(given)] if given else (list(places) or map(Path, _DIRECTORIES)):
            if place.is_file() and place.is_absolute():
                return place
            if name and place.is_dir() and place.is_absolute():
                for file in sorted(place.iterdir()):
                    if file.name.lower().partition(".")[0] in {name, f"lib{name}"}:
                        return file
        if given or name:
            raise ConfigError(
                f"no PKCS #11 module {legible(given or name)}",
                hint="give the absolute path of the token's module: ?module-path=FILE",
            )
        raise ConfigError("the PKCS #11 URI names no module", hint=_HINT)


def parse(text: str) -> Uri:
    """Parses a URI.

    Raises:
        ConfigError: it is none, or has parts that choose nothing.
    """
    if not text.startswith(_SCHEME):
        raise ConfigError("a PKCS #11 URI begins with pkcs11:", hint=_HINT)
    before, _, after = text.removeprefix(_SCHEME).partition("?")
    path = {
        name: value
        for name, value in _attributes(before, ";").items()
        if name in _PATH or not name.startswith(_TOLD)
    }
    query = {
        name: value.decode("utf-8", "surrogateescape")
        for name, value in _attributes(after, "&").items()
    }
    unknown = sorted((path.keys() - _PATH) | (query.keys() - _QUERY))
    if unknown:
        raise ConfigError(
            f"the PKCS #11 URI has a part that is not known here: {legible(unknown[0])}",
            hint=_HINT,
        )
    if not path.keys() & {"object", "id"}:
        raise ConfigError("the PKCS #11 URI names no key: object= or id=", hint=_HINT)
    if path.get("type", b"private") != b"private":
        raise ConfigError("the PKCS #11 URI names something else than a private key")
    if not path.get("slot-id", b"0").isdigit():
        raise ConfigError("the slot-id of the PKCS #11 URI is no number")
    return Uri(_SCHEME + legible(before), path, query)


def _attributes(text: str, separator: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or name in found:
            # Not what stands there: it may be a PIN.
            raise ConfigError("the PKCS #11 URI is malformed", hint=_HINT)
        found[name] = unquote_to_bytes(value)
    return found
