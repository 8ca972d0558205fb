"""Where secrets must not go: other programs' environment and arguments, `.git`, `$TMPDIR`."""

from __future__ import annotations

import base64
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.faults import claims
from tests.faults.conftest import CONTENT
from tests.fixtures.hooks import script

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Established

PASSWORD = "correct-horse-battery"
TOKENS = (
    "SIGSTORE_ID_TOKEN",
    "SIGSTORE_OIDC_CLIENT_SECRET",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "CIRCLE_OIDC_TOKEN",
    "ANOTHER_AUDIENCE_ID_TOKEN",
)
HOOKS = (
    "post-commit",
    "post-checkout",
    "post-rewrite",
    "post-index-change",
    "reference-transaction",
)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that a stand-in for git writes its arguments and environment to."""
    file = tmp_path / "log"
    real = shutil.which("git")
    script(
        tmp_path / "tools" / "git",
        f'{{ printf "argument %s\\n" "$@"; env; }} >>"{file}"\nexec "{real}" "$@"\n',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}/tools{os.pathsep}{os.environ['PATH']}")
    return file


def test_no_program_that_we_start_sees_a_secret_of_signing(
    made: Established, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    (own,) = (home / ".config" / "git-model" / "signing").glob("*.pem")
    private = own.read_text()
    spy = tmp_path / "spied"
    for hook in HOOKS:
        path = made.repo.path / ".git" / "hooks" / hook
        ours = path.with_name(f"{hook}.before-git-model") if path.exists() else path
        script(ours, f'env >>"{spy}"\n')
    made.repo.write("config.json", b"one")
    made.repo.git("add", "config.json")
    # From here on: a hook of a Git that the user starts has the user's environment.
    spy.unlink()
    log.unlink()
    monkeypatch.setenv("SIGNING_PRIVATE_KEY", private)
    for name in TOKENS:
        monkeypatch.setenv(name, "id-token-secret")
    monkeypatch.setenv("GIT_MODEL_SIGNING_KEY_PASSWORD", PASSWORD)
    monkeypatch.setenv("GIT_MODEL_PKCS11_PIN", PASSWORD)
    for words in ("status", "sign", "sign --amend", "verify", "audit", "lock", "unlock"):
        made.repo.model(*words.split())
    made.repo.model("clone", str(made.remote.path), "../new")
    assert "HOME=" in spy.read_text()
    assert log.read_text().count("argument ") > 50
    for secret in (PASSWORD, private.splitlines()[1], "id-token-secret"):
        assert secret not in spy.read_text()
        assert secret not in log.read_text()


def test_no_key_stands_in_an_argument(
    made: Established, log: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    raw = made.key.read_bytes()
    text = base64.b64encode(raw).decode()
    monkeypatch.setenv("GIT_MODEL_KEY", text)
    made.repo.write("config.json", b"one")
    made.repo.commit("One")
    for words in ("status", "verify", "lock", "unlock", "doctor", "sign --amend", "audit"):
        made.repo.model(*words.split(), check=False)
    arguments = [line for line in log.read_text().splitlines() if line.startswith("argument ")]
    assert len(arguments) > 50
    for secret in (text, raw.hex(), "PRIVATE KEY"):
        assert not [line for line in arguments if secret in line]
    # What is not of the filter does not get the key in its environment either.
    for call in log.read_text().split("argument cat-file\n")[1:]:
        assert text not in call.split("argument ")[1], call[:2000]


def test_plaintext_stands_in_no_object_nor_file_of_git_nor_in_tmpdir(
    made: Established, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    repo, vocabulary = made.repo, CONTENT["sub/vocab.txt"]

    def nothing_leaked() -> None:
        claims.sealed(repo)
        assert not claims.holders([temporary])
        assert not list(temporary.iterdir())

    repo.write("sub/vocab.txt", vocabulary + b"stashed\n")
    repo.git("stash", "--quiet", "--include-untracked")
    nothing_leaked()
    repo.git("stash", "pop", "--quiet")
    repo.commit("Ours")
    nothing_leaked()
    repo.git("diff", "HEAD^", "--", "sub")
    repo.git("switch", "--quiet", "--create", "theirs", "HEAD^")
    repo.write("sub/vocab.txt", vocabulary + b"conflicting\n")
    repo.write("model.safetensors", os.urandom(20 << 20) + claims.MARKER)
    repo.commit("Theirs")
    nothing_leaked()
    claims.told(repo.git.run("merge", "main", check=False), "CONFLICT", status=None)
    assert b"<<<<<<<" in repo.read("sub/vocab.txt")
    nothing_leaked()
    repo.write("sub/vocab.txt", vocabulary + b"both\n")
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "-m", "Merged")
    nothing_leaked()
    repo.git("cherry-pick", "--no-commit", "main", check=False)
    repo.git("reset", "--quiet", "--hard")
    repo.git("rebase", "--quiet", "main", check=False)
    repo.git("rebase", "--abort", check=False)
    nothing_leaked()
    # A failed add, a failed unlock and a lock leave nothing either.
    envelope = repo.blob("HEAD:model.safetensors")
    repo.write("lookalike.bin", envelope[:5000] + claims.MARKER)
    claims.told(repo.git.run("add", "lookalike.bin", check=False), status=None)
    nothing_leaked()
    (repo.path / "lookalike.bin").unlink()
    for words in ("status", "verify", "lock", "unlock"):
        repo.model(*words.split())
        nothing_leaked()
    repo.git("gc", "--quiet", "--prune=now")
    nothing_leaked()
    claims.clean(repo)
