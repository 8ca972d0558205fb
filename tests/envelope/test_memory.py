"""What a core dump would hold of a process that has a model loaded."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key, encrypt, memory
from git_model_security.errors import ConfigError
from tests.vectors.corpus import generate

if TYPE_CHECKING:
    from collections.abc import Iterator

_MATERIAL = bytes(index * 37 % 256 for index in range(32))
_CONTENT = generate(3_000_000, "memory")
_LOADED = """
import sys
from git_model_security.loading.encrypted_file import EncryptedFile
file = EncryptedFile(*sys.argv[1:], threads=2)
whole, part = file.load(), file.load_part(1_500_000, 100)
print(len(whole), flush=True)
sys.stdin.readline()
"""


def _dumped(process: int, *, is_shown: bool) -> Iterator[bytes]:
    """Yields the memory that a core dump shows, or what it does not (`dd`, proc(5))."""
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as file:
        start = end = 0
        for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
            if place := re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line):
                start, end = (int(one, 16) for one in place.groups())
            elif line.startswith("VmFlags:") and (" dd" not in line) == is_shown and end:
                try:
                    file.seek(start)
                    yield file.read(end - start)
                except (OSError, OverflowError):
                    pass  # of the kernel's own: vvar, vsyscall
                end = 0


@pytest.mark.skipif(sys.platform != "linux", reason="MADV_DONTDUMP is Linux's")
def test_a_core_dump_shows_neither_the_plaintext_nor_the_key(tmp_path: Path) -> None:
    key, sealed = tmp_path / "key", tmp_path / "sealed"
    key.write_bytes(_MATERIAL)
    with sealed.open("wb") as sink:
        encrypt(Key(_MATERIAL), io.BytesIO(_CONTENT), sink)
    # Of each segment something, and what stands at the edge of two.
    places = (0, 500_000, 1_048_560, 1_500_000, 2_097_140, len(_CONTENT) - 32)
    wanted = [_CONTENT[place : place + 32] for place in places]
    with subprocess.Popen(
        (sys.executable, "-c", _LOADED, sealed, key),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == len(_CONTENT)
        try:
            hidden = b"".join(_dumped(process.pid, is_shown=False))
            shown = b"".join(_dumped(process.pid, is_shown=True))
        except PermissionError:
            pytest.skip("this system does not let a process look at its child")
        finally:
            process.kill()
    assert all(one in hidden for one in wanted)
    assert not [place for place, one in zip(places, wanted, strict=True) if one in shown]
    assert _MATERIAL not in shown


@pytest.mark.skipif(sys.platform != "linux", reason="MADV_DONTDUMP is Linux's")
def test_the_subkeys_stand_in_memory_that_is_not_dumped() -> None:
    key = Key(_MATERIAL)
    subkeys = [bytes(getattr(key, f"_{name}_key")) for name in ("siv", "segment", "header")]
    hidden = b"".join(_dumped(os.getpid(), is_shown=False))
    assert all(subkey in hidden for subkey in subkeys)
    assert len(set(subkeys)) == 3


def test_memory_is_private_and_zeroed() -> None:
    room = memory.allocate(5 << 20)
    assert len(room) == 5 << 20
    assert not any(room[:: 1 << 20])
    child = os.fork()
    if not child:
        room[0] = 1
        os._exit(0)
    os.waitpid(child, 0)
    assert room[0] == 0


def test_locked_memory_is_in_no_swap_or_says_the_limit() -> None:
    try:
        room = memory.allocate(4096, lock=True)
    except ConfigError as error:
        assert "cannot be locked" in str(error)  # noqa: PT017
    else:
        room[0] = 1
