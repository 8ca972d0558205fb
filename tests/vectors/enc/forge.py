"""Writes files of model-encryption, good and bad, by their layout, with `cryptography`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.padding import PKCS7

if TYPE_CHECKING:
    from pathlib import Path

MATERIAL = bytes(range(32))
OTHER_MATERIAL = bytes(range(32, 64))
IV = bytes(range(64, 80))


def encrypt(plaintext: bytes, material: bytes = MATERIAL, iv: bytes = IV) -> bytes:
    """Returns the file of a plaintext; the tool takes another IV each time."""
    padder = PKCS7(128).padder()
    return encrypt_padded(padder.update(plaintext) + padder.finalize(), material, iv)


def encrypt_padded(padded: bytes, material: bytes = MATERIAL, iv: bytes = IV) -> bytes:
    encryptor = Cipher(AES256(material), CFB(iv)).encryptor()
    return seal(iv, encryptor.update(padded) + encryptor.finalize(), material)


def seal(iv: bytes, ciphertext: bytes, material: bytes = MATERIAL) -> bytes:
    authenticator = HMAC(material, SHA256())
    authenticator.update(iv)
    authenticator.update(ciphertext)
    return iv + authenticator.finalize() + ciphertext


def unfinished(plaintext: bytes) -> bytes:
    """Returns what the tool leaves when it is killed before its last write."""
    whole = encrypt(plaintext)
    return whole[:16] + bytes(32) + whole[48:]


def encrypt_file(path: Path, material: bytes = MATERIAL) -> None:
    """Does to one file what the tool does."""
    path.with_name(f"{path.name}.enc").write_bytes(encrypt(path.read_bytes(), material))
    path.unlink()
