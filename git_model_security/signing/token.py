"""A key in a PKCS #11 token: opening the token, finding the key, signing with it.

The only module that loads PyKCS11. That package calls into a module that it may have
unloaded by then, and crashes: what it gave out must not be touched after `unload`, nor
be left to the garbage collector. So all that is done with a token is done within `opened`.
docs/SPEC.md, "Signatures: tokens".
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from git_model_security.errors import ConfigError, KeyNotFoundError
from git_model_security.signing import pem
from git_model_security.signing.key_bundle import digest_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import ModuleType

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from git_model_security.signing.pem import Password
    from git_model_security.signing.pkcs11_uri import Uri

_PIN = "give its PIN by pin-source in the URI, GIT_MODEL_PKCS11_PIN, GIT_ASKPASS or a terminal"
_CHECK = "`pkcs11-tool --module FILE --list-objects --login` shows what a token holds"

_SAID = {
    "CKR_PIN_INCORRECT": ("the PIN is wrong", "a few wrong PINs in a row lock a token"),
    "CKR_PIN_INVALID": ("the PIN is wrong", "a few wrong PINs in a row lock a token"),
    "CKR_PIN_LEN_RANGE": ("the PIN is wrong: no PIN of it has this length", _PIN),
    "CKR_PIN_EXPIRED": ("the PIN has expired", "set a new one with the token's own tool"),
    "CKR_PIN_LOCKED": ("it is locked: too many wrong PINs", "its security officer unlocks it"),
    "CKR_USER_PIN_NOT_INITIALIZED": ("it has no PIN yet", "set one with the token's own tool"),
    "CKR_USER_NOT_LOGGED_IN": ("it takes no login", _PIN),
    "CKR_TOKEN_NOT_PRESENT": ("it is gone", "insert it again"),
    "CKR_DEVICE_REMOVED": ("it is gone", "insert it again"),
    "CKR_KEY_FUNCTION_NOT_PERMITTED": ("the key may not sign (CKA_SIGN)", _CHECK),
    "CKR_MECHANISM_INVALID": ("it cannot sign by ECDSA", _CHECK),
}

_CURVES = {
    bytes.fromhex("06082a8648ce3d030107"): "SECP256R1",
    bytes.fromhex("06052b81040022"): "SECP384R1",
    bytes.fromhex("06052b81040023"): "SECP521R1",
}
"""Object identifiers in DER, as CKA_EC_PARAMS holds them (RFC 5480, 2.1.1.1)."""


class Token:
    """A token with an open session; see `opened`."""

    def __init__(self, library: ModuleType, session: Any, uri: Uri, info: Any) -> None:
        self._library = library
        self._session = session
        self._uri = uri
        self._info = info
        self._secret: bytes | None = None

    @property
    def label(self) -> str:
        """What the token is called, as a person knows it."""
        return str(self._info.label).strip("\0 ") or "without a label"

    def login(self, pin: Password | None) -> None:
        """Logs the user in.

        Raises:
            ConfigError: there is none, or it is wrong, or the token is locked.
        """
        flags = self._info.flags
        if flags & self._library.CKF_USER_PIN_LOCKED:
            self._raise("CKR_PIN_LOCKED")
        if flags & self._library.CKF_PROTECTED_AUTHENTICATION_PATH:
            self._secret = None  # typed at the token itself
        else:
            self._secret = self._uri.pin() or (pin(self.label) if callable(pin) else pin)
            if not self._secret and not flags & self._library.CKF_LOGIN_REQUIRED:
                return
            if not self._secret:
                raise ConfigError(f"the token {self.label!r} wants a PIN", hint=_PIN)
        try:
            self._session.login(self._secret)
        except self._library.PyKCS11Error as error:
            if str(error).startswith("CKR_USER_ALREADY_LOGGED_IN"):
                return
            self._fail(error)

    def public_key(self) -> EllipticCurvePublicKey:
        """Returns the public half of the key.

        Raises:
            KeyNotFoundError: it is not in the token, or not to be seen before a login.
            ConfigError: it is of a kind that does not sign.
        """
        from cryptography.hazmat.primitives.asymmetric import ec

        found = self._find(self._library.CKO_PUBLIC_KEY, "public key")
        params, point = self._read(found, "CKA_EC_PARAMS", "CKA_EC_POINT")
        name = _CURVES.get(bytes(params or b""))
        if name is None:
            raise ConfigError(f"{self._uri}: {pem.WANTED}")
        curve = getattr(ec, name)()
        length = 1 + 2 * ((curve.key_size + 7) // 8)
        # CKA_EC_POINT is a DER octet string; some tokens leave its header away.
        encoded = bytes(point or b"")[-length:]
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(curve, encoded)
        except ValueError as error:
            raise ConfigError(f"{self._uri}: the public key in the token is damaged") from error

    def sign(self, data: bytes, public_key: EllipticCurvePublicKey) -> bytes:
        """Returns a signature in DER, after a login.

        `public_key` must verify it: another key may go by the same name, and a token may fail.

        Raises:
            KeyNotFoundError: the private key is not in the token.
            ConfigError: it does not sign, or is not for that public key.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        key = self._find(self._library.CKO_PRIVATE_KEY, "private key")
        algorithm = digest_for(public_key)
        running = hashes.Hash(algorithm)
        running.update(data)
        (always,) = self._read(key, "CKA_ALWAYS_AUTHENTICATE")
        sign = self._sign_after_login if always else self._session.sign
        try:
            mechanism = self._library.Mechanism(self._library.CKM_ECDSA, None)
            raw = bytes(sign(key, running.finalize(), mechanism))
        except self._library.PyKCS11Error as error:
            self._fail(error)
        half = len(raw) // 2
        r, s = int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
        signature = encode_dss_signature(r, s)
        try:
            public_key.verify(signature, data, ec.ECDSA(algorithm))
        except InvalidSignature as error:
            raise ConfigError(
                f"{self._uri}: the token signs with another key than expected", hint=_CHECK
            ) from error
        return signature

    def _sign_after_login(self, key: Any, data: bytes, mechanism: Any) -> Any:
        # Keys for signatures that a person answers for (PIV's slot 9c) want the PIN
        # between the two calls of a signature, where PyKCS11's `sign` has no room for it.
        module, handle = self._session.lib, self._session.session
        content, signature = self._library.ckbytelist(data), self._library.ckbytelist()
        self._require(module.C_SignInit(handle, mechanism.to_native(), key))
        self._session.login(self._secret, self._library.CKU_CONTEXT_SPECIFIC)
        for _ in ("its length", "itself"):
            self._require(module.C_Sign(handle, content, signature))
        return signature

    def _require(self, code: int) -> None:
        if code != self._library.CKR_OK:
            raise self._library.PyKCS11Error(code)

    def _find(self, kind: int, what: str) -> Any:
        template: list[tuple[int, object]] = [(self._library.CKA_CLASS, kind)]
        if "object" in self._uri.path:
            label = self._uri.path["object"].decode("utf-8", "replace")
            template.append((self._library.CKA_LABEL, label))
        if "id" in self._uri.path:
            template.append((self._library.CKA_ID, self._uri.path["id"]))
        try:
            found = self._session.findObjects(template)
        except self._library.PyKCS11Error as error:
            self._fail(error)
        if not found:
            raise KeyNotFoundError(
                f"{self._uri}: no such {what} in the token {self.label!r}", hint=_CHECK
            )
        if len(found) > 1:
            raise ConfigError(
                f"{self._uri}: {len(found)} {what}s of that name in the token {self.label!r}",
                hint="give the key's id in the URI as well: id=%01",
            )
        (kind,) = self._read(found[0], "CKA_KEY_TYPE")
        if kind not in {self._library.CKK_EC, None}:
            name = str(self._library.CKK.get(kind, kind)).removeprefix("CKK_")
            raise ConfigError(f"{self._uri}: a key of the kind {name}; {pem.WANTED}")
        return found[0]

    def _read(self, found: Any, *names: str) -> list[Any]:
        attributes = [getattr(self._library, name) for name in names]
        try:
            return list(self._session.getAttributeValue(found, attributes))
        except self._library.PyKCS11Error as error:
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        self._raise(str(error).partition(" ")[0], error)

    def _raise(self, code: str, cause: Exception | None = None) -> NoReturn:
        said, hint = _SAID.get(code, (f"it says {cause}", _CHECK))
        raise ConfigError(f"the token {self.label!r}: {said}", hint=hint) from cause


@contextlib.contextmanager
def opened(uri: Uri, module_paths: Iterable[Path] = ()) -> Iterator[Token]:
    """Opens a session with the token that a URI names, and closes it again.

    Raises:
        ConfigError: PyKCS11 or the module is not there, or is none; or several tokens are
            what the URI names.
        KeyNotFoundError: there is no such token.
    """
    library = _pykcs11()
    path = uri.module(module_paths)
    module = library.PyKCS11Lib()
    try:
        module.load(str(path))
    except library.PyKCS11Error as error:
        raise ConfigError(
            f"{path}: cannot be loaded as a PKCS #11 module: {error}",
            hint="give the module of your token: ?module-path=FILE in the URI",
        ) from error
    try:
        slot, info = _slot(library, module, uri)
        session = module.openSession(slot)
        try:
            yield Token(library, session, uri, info)
        finally:
            # The session may be gone with its token.
            with contextlib.suppress(library.PyKCS11Error):
                session.closeSession()
    except library.PyKCS11Error as error:
        raise ConfigError(f"{uri}: the token says {error}", hint=_CHECK) from error
    finally:
        module.unload()


def _slot(library: ModuleType, module: Any, uri: Uri) -> tuple[int, Any]:
    seen, found = [], []
    for slot in module.getSlotList(tokenPresent=True):
        info = module.getTokenInfo(slot)
        if not info.flags & library.CKF_TOKEN_INITIALIZED:
            continue
        has = {
            "token": info.label,
            "manufacturer": info.manufacturerID,
            "model": info.model,
            "serial": info.serialNumber,
            "slot-id": str(slot),
        }
        seen.append(str(info.label).strip("\0 "))
        if all(
            str(has[name]).strip("\0 ").encode() == value.strip(b"\0 ")
            for name, value in uri.path.items()
            if name in has
        ):
            found.append((slot, info))
    if len(found) == 1:
        return found[0]
    if found:
        serials = ", ".join(str(info.serialNumber).strip("\0 ") for _, info in found)
        raise ConfigError(
            f"{uri}: {len(found)} tokens are named so; their serial numbers are {serials}",
            hint="say which in the URI as well: serial=NUMBER",
        )
    present = ", ".join(map(repr, seen)) or "none"
    raise KeyNotFoundError(
        f"{uri}: no such token is present; there is {present}", hint="insert the token"
    )


def _pykcs11() -> ModuleType:
    try:
        return importlib.import_module("PyKCS11")  # it has no types
    except ImportError as error:
        raise ConfigError(
            "signing by PKCS #11 needs the Python package pykcs11, which is not installed",
            hint=f"{sys.executable} -m pip install pykcs11",
        ) from error
