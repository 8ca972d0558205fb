"""Nothing rests on how much is read at a time: not on its being one segment."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.processes import execute, need

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

LARGE = bytes(range(256)) * 12 * 1024
"""3 MiB."""

SIZES = (512 << 10, (1 << 20) - 1, 3 << 20)


def command(chunk_bytes: int) -> tuple[str, ...]:
    """Returns the command `git-model`, reading so many bytes at a time."""
    program = (
        "import sys\n"
        "from git_model_security.git import objects\n"
        f"objects.CHUNK_BYTES = {chunk_bytes}\n"
        "from git_model_security.__main__ import main\n"
        "sys.exit(main())\n"
    )
    return (sys.executable, "-I", "-c", program)


@pytest.mark.parametrize("chunk_bytes", SIZES)
@pytest.mark.parametrize("storage", ["inline", "lfs"])
def test_init_over_a_tracked_file(repo: Repository, storage: str, chunk_bytes: int) -> None:
    if storage == "lfs":
        need("git-lfs")
    repo.write("model.bin", LARGE)
    repo.commit("Before")
    words = ("init", "--storage", storage, "--accept-plaintext-history")
    execute(*command(chunk_bytes), *words, cwd=repo.path)
    repo.git("commit", "--quiet", "--message", "Encrypted")
    # What the filter makes of the same file is the same blob.
    assert_clean(repo)
    assert repo.read("model.bin") == LARGE


def test_init_over_a_file_of_git_lfs(repo: Repository) -> None:
    need("git-lfs")
    repo.git("lfs", "install", "--local")
    repo.git("lfs", "track", "*.bin")
    repo.write("model.bin", LARGE)
    repo.commit("Before")
    words = ("init", "--storage", "lfs", "--accept-plaintext-history")
    execute(*command(SIZES[0]), *words, cwd=repo.path)
    repo.git("commit", "--quiet", "--message", "Encrypted")
    assert_clean(repo)


@pytest.mark.parametrize("storage", ["inline", "lfs"])
def test_the_filter_and_a_checkout(repo: Repository, storage: str) -> None:
    if storage == "lfs":
        need("git-lfs")
    repo.model("init", "--storage", storage)
    own = repo.git("config", "filter.git-model.process")
    other = shlex.join((*command(SIZES[0]), "filter-process"))
    repo.git("config", "filter.git-model.process", other)
    repo.write("model.bin", LARGE)
    repo.commit()
    assert_clean(repo)
    (repo.path / "model.bin").unlink()
    repo.git("checkout", "--", "model.bin")
    assert repo.read("model.bin") == LARGE
    (repo.path / "model.bin").unlink()
    execute(*command(SIZES[0]), "checkout", cwd=repo.path)
    assert repo.read("model.bin") == LARGE
    execute(*command(SIZES[0]), "verify", cwd=repo.path)
    if storage == "inline":
        assert is_sealed(repo.blob("HEAD:model.bin"))
    repo.git("config", "filter.git-model.process", own)
    assert_clean(repo)
