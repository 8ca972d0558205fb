"""A second reader of the envelope, written from docs/SPEC.md alone.

It shares no code with git-model and needs only `cryptography` and `blake3`. It
is slow in memory and plain on purpose: each rule stands where the document has
it.

    python second_reader.py KEY_FILE < envelope > plaintext
"""

from __future__ import annotations

import hmac
import sys
from hashlib import sha256
from pathlib import Path

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = bytes.fromhex("004749544d4f44454c000d0a")
SEALED_SEGMENT = 1048624
MORE, LAST, FOOTER = 0, 1, 2


class RejectError(Exception):
    """The envelope breaks the rule whose name is `rule`."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def require(holds: bool, rule: str) -> None:
    if not holds:
        raise RejectError(rule)


def hkdf(material: bytes, label: str, size: int) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=size, salt=bytes(32), info=label.encode("ascii"))
    return kdf.derive(material)


def keyed(key: bytes, message: bytes) -> bytes:
    return blake3(message, key=key).digest()


def le64(number: int) -> bytes:
    return number.to_bytes(8, "little")


class Reader:
    """Opens one envelope under one key."""

    def __init__(self, material: bytes, envelope: bytes) -> None:
        self.siv_key = hkdf(material, "git-model/v1/siv", 32)
        self.segment_key = hkdf(material, "git-model/v1/segment", 32)
        self.header_key = hkdf(material, "git-model/v1/header", 32)
        self.key_id = hkdf(material, "git-model/v1/key-id", 16)
        self.envelope = envelope
        self.header = envelope[:64]

    def read(self) -> bytes:
        self.check_header()
        count, last_size = self.check_length()
        plaintext, sivs, offset = b"", b"", 64
        for index in range(count - 1):
            sealed = self.envelope[offset : offset + SEALED_SEGMENT]
            plaintext += self.open(index, MORE, sealed)
            sivs += sealed[:32]
            offset += SEALED_SEGMENT
        facts = self.open(count, FOOTER, self.envelope[-88:])
        sealed = self.envelope[offset : offset + last_size]
        plaintext += self.open(count - 1, LAST, sealed)
        sivs += sealed[:32]
        require(facts[:8] == le64(len(plaintext)), "R17")
        require(facts[8:] == blake3(sivs).digest(), "R18")
        return plaintext

    def root(self) -> bytes:
        count, last_size = self.check_length()
        plaintext_size = (count - 1) * 2**20 + last_size - 48
        return sha256(self.header + le64(plaintext_size) + self.envelope[-88:]).digest()

    def check_header(self) -> None:
        require(self.envelope[:12] == MAGIC, "R1")
        require(len(self.header) == 64, "R2")
        require(self.header[12] == 1, "R3")
        require(self.header[13] == 1, "R4")
        require(self.header[14:16] == bytes(2), "R5")
        require(self.header[16:32] == self.key_id, "R6")
        check = keyed(self.header_key, self.header[:32])
        require(hmac.compare_digest(check, self.header[32:]), "R7")

    def check_length(self) -> tuple[int, int]:
        """Return the number of data segments and the sealed size of the last."""
        body = len(self.envelope) - 152
        require(body >= 0, "R8")
        require(body != 0, "R9")
        full, rest = divmod(body, SEALED_SEGMENT)
        require(not 1 <= rest <= 47, "R10")
        require(rest != 48, "R11")
        count, last_size = (full + 1, rest) if rest else (full, SEALED_SEGMENT)
        require(body - 48 * count <= 2**40, "R12")
        return count, last_size

    def open(self, index: int, kind: int, sealed: bytes) -> bytes:
        bad_tag, bad_siv = ("R15", "R16") if kind == FOOTER else ("R13", "R14")
        siv, box = sealed[:32], sealed[32:]
        bound = self.header + le64(index) + bytes([kind])
        try:
            message = AESGCM(keyed(self.segment_key, siv)).decrypt(bytes(12), box, bound)
        except InvalidTag:
            raise RejectError(bad_tag) from None
        again = keyed(self.siv_key, b"git-model/v1/siv-input" + bound + message)
        require(hmac.compare_digest(siv, again), bad_siv)
        return message


def main() -> None:
    material = Path(sys.argv[1]).read_bytes()
    sys.stdout.buffer.write(Reader(material, sys.stdin.buffer.read()).read())


if __name__ == "__main__":
    main()
