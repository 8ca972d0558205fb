"""A protected path that is no regular file, and one that leads elsewhere."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from tests.faults import claims
from tests.faults.conftest import CONTENT, WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Established
    from tests.fixtures.repositories import CloneFactory, Repository

NAME = "config.json"


def test_a_symbolic_link_is_refused_by_the_signature(made: Established) -> None:
    (made.repo.path / NAME).unlink()
    (made.repo.path / NAME).symlink_to("sub/vocab.txt")
    made.repo.git("add", NAME)
    claims.sealed(made.repo)
    for command in ("status", "audit"):
        made.repo.model(command)
    claims.told(made.repo.model("verify", check=False), NAME)
    done = made.repo.git.run("commit", "-m", "a link", check=False)
    claims.told(done, f"{NAME}: a symbolic link has no content of its own", "hint: ")
    made.repo.git("checkout", "--quiet", "HEAD", "--", NAME)
    claims.clean(made.repo)


def test_a_submodule_is_refused_by_the_signature(made: Established, tmp_path: Path) -> None:
    made.repo.git(
        *("-c", "protocol.file.allow=always", "submodule", "--quiet", "add"),
        *(str(made.remote.path), "base"),
    )
    for command in ("status", "audit"):
        made.repo.model(command)
    done = made.repo.git.run("commit", "-m", "a submodule", check=False)
    claims.told(done, "base: a submodule has no content of its own", "signing.root")
    made.repo.model("lock")
    made.repo.model("unlock")
    assert made.repo.read(NAME) == CONTENT[NAME]


def test_a_directory_in_the_place_of_a_file_is_encrypted(made: Established) -> None:
    (made.repo.path / NAME).unlink()
    made.repo.write(f"{NAME}/part.json", claims.MARKER)
    claims.told(made.repo.model("verify", check=False), NAME)
    made.repo.commit("A directory now")
    claims.clean(made.repo)
    claims.sealed(made.repo)
    made.repo.model("verify")
    made.repo.model("lock")
    claims.clean(made.repo)
    made.repo.model("unlock")
    made.repo.git("checkout", "--quiet", "HEAD^")
    assert made.repo.read(NAME) == CONTENT[NAME]


def test_an_untracked_directory_in_the_way_of_unlock_is_kept(
    locked: Repository, keyless: Established
) -> None:
    (locked.path / NAME).unlink()
    mine = locked.write(f"{NAME}/mine.txt", "mine")
    locked.model("unlock", "--key", str(keyless.key))
    assert mine.read_text() == "mine"
    assert locked.read("model.safetensors") == WEIGHTS


def test_a_pipe_hangs_no_command_and_is_not_taken_for_a_file(made: Established) -> None:
    (made.repo.path / NAME).unlink()
    os.mkfifo(made.repo.path / NAME)
    made.repo.model("status")
    claims.told(made.repo.model("verify", check=False), NAME)
    claims.told(made.repo.model("lock", check=False), NAME)
    made.repo.model("unlock")
    made.repo.git.run("add", NAME, check=False)
    claims.sealed(made.repo)
    (made.repo.path / NAME).unlink()
    made.repo.git("checkout", "--quiet", "HEAD", "--", NAME)
    claims.clean(made.repo)


def test_a_pipe_does_not_hang_unlock(locked: Repository, keyless: Established) -> None:
    (locked.path / NAME).unlink()
    os.mkfifo(locked.path / NAME)
    done = locked.model("unlock", "--key", str(keyless.key))
    assert NAME in done.stdout
    assert locked.read("model.safetensors") == WEIGHTS


def test_init_does_not_hang_on_pipes_and_sockets(repo: Repository) -> None:
    os.mkfifo(repo.path / "pipe.bin")
    repo.write("a.bin", claims.MARKER)
    repo.model("init")
    repo.commit()
    claims.clean(repo)
    claims.sealed(repo)


def test_unlock_and_lock_write_through_no_linked_directory(
    locked: Repository, keyless: Established, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    shutil.move(locked.path / "sub", outside)
    (locked.path / "sub").symlink_to(outside)
    os.utime(outside / "vocab.txt", (10**9, 10**9))
    before = (outside / "vocab.txt").read_bytes()
    locked.model("unlock", "--key", str(keyless.key))
    assert (outside / "vocab.txt").read_bytes() == before
    assert (outside / "vocab.txt").stat().st_mtime == 10**9
    locked.model("lock", check=False)
    assert (outside / "vocab.txt").read_bytes() == before
    assert (outside / "vocab.txt").stat().st_mtime == 10**9


def test_a_signature_is_written_through_no_link(made: Established, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (made.repo.path / "model.sig").unlink()
    (made.repo.path / "model.sig").symlink_to(target)
    made.repo.write(NAME, b"changed")
    made.repo.git("add", NAME)
    made.repo.git("commit", "--quiet", "-m", "changed")
    assert target.read_text() == "mine"
    assert not (made.repo.path / "model.sig").is_symlink()
    claims.clean(made.repo)
    made.repo.model("verify")


def test_links_in_a_stranger_s_tree_lead_nowhere(
    keyless: Established, clone: CloneFactory, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    stranger = clone(keyless.remote.path, "stranger", "--no-checkout")
    stranger.git("read-tree", "HEAD")
    for name in ("model.sig", ".model-encrypted.sig", NAME):
        stranger.git("update-index", "--force-remove", name)
        claims.plumb(stranger, name, os.fsencode(victim), "120000")
    stranger.git("push", "--quiet", "origin", "main")
    done = claims.model(
        *("clone", str(keyless.remote.path), "new", "--key", str(keyless.key)),
        *("--public-key", str(keyless.public)),
        cwd=tmp_path,
    )
    assert "unverified" in done.stderr
    assert "Traceback" not in done.stderr
    for arguments in (("verify",), ("verify", "HEAD"), ("verify", "--encrypted")):
        claims.told(claims.model(*arguments, cwd=tmp_path / "new"))
    assert claims.model("lock", cwd=tmp_path / "new").returncode == 0
    assert victim.read_text() == "untouched"
