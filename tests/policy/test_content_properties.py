"""Whatever bytes a stranger commits, recognising them ends without an error."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from git_model_security.policy.content import HEAD_BYTES, model_format

BEGINNINGS = st.sampled_from(
    [
        *(b"", b"\x80\x02", b"\x80\x04\x95", b"PK\x03\x04", b"\x08\x08\x3a", b"\x0a", b"GGUF"),
        *(b"\x1f\x8b\x08", b"\x78\x9c", b"BZh9", b"\xfd7zXZ\x00", b"\x5d\x00\x00", b"(dp0\n"),
        b"\x02\x00\x00\x00\x00\x00\x00\x00{",
    ]
)
NAMES = st.sampled_from([b"", b"a.pb", b"a.onnx", b"a.pkl", b"a.mlmodel", b"a\xff.gz"])


@given(BEGINNINGS, st.binary(max_size=HEAD_BYTES), NAMES, st.integers(0, 1 << 50))
def test_no_content_raises(beginning: bytes, rest: bytes, name: bytes, more: int) -> None:
    head = (beginning + rest)[:HEAD_BYTES]
    found = model_format(head, len(head) + more, name)
    assert found is None or found
