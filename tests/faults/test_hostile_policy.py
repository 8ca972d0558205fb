"""A `.gitmodel` that a stranger committed: refused by name, obeyed in nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import UNCHECKED
from tests.faults import claims
from tests.faults.conftest import CONTENT

if TYPE_CHECKING:
    from tests.faults.conftest import Established
    from tests.fixtures.repositories import CloneFactory, Repository

HEAD = b"[git-model]\n\tversion = 1\n"
MEGABYTE = 1 << 20

# what stands in it; its mode; what is said of it
HOSTILE: dict[str, tuple[bytes, str, str]] = {
    "an include": (HEAD + b"[include]\n\tpath = /tmp/evil\n", "100644", "include.path"),
    "a conditional include": (
        HEAD + b'[includeIf "gitdir:/"]\n\tpath = ../evil\n',
        "100644",
        "includeif",
    ),
    "a symlink": (b"../../etc/passwd", "120000", "mode 120000"),
    "executable": (HEAD, "100755", "mode 100755"),
    "a signature outside": (HEAD + b"[signing]\n\tsignature = ../x\n", "100644", "'../x'"),
    "a signature in .git": (HEAD + b"[signing]\n\tsignature = .git\n", "100644", "'.git'"),
    "a signature that is an option": (
        HEAD + b"[signing]\n\tsignature = --help\n",
        "100644",
        "'--help'",
    ),
    "a root outside": (HEAD + b"[signing]\n\troot = ../up\n", "100644", "'../up'"),
    "an absolute root": (HEAD + b"[signing]\n\troot = /etc\n", "100644", "'/etc'"),
    "a root in .git": (HEAD + b"[signing]\n\troot = a/.GIT/b\n", "100644", "'a/.GIT/b'"),
    "a pattern of two lines": (
        HEAD + b'[protect]\n\texclude = "x\\n* -filter"\n',
        "100644",
        "cannot be a pattern",
    ),
    "a macro": (
        HEAD + b'[protect]\n\tinclude = "[attr]git-model -filter"\n',
        "100644",
        "cannot be a pattern",
    ),
    "a key id that is a path": (
        HEAD + b"[protect]\n\tkeyid = ../../../../etc/passwd\n",
        "100644",
        "is not a key id",
    ),
    "an unknown key": (HEAD + b"[core]\n\tfsmonitor = /tmp/evil\n", "100644", "core.fsmonitor"),
    "an unknown key with an escape sequence": (
        HEAD + b'[protect "\x1b]0;owned\x07"]\n\tx = 1\n',
        "100644",
        "unknown key",
    ),
    "a later version": (b"[git-model]\n\tversion = 2\n", "100644", "newer git-model"),
    "no version": (b"", "100644", "format version missing"),
    "an unknown digest": (HEAD + b"[signing]\n\tdigest = md5\n", "100644", "'md5'"),
    "binary junk": (bytes(range(256)) * 9, "100644", ".gitmodel"),
    "NUL bytes": (HEAD + b"[protect]\n\tinclude = a\0b\n", "100644", ".gitmodel"),
    "too long": (HEAD + b"# " + b"x" * 65536, "100644", "more than 65536"),
    "16 MB": (b"\n" * (16 * MEGABYTE), "100644", "more than 65536"),
}


def push_policy(made: Established, clone: CloneFactory, case: str) -> None:
    stranger = clone(made.remote.path, "stranger", "--no-checkout")
    stranger.git("read-tree", "HEAD")
    content, mode, _ = HOSTILE[case]
    claims.plumb(stranger, ".gitmodel", content, mode)
    stranger.git("push", "--quiet", "--no-verify", "origin", "main")


def test_a_newcomer_is_told_and_nothing_is_set_up(
    locked: Repository, keyless: Established
) -> None:
    settings = locked.read(".git/config")
    for content, mode, what in HOSTILE.values():
        claims.plumb(locked, ".gitmodel", content, mode)
        locked.git("checkout", "--quiet", "--force", "HEAD", "--", ".gitmodel")

        done = locked.model("unlock", "--key", str(keyless.key), check=False)

        said = claims.told(done, ".gitmodel", what)
        assert "\x1b" not in said
        assert locked.read(".git/config") == settings
        assert not (locked.path / ".git" / "info" / "attributes").exists()
        assert claims.MARKER not in locked.read("config.json")
    claims.clean(locked)


@pytest.mark.parametrize("case", ["an include", "a symlink", "binary junk", "16 MB"])
def test_every_command_of_the_author_says_it_and_none_obeys(
    made: Established, clone: CloneFactory, case: str
) -> None:
    push_policy(made, clone, case)
    pulled = made.repo.git.run("pull", "--quiet")
    assert "unverified" in pulled.stderr
    assert "Traceback" not in pulled.stderr
    word = HOSTILE[case][2]

    claims.told(made.repo.model("verify", check=False), word, status=UNCHECKED)
    claims.told(made.repo.model("verify", "HEAD", check=False), word, status=UNCHECKED)
    claims.told(made.repo.model("init", check=False), word)
    status = made.repo.model("status", check=False)
    assert word in status.stdout + status.stderr
    assert "Traceback" not in status.stderr
    claims.told(made.repo.model("audit", check=False), ".gitmodel: what is protected")
    made.repo.write("config.json", b"changed " + claims.MARKER)
    made.repo.git("add", "config.json")  # the pinned policy still encrypts
    claims.sealed(made.repo)
    said = claims.told(made.repo.git.run("commit", "-m", "x", check=False), word, status=None)
    assert "hint: " in said

    # Branches can be left and entered: a hook that fails here would wedge them.
    made.repo.git("stash", "--quiet")
    made.repo.git("switch", "--quiet", "--detach", "HEAD^")
    made.repo.git("switch", "--quiet", "main")
    # Taking the policy back is all that it needs.
    made.repo.git("checkout", "--quiet", "HEAD^", "--", ".gitmodel")
    made.repo.git("stash", "pop", "--quiet")
    made.repo.git("add", "--all")
    made.repo.git("commit", "--quiet", "-m", "The policy again")
    claims.clean(made.repo)
    claims.sealed(made.repo)


def test_the_removal_of_the_policy_unprotects_nothing(
    made: Established, clone: CloneFactory
) -> None:
    stranger = clone(made.remote.path, "stranger", "--no-checkout")
    stranger.git("read-tree", "HEAD")
    stranger.git("update-index", "--force-remove", ".gitmodel", ".gitattributes")
    claims.commit(stranger)
    stranger.git("push", "--quiet", "--no-verify", "origin", "main")
    assert "unverified" in made.repo.git.run("pull", "--quiet").stderr

    made.repo.write("new.bin", claims.MARKER)
    made.repo.git("add", "new.bin")
    made.repo.git("commit", "--quiet", "-m", "new")
    claims.sealed(made.repo)
    claims.told(made.repo.model("verify", check=False), "unsigned")

    oid = made.repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=b"in clear")
    made.repo.git("update-index", "--add", "--cacheinfo", f"100644,{oid},clear.bin")
    done = made.repo.git.run("commit", "-m", "clear", check=False)
    claims.told(done, "clear.bin", "plaintext at a protected path")


@pytest.mark.parametrize(
    "attributes",
    [
        b"* -filter\n",
        b"* filter=cat\n[attr]git-model filter=cat\n",
        b"* !filter\nconfig.json filter=\n",
        b"* text eol=crlf working-tree-encoding=UTF-16 ident\n",
    ],
)
def test_hostile_attributes_unprotect_no_unlocked_clone(
    made: Established, clone: CloneFactory, attributes: bytes
) -> None:
    stranger = clone(made.remote.path, "stranger", "--no-checkout")
    stranger.git("read-tree", "HEAD")
    claims.plumb(stranger, ".gitattributes", attributes)
    claims.plumb(stranger, "sub/.gitattributes", attributes)
    stranger.git("push", "--quiet", "--no-verify", "origin", "main")
    made.repo.git("pull", "--quiet")
    made.repo.write("sub/vocab.txt", claims.MARKER + b"\nchanged\n")
    made.repo.write("sub/new.txt", claims.MARKER + b"\nnew\n")
    made.repo.git("add", "sub")
    assert claims.MARKER not in made.repo.blob(":sub/vocab.txt")
    claims.sealed(made.repo)
    assert made.repo.read("sub/new.txt") == claims.MARKER + b"\nnew\n"


def test_a_hostile_policy_does_not_reach_into_a_locked_clone(
    locked: Repository, keyless: Established
) -> None:
    claims.plumb(locked, ".gitmodel", HOSTILE["an include"][0])
    locked.git("checkout", "--quiet", "--", ".gitmodel")
    claims.clean(locked)
    claims.told(locked.model("unlock", "--key", str(keyless.key), check=False), "include.path")
    locked.git("checkout", "--quiet", "HEAD^", "--", ".gitmodel")
    locked.model("unlock", "--key", str(keyless.key))
    assert locked.read("config.json") == CONTENT["config.json"]
