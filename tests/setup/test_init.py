"""`git model init`: new and existing repositories, given keys, profiles, refusals."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.histories import MODEL
from tests.fixtures.hooks import snapshot
from tests.fixtures.people import assert_clean, assert_signed, is_sealed
from tests.fixtures.processes import execute, need

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository


def is_protected(repo: Repository, path: str) -> bool:
    return repo.git("check-attr", "filter", "--", path).endswith(": git-model")


def test_a_new_repository_needs_no_argument(repo: Repository, home: Path) -> None:
    said = repo.model("init")

    keys = list((home / ".config/git-model/keys").iterdir())
    assert [key.stat().st_size for key in keys] == [32]
    assert [oct(key.stat().st_mode & 0o777) for key in keys] == ["0o600"]
    assert len(list((home / ".config/git-model/signing").glob("*.pem"))) == 1
    assert repo.status() == "A  .gitattributes\nA  .gitmodel"
    assert "filter=git-model" in repo.read(".git/info/attributes").decode()
    assert keys[0].name in said.stdout
    assert "git model key export" in said.stdout
    repo.write("model.safetensors", MODEL)
    repo.commit()
    assert_clean(repo)
    assert_signed(repo)
    assert is_sealed(repo.blob("HEAD:model.safetensors"))


def test_init_shows_what_will_be_encrypted_before_it_writes(repo: Repository) -> None:
    repo.write("model.safetensors", MODEL)
    repo.write(".github/workflows/ci.yml", "on: push\n")
    repo.write("train.py", "pass\n")

    said = repo.model("init").stdout

    encrypted, clear = said.split("Will stay clear (2):")
    assert "Will be encrypted (1):\n  model.safetensors\n" in encrypted
    assert clear.startswith("\n  .github/workflows/ci.yml\n  train.py\n")
    assert said.index("Will be encrypted") < said.index("AES-256 key")


def test_init_again_changes_nothing(repo: Repository, home: Path) -> None:
    repo.write("model.bin", MODEL)
    repo.model("init")
    repo.commit()
    before = snapshot(repo.path, home)

    said = repo.model("init")

    assert "set up already" in said.stderr
    after = snapshot(repo.path, home)
    assert {path for path in before | after if before.get(path) != after.get(path)} == set()


def test_init_again_says_that_it_changes_no_decision(repo: Repository) -> None:
    repo.model("init", "--profile", "all")
    repo.commit()
    refused = repo.model("init", "--profile", "weights", check=False)
    assert refused.returncode == 2
    assert "git-model: error: --profile: this repository is set up already" in refused.stderr


@pytest.mark.parametrize("form", ["SEC1 with parameters", "SEC1", "PKCS#8"])
def test_keys_made_with_dd_and_openssl_are_used(
    repo: Repository, tmp_path: Path, form: str
) -> None:
    need("openssl")
    aes, private, public = (tmp_path / name for name in ("aes256.bin", "key.priv", "key.pub"))
    execute("dd", "if=/dev/urandom", f"of={aes}", "bs=32", "count=1")
    aes.chmod(0o600)
    parameters = [] if form == "SEC1 with parameters" else ["-noout"]
    curve = ("-name", "prime256v1")
    execute("openssl", "ecparam", "-genkey", *curve, *parameters, "-out", private)
    if form == "PKCS#8":
        done = execute("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", private)
        private.write_text(done.stdout)
    private.chmod(0o600)
    assert ("BEGIN EC PARAMETERS" in private.read_text()) == (form == "SEC1 with parameters")
    execute("openssl", "ec", "-in", private, "-pubout", "-out", public)
    repo.write("model.bin", b"weights")

    said = repo.model("init", "--key", str(aes), "--signing-key", str(private))
    repo.commit()

    assert "warning" not in said.stderr
    repo.model("verify", "--public-key", str(public))
    copy = tmp_path / "copy.bin"
    repo.model("key", "export", str(copy))
    assert copy.read_bytes() == aes.read_bytes()


def test_a_key_file_that_others_can_read_is_used_with_a_warning(
    repo: Repository, tmp_path: Path
) -> None:
    aes = tmp_path / "aes256.bin"
    aes.write_bytes(os.urandom(32))
    aes.chmod(0o644)
    said = repo.model("init", "--key", str(aes))
    assert f"git-model: warning: {aes}: others than you can read this key" in said.stderr


def test_a_key_file_that_is_no_key_leaves_nothing_behind(
    repo: Repository, tmp_path: Path, home: Path
) -> None:
    wrong = tmp_path / "key"
    wrong.write_text("secret\n")
    before = snapshot(repo.path, home)
    refused = repo.model("init", "--key", str(wrong), check=False)
    assert refused.returncode == 1
    assert "an AES-256 key is 32 raw bytes" in refused.stderr
    assert snapshot(repo.path, home) == before


def test_tracked_plaintext_is_encrypted_in_the_same_step_and_changes_stay_unstaged(
    repo: Repository,
) -> None:
    repo.write("model.bin", b"version 1")
    repo.write("config.json", "{}\n")
    repo.git("add", "--all")
    repo.write("model.bin", b"version 2")

    repo.model("init")

    for name in ("model.bin", "config.json"):
        assert is_sealed(repo.blob(f":{name}"))
    assert repo.read("model.bin") == b"version 2"
    assert repo.git("diff", "--name-only") == "model.bin"
    assert repo.blob(":model.bin") != b"version 1"
    repo.git("commit", "--quiet", "--message", "First")
    assert_signed(repo)
    repo.git("restore", "model.bin")
    assert repo.read("model.bin") == b"version 1"
    assert_clean(repo)


def test_plaintext_in_the_history_is_refused_and_nothing_is_written(
    repo: Repository, home: Path
) -> None:
    repo.write("model.bin", b"plain weights")
    first = repo.commit()
    repo.git("rm", "--quiet", "model.bin")
    repo.git("commit", "--quiet", "--message", "Remove it")
    repo.write("other.txt", "text")
    before = snapshot(repo.path / ".git/config", repo.path / ".git/hooks", home)

    refused = repo.model("init", check=False)

    assert refused.returncode == 1
    assert "model.bin" in refused.stdout
    assert first[:10] in refused.stdout
    assert "--accept-plaintext-history" in refused.stderr
    assert snapshot(repo.path / ".git/config", repo.path / ".git/hooks", home) == before
    assert repo.status() == "?? other.txt"


def test_plaintext_in_the_history_of_another_branch_is_found(repo: Repository) -> None:
    repo.write("train.py", "pass\n")
    repo.commit()
    repo.git("switch", "--quiet", "--create", "experiment")
    repo.write("model.safetensors", MODEL)
    repo.commit()
    repo.git("switch", "--quiet", "main")
    refused = repo.model("init", check=False)
    assert refused.returncode == 1
    assert "model.safetensors" in refused.stdout


def test_plaintext_in_the_history_can_be_accepted(repo: Repository) -> None:
    repo.write("model.bin", b"plain weights")
    repo.commit()

    said = repo.model("init", "--accept-plaintext-history")

    assert "encrypted 1 tracked file in the index" in said.stderr
    assert "warning: the history keeps 1 of them in clear" in said.stderr
    assert "a push is refused until `git model migrate`" in said.stderr
    assert is_sealed(repo.blob(":model.bin"))
    repo.git("commit", "--quiet", "--message", "Encrypt")
    assert_clean(repo)
    assert_signed(repo)


@pytest.mark.parametrize(
    ("files", "profile"),
    [
        (["model.safetensors", "README.md"], "all"),
        (["model.safetensors", "train.py"], "all-but-source"),
        (["model.bin", ".github/workflows/test.yml"], "all-but-source"),
    ],
)
def test_the_profile_fits_what_is_there(
    repo: Repository, files: list[str], profile: str
) -> None:
    for name in files:
        repo.write(name, "content")
    assert f"Profile: {profile}\n" in repo.model("init").stdout
    assert is_protected(repo, files[0])
    assert is_protected(repo, "README.md") == (profile == "all")
    assert not is_protected(repo, ".github/workflows/test.yml")


def test_patterns_with_blanks_and_quotes_are_honoured(
    repo: Repository, remote: Repository
) -> None:
    included = ["my data/*.csv", 'a "quoted" name.txt', "back\\\\slash.txt", "größe.txt"]
    names = ["my data/x.csv", 'a "quoted" name.txt', "back\\slash.txt", "größe.txt"]
    for name in (*names, "clear one.bin", "#hash.bin", "train.py"):
        repo.write(name, f"content of {name}")
    options = [word for pattern in included for word in ("--include", pattern)]
    excluded = ("--exclude", "clear one.bin", "--exclude", "#hash.bin")

    repo.model("init", "--profile", "weights", *options, *excluded)
    repo.commit()
    repo.model("init", "--profile", "weights", *options, *excluded)

    for name in names:
        assert is_sealed(repo.blob(f"HEAD:{name}")), name
    for name in ("clear one.bin", "#hash.bin", "train.py"):
        assert repo.blob(f"HEAD:{name}") == f"content of {name}".encode()
    # What is committed says the same as what is pinned.
    pinned = repo.path / ".git/info/attributes"
    pinned.unlink()
    assert all(is_protected(repo, name) for name in names)
    assert not is_protected(repo, "#hash.bin")


def test_a_pattern_that_could_not_stand_in_attributes_is_refused(repo: Repository) -> None:
    for pattern in ("!negated", "[attr]macro", "line\nfeed"):
        refused = repo.model("init", "--include", pattern, check=False)
        assert refused.returncode == 1, pattern
        assert "cannot be a pattern" in refused.stderr
    assert repo.status() == ""


HUGGING_FACE = """\
*.bin filter=lfs diff=lfs merge=lfs -text
*.safetensors filter=lfs diff=lfs merge=lfs -text
saved_model/**/* filter=lfs diff=lfs merge=lfs -text
*tfevents* filter=lfs diff=lfs merge=lfs -text"""


def test_the_attributes_of_a_hugging_face_model_are_outranked(repo: Repository) -> None:
    repo.write(".gitattributes", HUGGING_FACE)  # without a last line feed
    repo.write("pytorch_model.bin", b"weights")
    repo.write("saved_model/variables/v.index", b"variables")

    repo.model("init")
    repo.commit()

    assert repo.read(".gitattributes").startswith(f"{HUGGING_FACE}\n".encode())
    for name in ("pytorch_model.bin", "saved_model/variables/v.index"):
        assert is_protected(repo, name)
        assert is_sealed(repo.blob(f"HEAD:{name}"))
    assert_clean(repo)


def test_nested_attributes_take_no_protection_away(repo: Repository) -> None:
    repo.write("sub/.gitattributes", "*.bin !filter -text\n")
    repo.write("sub/model.bin", b"weights")
    repo.model("init")
    repo.commit()
    assert is_sealed(repo.blob("HEAD:sub/model.bin"))


def test_a_second_person_is_told_to_unlock(project_clone: Repository) -> None:
    refused = project_clone.model("init", check=False)
    assert refused.returncode == 1
    assert "git model unlock --key FILE" in refused.stderr


@pytest.fixture
def project_clone(repo: Repository, tmp_path: Path) -> Repository:
    repo.write("model.bin", b"weights")
    repo.model("init")
    repo.commit()
    clone = tmp_path / "second"
    execute("git", "clone", "--quiet", repo.path, clone)
    return type(repo)(clone)


def test_loose_compression_is_set_only_where_nobody_chose(repo: Repository) -> None:
    repo.git("config", "core.compression", "9")
    repo.model("init")
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(("git", "config", "core.looseCompression"), cwd=repo.path, check=True)


def test_loose_compression_is_set_and_said(repo: Repository) -> None:
    said = repo.model("init")
    assert "set core.looseCompression=0" in said.stderr
    assert repo.git("config", "core.looseCompression") == "0"


def test_model_roots_are_signed_each(repo: Repository) -> None:
    repo.write("a/model.bin", b"a")
    repo.write("b b/model.bin", b"b")
    repo.write("tool.py", "pass\n")
    repo.model("init", "--model-root", "a", "--model-root", "b b/")
    repo.commit()
    names = set(repo.git("ls-files", "-z").split("\0"))
    assert {"a/model.sig", "a/.model-encrypted.sig", "b b/model.sig"} <= names
    assert "model.sig" not in names
    assert_clean(repo)
    repo.model("verify")
    repo.model("verify", "HEAD")
