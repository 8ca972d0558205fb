"""Models in archives are recognised by the head of the archive, in linear time."""

from __future__ import annotations

import io
import struct
import tarfile
from itertools import pairwise

import pytest

from git_model_security.policy import archives
from git_model_security.policy.content import HEAD_BYTES, model_format

NAMELESS = b"artifact"
TENSOR = bytes(range(256)) * 64


def entry(name: bytes, content: bytes = b"", extra: bytes = b"", flags: int = 0) -> bytes:
    """A stored entry of a zip archive, as a writer that streams makes it."""
    lengths = (0, 0, 0) if flags & 8 else (0, len(content), len(content))
    fixed = struct.pack("<4s5H3I2H", b"PK\x03\x04", 0, flags, 0, 0, 0, *lengths, len(name), 0)
    return fixed[:28] + struct.pack("<H", len(extra)) + name + extra + content


def torch_zip(*names: bytes) -> bytes:
    """What PyTorch writes: flags 0x0808, and padding that aligns each tensor."""
    made = b""
    for name in names:
        padding = -(len(made) + 30 + len(name) + 4) % 64
        extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        made += entry(name, TENSOR, extra, flags=0x0808)
    return made


ZIPS = {
    # as silero-vad's silero_vad.jit
    "data.pkl after the tensors": torch_zip(b"net/data/0", b"net/data/1", b"net/data.pkl"),
    "sizes over 4 GiB": entry(b"net/data/0", extra=b"\1\0\x08\0" + bytes(8) + b"FB\0\0"),
    "names of nobody's": torch_zip(b"x/y", b"x/z"),
    "a mobile module": entry(b"net/bytecode.pkl", b"x"),
}


@pytest.mark.parametrize("case", ZIPS)
def test_what_pytorch_wrote_is_recognised_whatever_stands_first(case: str) -> None:
    content = ZIPS[case]
    assert model_format(content[:HEAD_BYTES], len(content), NAMELESS) == "PyTorch"


@pytest.mark.parametrize(
    "content",
    [
        entry(b"net/data/0", TENSOR),
        entry(b"a.txt", b"words", extra=b"UT\x05\0\x01FBZZ"),
        entry(b"FB", b"FB\0\0"),
    ],
)
def test_a_zip_of_somebody_else_is_none(content: bytes) -> None:
    assert model_format(content[:HEAD_BYTES], len(content), NAMELESS) is None


HEADS = {
    "nothing but signatures": b"PK\x03\x04" * 1023,
    "names to the end": entry(b"a" * 60000, b"")[:HEAD_BYTES],
    "many entries": b"".join(entry(b"%d" % number) for number in range(200))[:HEAD_BYTES],
    "a cut header": entry(b"a")[:20],
    "a signature at the end": entry(b"a") + b"PK\x03\x04",
}


@pytest.mark.parametrize("case", HEADS)
def test_no_byte_of_a_zips_head_is_looked_at_twice(case: str) -> None:
    head = HEADS[case]
    found = list(archives.zip_entries(head))
    assert sum(len(one.name) + len(one.extra) for one in found) <= len(head)
    assert len(found) <= 1 + len(head) // 30


def tar(*names: str, content: bytes = b"words\n") -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name in names:
            facts = tarfile.TarInfo(name)
            facts.size = len(content)
            archive.addfile(facts, io.BytesIO(content))
    return sink.getvalue()


GGUF = b"GGUF" + struct.pack("<IQQ", 3, 291, 24) + TENSOR
TARS = {
    "NeMo": ("tar of a model", tar("./model_config.yaml", "./model_weights.ckpt")),
    "a model that has another name": ("GGUF, tar", tar("blob", content=GGUF)),
    "source code": (None, tar("a/setup.py", "a/b.pth", "a/README")),
    "cut": (None, tar("model.onnx")[:200]),
}


@pytest.mark.parametrize("case", TARS)
def test_a_tar_is_looked_into_as_far_as_its_head_goes(case: str) -> None:
    expected, content = TARS[case]
    assert model_format(content[:HEAD_BYTES], len(content), NAMELESS) == expected


def test_a_tar_in_gzip_is_looked_into() -> None:
    import gzip

    content = gzip.compress(tar("net/model.safetensors", content=TENSOR))
    found = model_format(content[:HEAD_BYTES], len(content), b"net.tar.gz")
    assert found == "tar of a model, gzip"


def test_tars_in_tars_end() -> None:
    content = b""
    for _ in range(9):
        content = tar("inner", content=content or GGUF)
    assert model_format(content[:HEAD_BYTES], len(content), NAMELESS) is None
    starts = [len(one[2]) for one in archives.tar_content(content[:HEAD_BYTES])]
    assert all(one >= other for one, other in pairwise(starts))
