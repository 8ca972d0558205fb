"""Damaged envelopes that somebody pushed: refused by name, and nothing of them is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import claims
from tests.faults.conftest import CONTENT, WEIGHTS
from tests.faults.damage import DAMAGES
from tests.fixtures.histories import sealed
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Established
    from tests.fixtures.repositories import CloneFactory

NAME = "model.safetensors"
OTHERS = [name for name in CONTENT if name != NAME]


def damaged(made: Established, case: str) -> bytes:
    from git_model_security.envelope import Key

    key = Key(made.key.read_bytes())
    whole = made.repo.blob(f"HEAD:{NAME}")
    other = sealed(key, WEIGHTS[::-1])
    return DAMAGES[case][0](whole, other)


def push_damage(made: Established, clone: CloneFactory, content: bytes) -> Repository:
    """A stranger, who has neither key nor filter, replaces the weights."""
    stranger = clone(made.remote.path, "stranger", "--no-checkout")
    stranger.git("read-tree", "HEAD")
    claims.plumb(stranger, NAME, content)
    stranger.git("push", "--quiet", "--no-verify", "origin", "main")
    return stranger


@pytest.mark.parametrize(
    "case",
    # Each kind of damage is told by the filter above; of what unlock says, every third will do.
    [
        pytest.param(case, marks=() if number % 3 == 0 else pytest.mark.long)
        for number, case in enumerate(DAMAGES)
    ],
)
def test_unlock_names_a_damaged_envelope_and_decrypts_the_rest(
    keyless: Established, clone: CloneFactory, case: str
) -> None:
    content = damaged(keyless, case)
    push_damage(keyless, clone, content)
    execute("git", "model", "install")
    newcomer = clone(keyless.remote.path, "newcomer")
    assert newcomer.read(NAME) == content
    claims.clean(newcomer)

    done = newcomer.model("unlock", "--key", str(keyless.key), check=False)

    claims.told(done, NAME, DAMAGES[case][1])
    claims.sound(newcomer)
    claims.no_plaintext(newcomer.path / NAME)
    for name in OTHERS:
        assert newcomer.read(name) == CONTENT[name], name
    claims.sealed(newcomer)


@pytest.mark.parametrize("case", ["cut in a segment", "a byte long", "reordered", "spliced"])
def test_a_pull_of_a_damaged_envelope_writes_nothing_of_it(
    made: Established, clone: CloneFactory, case: str
) -> None:
    stranger = push_damage(made, clone, damaged(made, case))
    done = made.repo.git.run("pull", "--quiet", check=False)
    claims.told(done, NAME, DAMAGES[case][1], status=None)
    claims.sound(made.repo)
    file = made.repo.path / NAME
    assert not file.exists() or file.read_bytes() == WEIGHTS
    # A second try, when the stranger has been put right.
    stranger.git("update-ref", "refs/heads/main", "HEAD^")
    stranger.git("push", "--quiet", "--force", "origin", "main")
    made.repo.git("reset", "--quiet", "--hard", "HEAD")
    claims.clean(made.repo)
    assert made.repo.read(NAME) == WEIGHTS


@pytest.mark.parametrize("case", ["cut in a segment", "spliced"])
def test_clone_with_the_key_stops_at_a_damaged_envelope(
    keyless: Established, clone: CloneFactory, tmp_path: Path, case: str
) -> None:
    push_damage(keyless, clone, damaged(keyless, case))
    done = claims.model(
        *("clone", str(keyless.remote.path), "new", "--key", str(keyless.key)), cwd=tmp_path
    )
    claims.told(done, NAME, DAMAGES[case][1])
    claims.no_plaintext(tmp_path / "new" / NAME)
    claims.sound(Repository(tmp_path / "new"))


def test_a_swapped_envelope_opens_and_is_not_verified(
    made: Established, clone: CloneFactory
) -> None:
    # The envelope binds no path: only the signature tells.
    push_damage(made, clone, made.repo.blob("HEAD:config.json"))
    said = made.repo.git.run("pull", "--quiet").stderr
    assert "is unverified" in said
    claims.told(made.repo.model("verify", check=False), NAME)
    claims.told(made.repo.model("verify", "HEAD", check=False), NAME)


def test_a_damaged_envelope_in_the_work_tree_is_not_added(made: Established) -> None:
    before = made.repo.git("rev-parse", f":{NAME}")
    for case, (_, what) in DAMAGES.items():
        content = damaged(made, case)
        made.repo.write(NAME, content)
        done = made.repo.git.run("add", NAME, check=False)
        assert made.repo.read(NAME) == content
        if case == "cut in the header":
            # 40 bytes that only begin like ours are somebody's file: it is encrypted.
            assert done.returncode == 0
            assert made.repo.blob(f":{NAME}") != content
            made.repo.git("reset", "--quiet")
        else:
            claims.told(done, NAME, what, status=None)
        assert made.repo.git("rev-parse", f":{NAME}") == before
    claims.sealed(made.repo)
    made.repo.git("checkout", "--quiet", "HEAD", "--", NAME)
    claims.clean(made.repo)


def test_every_guard_finds_a_damaged_envelope(made: Established, clone: CloneFactory) -> None:
    push_damage(made, clone, damaged(made, "spliced"))
    made.repo.git("fetch", "--quiet")
    claims.told(made.repo.model("audit", check=False), NAME, "spliced")
    claims.told(made.repo.model("verify", "origin/main", check=False), "stale signature", NAME)
    claims.told(made.repo.model("verify", "origin/main", "--encrypted", check=False), NAME)


def test_an_envelope_of_a_later_format_is_named_and_kept(
    keyless: Established, clone: CloneFactory
) -> None:
    content = bytearray(keyless.repo.blob(f"HEAD:{NAME}"))
    content[12] = 2
    push_damage(keyless, clone, bytes(content))
    execute("git", "model", "install")
    newcomer = clone(keyless.remote.path, "newcomer")
    done = newcomer.model("unlock", "--key", str(keyless.key), check=False)
    claims.told(done, "unknown envelope version 2", "newer git-model")
    for name in OTHERS:
        assert newcomer.read(name) == CONTENT[name]
