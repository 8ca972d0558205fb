"""A stranger's repository that brings its own Python modules: none of them is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import claims
from tests.faults.conftest import CONTENT
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Established

MODULES = (
    *(
        "json.py",
        "click.py",
        "sitecustomize.py",
        "usercustomize.py",
        "hashlib.py",
        "sqlite3.py",
    ),
    *("blake3.py", "tempfile.py", "encodings.py", "subprocess.py", "model_signing.py"),
    *("git_model_security/__init__.py", "git_model_security/__main__.py", "rich/__init__.py"),
    *("cryptography/__init__.py", "sub/json.py"),
)
ENVIRONMENTS = {
    "PYTHONPATH=:": {"PYTHONPATH": ":"},
    "all of them": {
        "PYTHONPATH": ":.:sub",
        "PYTHONHOME": ".",
        "PYTHONSTARTUP": "json.py",
        "PYTHONINSPECT": "",
        "PYTHONUSERBASE": ".",
        "PYTHONSAFEPATH": "",
        "PYTHONBREAKPOINT": "json.x",
    },
}


@pytest.mark.parametrize(
    "case", [pytest.param("PYTHONPATH=:", marks=pytest.mark.long), "all of them"]
)
def test_no_command_filter_or_hook_imports_what_the_repository_holds(
    made: Established, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    trap = tmp_path / "imported"
    stranger = tmp_path / "stranger"
    execute("git", "clone", "--quiet", "--no-checkout", made.remote.path, stranger)
    execute("git", "-C", stranger, "read-tree", "HEAD")
    for name in MODULES:
        claims.plumb(
            Repository(stranger),
            name,
            b"open(%r, 'a').write(__file__ + '\\n')\n" % str(trap).encode(),
        )
    execute("git", "-C", stranger, "push", "--quiet", "--no-verify", "origin", "HEAD:main")
    execute("git", "model", "install")
    for name, value in ENVIRONMENTS[case].items():
        monkeypatch.setenv(name, value)

    path = tmp_path / "clone"
    execute("git", "clone", "--quiet", made.remote.path, path)
    repo = Repository(path)
    monkeypatch.chdir(path)
    repo.git("model", "status", check=False)  # the stranger's files stand there in clear
    repo.git("model", "unlock", "--public-key", str(made.public))
    assert repo.read("config.json") == CONTENT["config.json"]
    # Without her key, which would refuse to sign what the stranger brought.
    repo.git("config", "--unset", "git-model.signingKey")
    for words in ("status", "verify", "audit", "doctor", "key list", "verify HEAD", "sign"):
        repo.git("model", *words.split(), check=False)
    repo.write("config.json", b"changed " + claims.MARKER)
    for words in ("diff", "add config.json", "commit -m x", "log -p -1", "stash list"):
        repo.git(*words.split())
    repo.git("switch", "--quiet", "--create", "side", "HEAD^")
    repo.write("sub/vocab.txt", b"one\nthree\n")
    repo.git("commit", "--quiet", "--all", "-m", "side")
    repo.git("merge", "--quiet", "main", "-m", "merged")
    repo.git("rebase", "--quiet", "main", check=False)
    repo.git("push", "--quiet", "origin", "side:side")
    # The stranger's files stand there in clear, so lock takes them for changes.
    repo.git("model", "lock", check=False)
    assert not trap.exists(), trap.read_text()
    claims.sealed(repo, made.remote)


def test_a_python_directory_of_the_user_is_not_searched_either(
    made: Established, home: Path, tmp_path: Path
) -> None:
    # `python -I` looks into no user site directory: what pip put there is not run.
    trap = tmp_path / "imported"
    code = f"open({str(trap)!r}, 'a').write('x')\n"
    for version in ("python3.11", "python3.12", "python3.13", "python3.14"):
        directory = home / ".local" / "lib" / version / "site-packages"
        directory.mkdir(parents=True)
        (directory / "evil.pth").write_text(f"import sys; {code}")
        (directory / "usercustomize.py").write_text(code)
    made.repo.write("config.json", b"changed")
    made.repo.commit()
    assert not trap.exists()
