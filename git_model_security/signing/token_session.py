"""Opening a PKCS #11 token, and closing it in order.

The only module that loads PyKCS11. That package calls into a module that it may have
unloaded by then, and crashes: what it gave out must not be touched after `unload`, nor
be left to the garbage collector. So all that is done with a token is done within `opened`.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any

from git_model_security.errors import ConfigError, KeyNotFoundError
from git_model_security.signing.token import CHECK, Token

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import ModuleType

    from git_model_security.signing.pkcs11_uri import Uri


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
        raise ConfigError(f"{uri}: the token says {error}", hint=CHECK) from error
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
