"""Identities: the secret halves of recipients, as the user keeps them.

Files of age (also behind a passphrase), and private keys of ssh-ed25519 and ssh-rsa. No
message shows any of it. Must not know where they lie. docs/SPEC.md, "Team: recipients".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from git_model_security.errors import ConfigError, WrapError
from git_model_security.team import recipients, wraps

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization.ssh import SSHPrivateKeyTypes

    from git_model_security.signing.pem import Password
    from git_model_security.team.recipients import Recipient

_SECRET: Final = "AGE-SECRET-KEY-1"  # noqa: S105
_PEM: Final = b"-----BEGIN "
_ENCRYPTED: Final = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")
_WANTED: Final = "an identity of age, or a private key of ssh-ed25519 or ssh-rsa"
_ASK: Final = "set GIT_ASKPASS, or use a terminal"


class Identity(NamedTuple):
    """What opens wraps.

    Attributes:
        recipient: whose wraps it opens; their name follows from it.
        handle: what pyrage opens with.
    """

    recipient: Recipient
    handle: Any

    def __repr__(self) -> str:
        return f"Identity({self.recipient.text!r})"


def generate() -> bytes:
    """Returns a new identity of age, as `age-keygen` writes the file, without a date."""
    import pyrage

    made = pyrage.x25519.Identity.generate()
    return f"# public key: {made.to_public()}\n{made}\n".encode("ascii")


def parse(
    data: bytes, password: Password | None = None, origin: str = "the identity"
) -> list[Identity]:
    """Reads a file of identities.

    Args:
        data: what it holds.
        password: used or asked for only where it is encrypted.
        origin: names it in messages.

    Raises:
        ConfigError: it is something else, or the password does not open it.
    """
    if data.startswith(_ENCRYPTED):
        return _age(_opened(data, password, origin), origin)
    if data.startswith(_PEM):
        return [_ssh(data, password, origin)]
    return _age(data, origin)


def _age(data: bytes, origin: str) -> list[Identity]:
    import pyrage

    found = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("AGE-PLUGIN-"):
            raise ConfigError(
                f"{origin}: line {number}: an identity of an age plugin, which no program is"
                " started for",
                hint=_WANTED,
            )
        try:
            if not text.startswith(_SECRET):
                raise ValueError
            handle = pyrage.x25519.Identity.from_str(text)
        except (ValueError, pyrage.IdentityError):
            raise ConfigError(f"{origin}: line {number}: no identity", hint=_WANTED) from None
        found.append(Identity(recipients.parse(str(handle.to_public())), handle))
    if not found:
        raise ConfigError(f"{origin}: holds no identity", hint=_WANTED)
    return found


def _opened(data: bytes, password: Password | None, origin: str) -> bytes:
    try:
        found = wraps.inspect(data)
    except WrapError as error:
        raise ConfigError(f"{origin}: {error}") from None
    if not found.needs_passphrase:
        raise ConfigError(f"{origin}: encrypted for a key, not by a passphrase", hint=_WANTED)
    secret = _asked(password, origin)
    opened = wraps.decrypted_by_passphrase(found, secret.decode("utf-8", "surrogateescape"))
    if opened is None:
        raise ConfigError(f"{origin}: the passphrase does not open it", hint="answer again")
    return opened


def _ssh(data: bytes, password: Password | None, origin: str) -> Identity:
    import pyrage
    from cryptography.hazmat.primitives import serialization

    key, is_encrypted = _ssh_key(data, password, origin)
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    recipient = recipients.parse(public.decode("ascii"))
    if is_encrypted:
        # pyrage opens none with a passphrase.
        data = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
    try:
        return Identity(recipient, pyrage.ssh.Identity.from_buffer(data))
    except pyrage.IdentityError:
        raise ConfigError(
            f"{origin}: a private key that age does not open", hint=_WANTED
        ) from None


def _ssh_key(
    data: bytes, password: Password | None, origin: str
) -> tuple[SSHPrivateKeyTypes, bool]:
    """Returns a private key, and whether its file is encrypted."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    def read(secret: bytes | None) -> object:
        if data.startswith(b"-----BEGIN OPENSSH "):
            return serialization.load_ssh_private_key(data, secret)
        return serialization.load_pem_private_key(data, secret)

    is_encrypted = False
    try:
        try:
            key = read(None)
        except TypeError:  # it is encrypted, and no password was given
            is_encrypted = True
            key = read(_asked(password, origin))
    except (ValueError, UnsupportedAlgorithm):
        why = "the passphrase does not open it" if is_encrypted else "a damaged private key"
        raise ConfigError(f"{origin}: {why}", hint=_WANTED) from None
    if not isinstance(key, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
        raise ConfigError(
            f"{origin}: a private key of a kind that no key can be wrapped for", hint=_WANTED
        )
    return key, is_encrypted


def _asked(password: Password | None, origin: str) -> bytes:
    secret = password(origin) if callable(password) else password
    if not secret:
        raise ConfigError(f"{origin}: it is encrypted, and nobody can be asked", hint=_ASK)
    return secret
