"""textconv: what `git diff` shows of a model file.

Git hands over content that has passed smudge already (gitattributes, "Performing
text diffs of binary files"), so in an unlocked clone it is plaintext. The result
is never cached: `cachetextconv` would write plaintext below refs/notes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from git_model_security.content import blob
from git_model_security.envelope import HEADER_BYTES
from git_model_security.errors import NewerFormatError, VerificationError
from git_model_security.messages import counted
from git_model_security.policy import content

_TEXT_BYTES = 4 << 20
_BUNDLE = b"application/vnd.dev.sigstore.bundle"
"""Part of what a bundle says that it is."""
_SAFETENSORS_HEADER_BYTES = 16 << 20


def textconv(name: str) -> bytes:
    """Returns text for a file: text as it is, tensors as a list, else a digest or a line."""
    path = Path(name)
    with path.open("rb") as file:
        head = file.read(_TEXT_BYTES)
    if sealed := _sealed(head[:HEADER_BYTES]):
        return f"encrypted by {sealed}, {path.stat().st_size} bytes\n".encode()
    if head[:1] == b"{" and _BUNDLE in head:
        told = _signature(path)
        if told is not None:
            return told
    if len(head) < _TEXT_BYTES and content.is_text([head]):
        return head
    return _tensors(path) or _digest(path)


def _sealed(head: bytes) -> str:
    """Returns what ciphertext says of itself; empty for what is none."""
    try:
        header = blob.find_header(head)
    except NewerFormatError:
        return "a newer git-model"
    return f"git-model, key {header.key_id}" if header else ""


def _signature(path: Path) -> bytes | None:
    """Returns a line for a signature, which is long and renewed by each commit.

    None for what is no bundle: it may be anything, and is shown as it is.
    """
    from git_model_security.signing import dsse, statement

    with path.open("rb") as file:
        data = file.read(dsse.MAX_BYTES + 1)
    try:
        bundle = dsse.parse(data)
        signed = statement.parse(bundle.payload)
    except VerificationError:
        return None
    files = counted(len(signed.items), "file")
    digest = hashlib.sha256(data).hexdigest()
    return f"signed by {dsse.signer(bundle)}, {files}, sha256 {digest}\n".encode()


def _tensors(path: Path) -> bytes | None:
    """Lists the tensors of a safetensors file (its format: length, JSON, data)."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= _SAFETENSORS_HEADER_BYTES:
            return None
        try:
            header = json.loads(file.read(length))
            lines = [
                f"{name} {tensor['dtype']} {tensor['shape']}\n"
                for name, tensor in sorted(header.items())
                if name != "__metadata__"
            ]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
    return "".join(lines).encode() + _digest(path)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{path.stat().st_size} bytes, sha256 {digest}\n".encode()
