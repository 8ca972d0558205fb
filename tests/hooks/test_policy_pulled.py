"""Whatever is pulled, what this clone protects is committed as ciphertext or not at all.

Mallory can push. Ada pulls, edits, adds and commits as on any day. Each case says
whether her commit must go through: an attack must not stop honest work either, except
where nobody can tell what she means.
"""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.copies import copied
from tests.fixtures.people import is_sealed
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.fixtures.people import Project, Publication

    Deed = Callable[[Repository], object]

MARKER = b"TOP-SECRET"
SECRET = b'{"words": "' + MARKER + b' and enough of them to be told from chance, by far"}\n'
EDITED = ("config.json", "weights/params.json", "weights/new/vocab.json")
POLICY = "[git-model]\n\tversion = 1\n[protect]\n\tprofile = weights\n"


@pytest.fixture(scope="module")
def pulled(publication: Publication, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    """What Ada published, with a directory that is protected too, and Mallory's clone."""
    made = publication.again(tmp_path_factory.mktemp("pulled"))
    ada = made.project.ada
    ada.write("weights/params.json", b'{"layers": 1}\n')
    ada.commit("Weights")
    ada.git("push", "--quiet")
    execute("git", "clone", "--quiet", "remote.git", "mallory", cwd=made.directory, env=ada.env)
    mallory = Repository(made.directory / "mallory")
    mallory.git("config", "core.hooksPath", os.devnull)
    return made


@pytest.fixture
def project(pulled: Publication, home: Path, tmp_path: Path) -> Project:
    return pulled.copy(tmp_path, home)


@pytest.fixture
def ada(project: Project) -> Repository:
    """Ada's repository, with a directory that is protected too."""
    return project.ada


@pytest.fixture
def mallory(pulled: Publication, ada: Repository, tmp_path: Path) -> Repository:
    """A stranger's clone of what she pushed, where nothing of git-model runs."""
    assert ada.status() == ""
    made = copied(pulled.directory / "mallory", tmp_path / "mallory")
    made.git("remote", "set-url", "origin", str(tmp_path / "remote.git"))
    return made


def published(mallory: Repository) -> None:
    mallory.git("add", "--all", "--force")
    mallory.git("commit", "--quiet", "--allow-empty", "--message", "Innocent")
    mallory.git("push", "--quiet")


def plumbed(repo: Repository, path: str, text: str, mode: str = "100644") -> None:
    """Stages a file past all filters and attributes."""
    oid = repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=text)
    repo.git("update-index", "--add", "--cacheinfo", f"{mode},{oid},{path}")


def edited(ada: Repository, paths: tuple[str, ...] = EDITED) -> bool:
    """Ada's day; tells whether she could commit, once she vouched for what came in."""
    for path in paths:
        # A link may stand in its place, or in that of a directory.
        if not any(one.is_symlink() for one in (ada.path / path, (ada.path / path).parent)):
            ada.write(path, SECRET)
    added = ada.git.run("add", "--all", check=False)
    before = ada.git("rev-parse", "HEAD")
    done = committed(ada)
    if "without a trusted signature" in done.stderr:
        ada.model("sign", "--adopt", ".", check=False)
        done = committed(ada)
    after = ada.git("rev-parse", "HEAD")
    assert_sealed(ada)
    if before == after:
        said = added.stderr + done.stderr
        assert "git-model: hint: " in said or added.returncode, said
    return before != after


def committed(repo: Repository) -> subprocess.CompletedProcess[Any]:
    return repo.git.run("commit", "--quiet", "--message", "My work", check=False)


def assert_sealed(repo: Repository) -> None:
    listed = repo.git("ls-tree", "-r", "-z", "HEAD").split("\0")
    for line in filter(None, listed):
        facts, path = line.split("\t", 1)
        mode, _, oid = facts.split()
        if mode != "160000":
            content = repo.git.run("cat-file", "blob", oid, text=False).stdout
            assert MARKER not in content, path


ATTRIBUTES = {
    "taken away": "* -filter\n",
    "unspecified": "* !filter\n",
    "another driver": "* filter=other\n",
    "an empty driver": "* filter=\n",
    "the driver of git-lfs": "* filter=lfs diff=lfs merge=lfs -text\n",
    "ident": "* ident\n",
    "an encoding": "* text working-tree-encoding=UTF-16\n",
    "line ends": "* text eol=crlf\n",
    "binary": "* binary -filter\n",
    "a macro": "[attr]secret -filter -diff\n* secret\n",
    "a macro of our name": "[attr]git-model -filter\n[attr]filter -filter\n* git-model\n",
    "a merge driver": "* merge=ours -filter\n",
    "letter case": "*.JSON -filter\n*.Json -filter\nCONFIG.* -filter\n",
}


@pytest.mark.parametrize("folds", [False, True], ids=["exact", "folding"])
def test_no_pulled_attributes_unprotect(
    ada: Repository, mallory: Repository, folds: bool
) -> None:
    ada.git("config", "core.ignoreCase", str(folds).lower())
    for name, text in ATTRIBUTES.items():
        nested = "\n".join(line for line in text.splitlines() if not line.startswith("[attr]"))
        plumbed(mallory, ".gitattributes", text)
        if folds:
            plumbed(mallory, ".GITATTRIBUTES", text)
        for directory in ("weights", "weights/new"):
            plumbed(mallory, f"{directory}/.gitattributes", f"{nested}\n")
        mallory.git("commit", "--quiet", "--message", name)
        mallory.git("push", "--quiet")
        ada.git("pull", "--quiet")
        for path in EDITED:
            ada.write(path, SECRET)
        ada.git("add", "--all")
        assert all(is_sealed(ada.blob(f":{path}")) for path in EDITED), name
        # Nothing was converted on the way either.
        ada.git("rm", "--quiet", "-r", "--force", "weights/params.json", "config.json")
        ada.git("reset", "--quiet", "--hard")
        assert b"layers" in ada.read("weights/params.json"), name
        changed = ada.status().replace(" M .GITATTRIBUTES", "")
        assert changed == "", name
    assert edited(ada)
    assert all(is_sealed(ada.blob(f"HEAD:{path}")) for path in EDITED)


def without(path: str) -> Deed:
    return lambda repo: (repo.path / path).unlink()


def policy(text: str) -> Deed:
    def deed(repo: Repository) -> None:
        repo.write(".gitmodel", text)
        repo.write(".gitattributes", "# nothing\n")

    return deed


def linked(repo: Repository) -> None:
    repo.write("rules", "* -filter\n")
    (repo.path / ".gitattributes").unlink()
    (repo.path / ".gitattributes").symlink_to("rules")


def linked_below(repo: Repository) -> None:
    repo.write("rules", "* -filter\n")
    (repo.path / "weights" / ".gitattributes").symlink_to("../rules")


def moved(repo: Repository) -> None:
    repo.git("mv", "config.json", "config.txt")
    repo.git("mv", "weights", "words")


def directory_is_a_link(repo: Repository) -> None:
    repo.git("rm", "--quiet", "-r", "weights")
    repo.write("words/params.txt", "words\n")
    (repo.path / "weights").symlink_to("words")


def directory_is_a_submodule(repo: Repository) -> None:
    repo.git("rm", "--quiet", "-r", "weights")
    head = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},weights")
    repo.write(".gitmodules", '[submodule "weights"]\n\tpath = weights\n\turl = ./x\n')
    (repo.path / "weights").mkdir(exist_ok=True)


def in_clear(repo: Repository) -> None:
    repo.write("config.json", "words in clear\n")
    repo.write("weights/params.json", "words in clear\n")
    repo.write(".gitmodel", POLICY + "\tuntracked = *.json\n")
    repo.write(".gitattributes", "*.json -filter\n")


KEPT = """[git-model]
\tversion = 1
[protect]
\tprofile = {}
[signing]
\tsignature = {}
\troot = {}
"""

# what Mallory does; whether Ada's commit must go through
DEEDS: dict[str, tuple[Deed, bool]] = {
    "no attributes": (without(".gitattributes"), True),
    "attributes through a link": (linked, False),
    "attributes through a link below": (linked_below, False),
    "no policy": (without(".gitmodel"), True),
    "an empty policy": (policy(""), False),
    "a policy without patterns": (policy("[git-model]\n\tversion = 1\n"), True),
    "all is excluded": (policy(POLICY + '\texclude = "**"\n'), True),
    "all was untracked": (policy(POLICY + '\tuntracked = "**"\n'), True),
    "untracked, and clear already": (in_clear, True),
    "another profile": (policy(KEPT.format("all", "model.sig", ".")), True),
    "a signature named as a model file": (
        policy(KEPT.format("weights", "config.json", ".")),
        False,
    ),
    "a signature named as a new file": (
        policy(KEPT.format("weights", "vocab.json", "weights/new")),
        False,
    ),
    "other roots": (policy(KEPT.format("weights", "model.sig", "weights")), True),
    "a higher threshold": (
        policy(POLICY + "[storage]\n\tengine = lfs\n\tthreshold = 1099511627776\n"),
        True,
    ),
    "names moved": (moved, True),
    "a directory is a link": (directory_is_a_link, False),
    "a directory is a submodule": (directory_is_a_submodule, False),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_no_pulled_change_unprotects(ada: Repository, mallory: Repository, deed: str) -> None:
    DEEDS[deed][0](mallory)
    published(mallory)
    ada.git("pull", "--quiet", env={"GIT_ALLOW_PROTOCOL": "file"})
    could = edited(ada)
    assert could or not DEEDS[deed][1]


def test_no_signature_overwrites_a_file(ada: Repository, mallory: Repository) -> None:
    policy(KEPT.format("weights", "config.json", "."))(mallory)
    published(mallory)
    ada.git("pull", "--quiet")
    assert not edited(ada, ("config.json",))
    assert "it names config.json as a signature" in committed(ada).stderr
    refused = ada.model("sign", "--adopt", ".", check=False)
    assert "it names config.json as a signature" in refused.stderr
    assert ada.read("config.json") == SECRET
    ada.git("checkout", "--quiet", "HEAD^", "--", ".gitmodel", ".gitattributes")
    ada.model("sign", "--adopt", ".")
    assert committed(ada).returncode == 0
    assert ada.read("config.json") == SECRET


def of_info(ada: Repository, rules: str) -> None:
    place = ada.path / ".git" / "info" / "attributes"
    place.write_text(place.read_text() + rules)


def of_file(ada: Repository, rules: str) -> None:
    ada.write("../attributes", rules)
    ada.git("config", "core.attributesFile", str(ada.path.parent / "attributes"))


@pytest.mark.parametrize("how", [of_info, of_file])
def test_no_rule_of_the_machine_unprotects(
    ada: Repository, how: Callable[[Repository, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_ATTR_NOSYSTEM", "1")
    how(ada, "[attr]x -filter\n* filter=other\n*.json x\n")
    # Where the pinned lines are overridden, the guards hold what the filter cannot.
    assert edited(ada) == (how is of_file)


def test_the_pinned_policy_holds_where_its_lines_were_overridden_and_no_policy_is_left(
    ada: Repository, mallory: Repository
) -> None:
    without(".gitmodel")(mallory)
    published(mallory)
    ada.git("pull", "--quiet")
    ada.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", "On top")
    of_info(ada, "* -filter\n")
    assert not edited(ada, ("weights/new/vocab.json",))


def test_pinned_lines_that_were_taken_out_are_missed_and_put_back(ada: Repository) -> None:
    place = ada.path / ".git" / "info" / "attributes"
    before = place.read_text()
    place.write_text("# mine\n")
    said = ada.model("doctor", check=False).stdout
    assert "no protection policy is pinned" in said
    ada.model("doctor", "--fix")
    assert place.read_text() == f"# mine\n{before}"


def test_a_name_in_another_unicode_form_is_no_other_name(
    ada: Repository, mallory: Repository
) -> None:
    composed = unicodedata.normalize("NFC", "mod\u00e8le.txt")
    ada.model("track", composed)
    ada.write(composed, SECRET)
    ada.commit("Track")
    ada.git("push", "--quiet")
    mallory.git("pull", "--quiet")
    decomposed = unicodedata.normalize("NFD", composed)
    mallory.git("mv", composed, decomposed)
    published(mallory)
    ada.git("pull", "--quiet")
    assert not edited(ada, (decomposed,))


@pytest.mark.parametrize("folds", [False, True], ids=["exact", "folding"])
def test_a_name_in_another_letter_case_is_no_other_name(
    ada: Repository, mallory: Repository, folds: bool
) -> None:
    ada.git("config", "core.ignoreCase", str(folds).lower())
    mallory.git("mv", "config.json", "Config.Json")
    published(mallory)
    ada.git("pull", "--quiet")
    assert edited(ada, ("Config.Json",)) == folds


def test_a_merge_driver_that_keeps_one_side_merges_no_policy(
    ada: Repository, mallory: Repository
) -> None:
    mallory.write(".gitattributes", "* merge=ours -filter\n.gitmodel merge=union\n")
    mallory.write(".gitmodel", POLICY + '\texclude = "**"\n')
    published(mallory)
    ada.model("track", "*.md")
    assert edited(ada, ("README.md",))
    ada.git.run("pull", "--quiet", "--no-rebase", "--no-edit", check=False)
    assert "conflict" in ada.git("status").lower()
    ada.git("checkout", "--theirs", ".gitmodel", ".gitattributes")
    ada.git("add", "--all")
    edited(ada, (*EDITED, "README.md"))


def test_a_key_that_is_no_longer_ignored_is_not_committed(
    ada: Repository, mallory: Repository, project: Project
) -> None:
    ada.write(".gitignore", "private/\n")
    ada.commit("Ignore")
    ada.git("push", "--quiet")
    ada.write("private/key.txt", project.key.read_bytes())
    mallory.git("pull", "--quiet")
    mallory.write(".gitignore", "!private/\n!private/**\n")
    published(mallory)
    ada.git("pull", "--quiet")
    ada.git("add", "--all")
    assert ada.git("ls-files", "private")
    done = committed(ada)
    assert done.returncode == 1
    assert "private/key.txt" in done.stderr
