"""Plaintext under a path of this process: sealed, in no directory, and gone at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import AuthenticationError
from git_model_security.loading.memfd import memfd
from tests.loading.conftest import KEY
from tests.vectors.corpus import generate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Seal = Callable[[str, bytes], Path]

pytestmark = pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="memfd_create(2) is Linux's"
)
CONTENT = generate(1_500_000, "memfd")


def test_the_path_reads_as_the_plaintext_and_takes_no_change(seal: Seal) -> None:
    with memfd(seal("model.bin", CONTENT), KEY) as path:
        with open(path, "rb") as file:  # noqa: PTH123 - as a library does
            assert file.read() == CONTENT
        with open(path, "r+b", buffering=0) as file, pytest.raises(PermissionError):  # noqa: PTH123
            file.write(b"x")
        with pytest.raises(PermissionError):
            os.truncate(path, 0)
    assert not os.path.exists(path)  # noqa: PTH110


def test_a_child_does_not_inherit_it(seal: Seal) -> None:
    with memfd(seal("model.bin", CONTENT), KEY) as path:
        seen = subprocess.run(
            [sys.executable, "-c", f"import os; print(os.path.exists({path!r}))"],
            capture_output=True,
            text=True,
            check=True,
            close_fds=False,
        )
    assert seen.stdout == "False\n"


def test_nothing_is_yielded_where_it_is_not_authentic(seal: Seal) -> None:
    sealed = seal("model.bin", CONTENT)
    content = bytearray(sealed.read_bytes())
    content[-120] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(AuthenticationError), memfd(sealed, KEY):
        pytest.fail("it was opened")
