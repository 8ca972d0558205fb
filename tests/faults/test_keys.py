"""Key files that are none, and the wrong one."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import UNCHECKED
from tests.faults import claims
from tests.faults.conftest import CONTENT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Established
    from tests.fixtures.repositories import CloneFactory, Repository

NO_KEYS = {
    "empty": (b"", "0 bytes"),
    "one byte short": (b"\xff" * 31, "31 bytes"),
    "one byte long": (b"\xff" * 33, "33 bytes"),
    "long": (b"\xff" * 100_000, "more than 127 bytes"),
    "hexadecimal": (b"5a" * 32 + b"\n", "a text file"),
    "base64": (base64.b64encode(b"k" * 32) + b"\n", "a text file"),
    "text": (b"this is no key\n", "a text file"),
    "PEM": (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a PEM file"),
}


def test_a_file_that_is_no_key_is_told_and_changes_nothing(
    locked: Repository, tmp_path: Path
) -> None:
    for content, what in NO_KEYS.values():
        (tmp_path / "given").write_bytes(content)
        done = locked.model("unlock", "--key", "../given", check=False)
        claims.told(done, what, "an AES-256 key is 32 raw bytes", "hint: ")
        assert locked.git("config", "git-model.keyId", check=False) == ""
    claims.clean(locked)


@pytest.mark.parametrize("case", ["hexadecimal", "base64"])
def test_an_encoded_key_is_told_how_to_be_used(
    locked: Repository, tmp_path: Path, case: str
) -> None:
    (tmp_path / "given").write_bytes(NO_KEYS[case][0])
    done = locked.model("unlock", "--key", "../given", check=False)
    claims.told(done, "it looks encoded: pass it as GIT_MODEL_KEY")


def test_init_with_no_key_writes_nothing(repo: Repository, home: Path) -> None:
    repo.write("a.bin", claims.MARKER)
    before = repo.read(".git/config")
    for content, what in NO_KEYS.values():
        (repo.path.parent / "given").write_bytes(content)
        claims.told(repo.model("init", "--key", "../given", check=False), what)
        assert repo.read(".git/config") == before
        assert {path.name for path in repo.path.iterdir()} == {".git", "a.bin"}
        assert not (home / ".config" / "git-model" / "signing").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "no such file or directory"),
        (".", "is a directory"),
        ("config.json/key", "not a directory"),
        ("loop", "symbolic links"),
        ("n" * 300, "file name too long"),
    ],
)
def test_a_key_that_cannot_be_read_is_told_why(
    locked: Repository, name: str, reason: str
) -> None:
    (locked.path / "loop").symlink_to("loop")
    done = locked.model("unlock", "--key", name, check=False)
    claims.told(done, "cannot read the key", reason)
    locked.git("rm", "--quiet", "--cached", ".gitmodel")
    done = locked.model("init", "--key", name, check=False)
    claims.told(done, "cannot read the key", reason)


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_key_of_somebody_else_is_told(locked: Repository, keyless: Established) -> None:
    keyless.key.chmod(0)
    done = locked.model("unlock", "--key", str(keyless.key), check=False)
    claims.told(done, "cannot read the key: permission denied")


def test_a_key_that_others_can_read_is_a_warning(
    locked: Repository, keyless: Established
) -> None:
    keyless.key.chmod(0o644)
    done = locked.model("unlock", "--key", str(keyless.key))
    assert "warning: " in done.stderr
    assert f"chmod 600 {keyless.key}" in done.stderr
    kept = next((locked.path.parent.parent).rglob("git-model/keys/*"), None)
    assert kept is None or kept.stat().st_mode & 0o077 == 0
    assert locked.read("config.json") == CONTENT["config.json"]


def test_a_world_readable_key_in_the_keyring_is_a_symptom(
    made: Established, home: Path
) -> None:
    kept = home / ".config" / "git-model" / "keys" / made.key_id
    kept.chmod(0o644)
    done = made.repo.model("doctor", check=False)
    claims.told(done, "others can read", f"chmod 600 {kept}")


def test_the_wrong_key_names_both_ids_and_decrypts_nothing(
    locked: Repository, keyless: Established, tmp_path: Path
) -> None:
    other = tmp_path / "other.bin"
    made_text = locked.model("key", "generate", str(other)).stdout
    given = made_text.split()[-1]
    wanted = keyless.key_id
    done = locked.model("unlock", "--key", str(other), check=False)
    claims.told(done, f"is the key {given}", f"sealed under {wanted}", "hint: ")
    claims.clean(locked)
    claims.sealed(locked)
    assert claims.MARKER not in locked.read("config.json")
    locked.model("unlock", "--key", str(keyless.key))
    assert locked.read("config.json") == CONTENT["config.json"]
    claims.clean(locked)


def test_clone_with_the_wrong_key_leaves_a_locked_clone(
    keyless: Established, tmp_path: Path
) -> None:
    (tmp_path / "other.bin").write_bytes(bytes(32))
    done = claims.model(
        *("clone", str(keyless.remote.path), "new", "--key", "other.bin"), cwd=tmp_path
    )
    claims.told(done, "wrong key", keyless.key_id)
    assert not claims.holders([tmp_path / "new"])
    assert (
        claims.model("unlock", "--key", "../aes256.bin", cwd=tmp_path / "new").returncode == 0
    )
    assert (tmp_path / "new" / "config.json").read_bytes() == CONTENT["config.json"]


def test_junk_in_the_environment_adds_nothing_in_clear(
    made: Established, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.repo.write("new.bin", claims.MARKER * 2)
    for junk in ("junk", "zz" * 32, "5a" * 31, "\u00fc" * 40, "=" * 44):
        monkeypatch.setenv("GIT_MODEL_KEY", junk)
        said = claims.told(made.repo.git.run("add", "new.bin", check=False), status=None)
        assert "GIT_MODEL_KEY: not a key" in said
        assert junk not in said
        assert made.repo.git("ls-files", "new.bin") == ""
        for command in ("status", "unlock", "lock"):
            done = made.repo.model(command, check=False)
            said = claims.told(done, "GIT_MODEL_KEY: not a key", status=claims.failed(command))
            assert junk not in said
    claims.sealed(made.repo)
    monkeypatch.delenv("GIT_MODEL_KEY")
    made.repo.git("add", "new.bin")
    made.repo.git("commit", "--quiet", "-m", "again")
    claims.clean(made.repo)


def test_a_key_file_variable_that_names_nothing_is_told(
    made: Established, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_MODEL_KEY_FILE", "/nowhere/aes256.bin")
    made.repo.write("new.bin", claims.MARKER)
    done = made.repo.git.run("add", "new.bin", check=False)
    claims.told(done, "/nowhere/aes256.bin: cannot read the key", status=None)
    claims.sealed(made.repo)


def test_a_key_file_in_the_keyring_that_was_torn_is_told(made: Established, home: Path) -> None:
    kept = home / ".config" / "git-model" / "keys" / made.key_id
    whole = kept.read_bytes()
    for content in (whole[:16], bytes(32), b""):
        kept.write_bytes(content)
        made.repo.write("new.bin", claims.MARKER)
        claims.told(made.repo.git.run("add", "new.bin", check=False), str(kept), status=None)
        claims.told(made.repo.model("status", check=False), str(kept), status=UNCHECKED)
        claims.sealed(made.repo)
    kept.write_bytes(whole)
    made.repo.git("add", "new.bin")


def test_a_keyring_without_the_key_adds_nothing_in_clear(made: Established, home: Path) -> None:
    (home / ".config" / "git-model" / "keys" / made.key_id).unlink()
    made.repo.write("new.bin", claims.MARKER)
    done = made.repo.git.run("add", "new.bin", check=False)
    claims.told(done, f"the key {made.key_id} is not in the keyring", "unlock", status=None)
    assert made.repo.git("ls-files", "new.bin") == ""
    claims.sealed(made.repo)
    made.repo.model("unlock", "--key", str(made.key))
    made.repo.git("add", "new.bin")


@pytest.mark.parametrize("case", ["text", "PEM", "empty", "long"])
def test_a_signing_key_that_is_none_is_told(
    made: Established, tmp_path: Path, case: str
) -> None:
    (tmp_path / "given").write_bytes(NO_KEYS[case][0])
    for option in ("--signing-key", "--public-key"):
        done = made.repo.model("unlock", option, "../given", check=False)
        claims.told(done, "given")
    claims.clean(made.repo)


def test_a_failed_export_overwrites_no_key(made: Established) -> None:
    before = made.key.read_bytes()
    claims.told(made.repo.model("key", "export", str(made.key), check=False), "exists")
    claims.told(made.repo.model("key", "generate", str(made.key), check=False), "exists")
    assert made.key.read_bytes() == before


def test_a_clone_by_one_key_is_not_unlocked_by_its_presence(
    made: Established, clone: CloneFactory
) -> None:
    claims.model("install", cwd=made.repo.path)
    other = clone(made.remote.path, "other")
    assert claims.MARKER not in other.read("config.json")
    claims.clean(other)
