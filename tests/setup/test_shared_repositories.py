"""Two users of one group work in a repository that `core.sharedRepository` shares."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.clone import database
from git_model_security.git import sharing
from git_model_security.trust import anchors
from tests.fixtures.hooks import opened
from tests.fixtures.isolation import GITCONFIG, OUTSIDE
from tests.fixtures.people import Person, is_sealed
from tests.fixtures.processes import execute, need, skip_or_fail
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

GROUP = 61000
LARGE = os.urandom(200_000)
RECORD = (
    "from git_model_security.clone import audit_log;"
    "from git_model_security.git.repository import Repository;"
    "audit_log.record(Repository.discover(), 'tried')"
)


@dataclass(frozen=True)
class User:
    """Somebody with an account of their own, and a umask.

    Attributes:
        uid: of the account.
        person: with the home.
        umask: octal digits.
        python: an interpreter that this account can run.
    """

    uid: int
    person: Person
    umask: str
    python: Path

    def run(
        self, where: Path, *words: str | Path, check: bool = True
    ) -> subprocess.CompletedProcess[Any]:
        """Runs a program under this account."""
        path = OUTSIDE.get("PATH", os.defpath)
        env = {**self.person.env, "PATH": path, "TMPDIR": str(self.person.home)}
        as_user = ("setpriv", f"--reuid={self.uid}", f"--regid={GROUP}", "--clear-groups")
        shell = ("sh", "-c", f'umask {self.umask}; exec "$@"', "sh")
        return execute(*as_user, *shell, *words, cwd=where, env=env, check=check)

    def git(self, where: Path, *words: str | Path) -> None:
        self.run(where, "git", *words)

    def model(self, where: Path, *words: str | Path) -> None:
        self.run(where, self.python, "-I", "-m", "git_model_security", *words)

    def record(self, where: Path) -> None:
        """Writes an event to the audit log."""
        self.run(where, self.python, "-I", "-c", RECORD)


@dataclass(frozen=True)
class Team:
    """Two of one group, and a directory that both write to."""

    ada: User
    bob: User
    place: Path


def reachable(directory: Path) -> Path:
    """Makes an environment like this one, over the system's Python.

    The one that runs the tests may lie in root's home, which others cannot enter.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = directory / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (packages / "tests.pth").write_text("\n".join(filter(os.path.isabs, sys.path)))
    (directory / "pyvenv.cfg").write_text("home = /usr/bin\n")
    python = directory / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(f"/usr/bin/{version}")
    return python


@pytest.fixture(params=["022", "077"])
def team(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    need("setpriv", "util-linux")
    if os.geteuid() != 0:
        skip_or_fail("only root can be two users")
    monkeypatch.delenv("GIT_TEMPLATE_DIR")  # others cannot enter the tests' directory
    with tempfile.TemporaryDirectory(prefix="git-model-team-", dir="/tmp") as name:
        top = Path(name)
        top.chmod(0o755)
        place = top / "place"
        place.mkdir()
        os.chown(place, 0, GROUP)
        place.chmod(0o2775)
        python = reachable(top / "env")
        users = []
        for uid, who in ((61001, "ada"), (61002, "bob")):
            home = top / who
            home.mkdir()
            shared = "[safe]\n\tdirectory = *\n"
            (home / ".gitconfig").write_text(GITCONFIG + shared)
            os.chown(home, uid, GROUP)
            home.chmod(0o755)
            users.append(User(uid, Person(who, home), request.param, python))
        asked = "import git_model_security.cli.main, blake3, cryptography.x509, model_signing"
        if users[0].run(top, python, "-I", "-c", asked, check=False).returncode:
            pytest.skip("another user cannot run this environment")
        yield Team(*users, place)


def assert_shared(directory: Path) -> None:
    """Fails where something below a directory is not for the whole group."""
    for path in (directory, *directory.rglob("*")):
        mode = path.stat().st_mode
        wanted = 0o2070 if stat.S_ISDIR(mode) else 0o040 if not mode & 0o200 else 0o060
        assert mode & wanted == wanted, f"{path}: {stat.filemode(mode)}"
        assert path.stat().st_gid == GROUP


def test_both_commit_in_one_work_tree(team: Team) -> None:
    need("git-lfs")
    ada, bob = team.ada, team.bob
    repo = Repository(team.place / "repo", ada.person.env)
    ada.git(team.place, "init", "--quiet", "--shared=group", "repo")
    repo.path.chmod(0o2775)
    ada.model(repo.path, "init", "--storage", "lfs", "--threshold", "64KiB")
    for who, name in ((ada, "one"), (bob, "two"), (ada, "three")):
        if who is bob:
            # The keys of one clone are the keys of all who work in it.
            shutil.copytree(ada.person.home / ".config", bob.person.home / ".config")
            for path in (bob.person.home / ".config").rglob("*"):
                os.chown(path, bob.uid, GROUP)
            os.chown(bob.person.home / ".config", bob.uid, GROUP)
            bob.model(repo.path, "unlock")
        for suffix in (".bin", ".safetensors"):
            content = name.encode() + (LARGE if suffix != ".bin" else b"")
            (repo.path / f"{name}{suffix}").write_bytes(content)
        who.git(repo.path, "add", f"{name}.bin", f"{name}.safetensors")
        who.git(repo.path, "commit", "--quiet", "-m", name)
        (repo.path / ".git" / "COMMIT_EDITMSG").unlink()  # Git leaves it to the umask
        who.record(repo.path)
        assert is_sealed(repo.blob(f"HEAD:{name}.bin"))
        who.model(repo.path, "status")
    assert len(repo.events()) == 3
    assert_shared(repo.path / ".git" / "git-model")
    assert_shared(repo.path / ".git" / "lfs")
    ada.model(repo.path, "lock")
    bob.model(repo.path, "unlock")
    assert (repo.path / "two.safetensors").read_bytes() == b"two" + LARGE


def test_both_push_to_one_server(team: Team) -> None:
    ada, bob = team.ada, team.bob
    server = Repository(team.place / "server.git", ada.person.env)
    ada.git(team.place, "init", "--quiet", "--bare", "--shared=group", "server.git")
    ada.model(server.path, "install", "--server", "--profile", "all")
    for who in (ada, bob, ada):
        clone = who.person.home / f"clone-{len(server.git('for-each-ref').splitlines())}"
        who.git(team.place, "clone", "--quiet", server.path, clone)
        (clone / "README.md").write_text(who.person.name)
        who.git(clone, "checkout", "--quiet", "-b", clone.name)
        refused = who.run(
            clone, "git", "-c", "user.name=x", "commit", "--allow-empty", "-qm", "x"
        )
        assert refused.returncode == 0
        who.git(clone, "push", "--quiet", "origin", clone.name)
        who.record(server.path)
    assert (server.path / "git-model" / "audit.log").read_text().count("\n") == 3
    assert_shared(server.path / "git-model")


@pytest.mark.parametrize(
    ("setting", "file_mode", "directory_mode"),
    [
        ("umask", 0o600, 0o700),
        ("false", 0o600, 0o700),
        ("group", 0o660, 0o2770),
        ("true", 0o660, 0o2770),
        ("1", 0o660, 0o2770),
        ("all", 0o664, 0o2775),
        ("everybody", 0o664, 0o2775),
        ("0640", 0o640, 0o2750),
        ("0600", 0o600, 0o700),
    ],
)
def test_permissions_are_those_that_git_gives(
    repo: Repository, setting: str, file_mode: int, directory_mode: int
) -> None:
    common = repo.path / ".git"
    repo.git("config", "core.sharedRepository", setting)
    directory = common / "made" / "below"
    sharing.make_directory(common, directory)
    file = common / "made" / "file"
    file.touch(0o600)
    sharing.adjust(common, file)
    assert stat.S_IMODE(file.stat().st_mode) == file_mode
    for made in (directory, directory.parent):
        assert stat.S_IMODE(made.stat().st_mode) == directory_mode
    # As Git itself, of a file that nobody may write.
    old = os.umask(0o077)
    try:
        repo.write("a", b"a")
        repo.git("add", "a")
    finally:
        os.umask(old)
    oid = repo.git("rev-parse", ":a")
    loose = common / "objects" / oid[:2] / oid[2:]
    file.chmod(0o400)
    sharing.adjust(common, file)
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(loose.stat().st_mode)
    assert stat.S_IMODE(loose.parent.stat().st_mode) == directory_mode


def test_nothing_outside_is_given_permissions(repo: Repository, tmp_path: Path) -> None:
    common = repo.path / ".git"
    repo.git("config", "core.sharedRepository", "group")
    state = common / "git-model"
    sharing.make_directory(common, state / "below")
    outside = tmp_path / "outside"
    outside.mkdir(0o700)
    for file in (state / "file", state / "below" / "file", outside / "file"):
        file.touch(0o600)
    for name, target in (("none", "gone"), ("file", "file"), ("directory", "")):
        (state / f"link-{name}").symlink_to(outside / target)
    linked = common / "linked"
    linked.symlink_to(outside)
    before = [path.stat().st_mode for path in (outside, outside / "file")]
    for directory in (state, linked, common / "gone"):
        sharing.adjust_below(common, directory)
    assert [path.stat().st_mode for path in (outside, outside / "file")] == before
    for file in (state / "file", state / "below" / "file"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o660


def test_what_is_gone_by_now_needs_no_permissions(repo: Repository) -> None:
    repo.git("config", "core.sharedRepository", "group")
    sharing.adjust(repo.path / ".git", repo.path / ".git" / "git-model" / "memory.db-wal")


def test_what_configures_all_can_be_read_by_all(repo: Repository, tmp_path: Path) -> None:
    repo.git("config", "core.sharedRepository", "group")
    root = tmp_path / "root.pem"
    root.write_bytes(b"a root")
    old = os.umask(0o077)
    try:
        kept = anchors.chosen(opened(repo), anchors.keep(opened(repo), root))
    finally:
        os.umask(old)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o660
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o2770


def test_a_memory_that_is_made_again_stays_shared(repo: Repository) -> None:
    repo.git("config", "core.sharedRepository", "group")
    memory = opened(repo).state_dir / database.NAME
    memory.write_bytes(b"damaged" * 1000)
    old = os.umask(0o077)
    try:
        database.Memory(opened(repo))
    finally:
        os.umask(old)
    assert stat.S_IMODE(memory.stat().st_mode) == 0o660
