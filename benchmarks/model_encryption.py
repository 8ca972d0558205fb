"""What IBM's model-encryption does to a directory, by the layout of its files: the peer.

`python -m benchmarks.model_encryption encrypt|decrypt KEY DIR`
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.padding import PKCS7

_THREADS = 4
_CHUNK_BYTES = (1 << 20) // _THREADS
_IV = bytes(range(16))


def _encrypt(key: bytes, path: Path) -> None:
    encryptor, padder = Cipher(AES256(key), CFB(_IV)).encryptor(), PKCS7(128).padder()
    authenticator = HMAC(key, SHA256())
    authenticator.update(_IV)
    with path.open("rb") as source, path.with_name(f"{path.name}.enc").open("wb") as sink:
        sink.write(_IV + bytes(32))
        while chunk := source.read(_CHUNK_BYTES):
            sealed = encryptor.update(padder.update(chunk))
            authenticator.update(sealed)
            sink.write(sealed)
        sealed = encryptor.update(padder.finalize()) + encryptor.finalize()
        authenticator.update(sealed)
        sink.write(sealed)
        sink.seek(len(_IV))
        sink.write(authenticator.finalize())
    path.unlink()


def _decrypt(key: bytes, path: Path) -> None:
    with path.open("rb") as source, path.with_suffix("").open("wb") as sink:
        iv, expected = source.read(16), source.read(32)
        decryptor, unpadder = Cipher(AES256(key), CFB(iv)).decryptor(), PKCS7(128).unpadder()
        authenticator = HMAC(key, SHA256())
        authenticator.update(iv)
        while chunk := source.read(_CHUNK_BYTES):
            authenticator.update(chunk)
            sink.write(unpadder.update(decryptor.update(chunk)))
        authenticator.verify(expected)
        sink.write(unpadder.update(decryptor.finalize()) + unpadder.finalize())
    path.unlink()


def main() -> None:
    verb, key, directory = sys.argv[1:]
    work, pattern = (_encrypt, "*") if verb == "encrypt" else (_decrypt, "*.enc")
    material = Path(key).read_bytes()
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda path: work(material, path), list(Path(directory).glob(pattern))))


if __name__ == "__main__":
    main()
