"""What `untrack` and `track` mean in other clones, where it has to be believed first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project, Publication
    from tests.fixtures.repositories import Repository

OLD = b'{"words": "which were encrypted for a while, and are long enough to be told"}\n'
NEW = b'{"words": "which somebody wrote after that, also long enough to be told apart"}\n'


@pytest.fixture(scope="module")
def parameters(
    publication: Publication, tmp_path_factory: pytest.TempPathFactory
) -> Publication:
    """The model with another protected file, and Bob's clone."""
    made = publication.again(tmp_path_factory.mktemp("parameters"))
    ada = made.project.ada
    ada.write("params.json", OLD)
    ada.commit("Parameters")
    ada.git("push", "--quiet")
    made.project.unlocked(made.person("bob"))
    return made


@pytest.fixture
def project(parameters: Publication, home: Path, tmp_path: Path) -> Project:
    return parameters.copy(tmp_path, home)


@pytest.fixture
def bob(parameters: Publication, project: Project, person: PersonFactory) -> Repository:
    """Bob has the key, trusts Ada, and signs nothing."""
    return parameters.clone(person("bob"), project)


def published(repo: Repository, *options: str) -> None:
    repo.git("commit", "--quiet", "--message", "Policy")
    repo.git("push", "--quiet", *options)


def carol(project: Project, person: PersonFactory) -> Repository:
    """Carol has the key too, and no right to sign."""
    return project.unlocked(person("carol"))


def edit(repo: Repository, path: str = "params.json") -> bytes:
    repo.write(path, NEW)
    repo.commit("Edited")
    return repo.blob(f"HEAD:{path}")


def test_under_a_trusted_signature_it_is_taken_over(project: Project, bob: Repository) -> None:
    project.ada.model("untrack", "params.json", "--yes")
    published(project.ada)
    said = bob.git.run("pull", "--quiet").stderr
    assert "took over the protection policy of HEAD: 1 tracked file" in said
    assert bob.read("params.json") == OLD
    assert_clean(bob)
    assert "policy-taken-over" in bob.read(".git/git-model/audit.log").decode()
    assert bob.model("audit").returncode == 0
    # Just this content was let out: it may stand elsewhere, another may not.
    bob.write("copy.md", OLD)
    assert edit(bob) == NEW
    bob.git("push", "--quiet")


def test_unsigned_work_on_top_of_it_does_not_stand_in_the_way(
    project: Project, bob: Repository
) -> None:
    project.ada.model("untrack", "params.json", "--yes")
    published(project.ada)
    bob.write("README.md", "Bob's\n")
    bob.commit("Unsigned")
    said = bob.git.run("pull", "--quiet", "--rebase").stderr
    assert "took over the protection policy of HEAD" in said
    assert edit(bob) == NEW
    assert_clean(bob)


def test_two_records_that_meet_are_resolved_by_a_person(
    project: Project, person: PersonFactory
) -> None:
    ada, eve = project.ada, project.signing(person("eve"))
    ada.write("vocab.json", OLD)
    ada.commit("Vocabulary")
    ada.git("push", "--quiet")
    eve.git("pull", "--quiet")
    eve.model("untrack", "vocab.json", "--yes")
    published(eve)
    ada.model("untrack", "config.json", "--yes")
    ada.git("commit", "--quiet", "--message", "Mine")
    ada.git.run("pull", "--quiet", "--no-rebase", "--no-edit", check=False)
    for name in (".gitmodel", ".gitattributes"):
        marks = (b"<<<<<<<", b"=======", b">>>>>>>")
        lines = ada.read(name).splitlines(keepends=True)
        ada.write(name, b"".join(line for line in lines if not line.startswith(marks)))
    ada.git("add", ".gitmodel", ".gitattributes")
    ada.model("track", "--accept", "--yes")
    ada.git("commit", "--quiet", "--no-edit")
    assert ada.blob("HEAD:vocab.json") == OLD
    assert b"layers" in ada.blob("HEAD:config.json")
    assert_clean(ada)
    ada.git("push", "--quiet")
    assert "took over" in eve.git.run("pull", "--quiet").stderr
    assert_clean(eve)


def test_without_one_nothing_changes_until_a_person_confirms_it(
    project: Project, person: PersonFactory, bob: Repository
) -> None:
    other = carol(project, person)
    other.model("untrack", "params.json", "--yes")
    published(other, "--no-verify")
    said = bob.git.run("pull", "--quiet").stderr
    assert "git model track --accept" in said
    assert "took over" not in said
    assert bob.read("params.json") == OLD
    assert_clean(bob)
    assert ".gitmodel is not the policy" in bob.model("status", check=False).stderr
    assert "track --accept" in bob.model("doctor", check=False).stdout
    audited = bob.model("audit", check=False)
    assert audited.returncode == 1
    assert "params.json: plaintext at a protected path" in audited.stdout
    assert is_sealed(edit(bob))
    assert_clean(bob)

    done = bob.model("track", "--accept", check=False)
    assert "--yes" in done.stderr
    done = bob.model("track", "--accept", "--dry-run")
    assert "Will be left clear by this clone (1):\n  params.json" in done.stdout
    bob.model("track", "--accept", "--yes")
    assert "not the policy" not in bob.model("status", check=False).stderr
    bob.git("add", "--renormalize", "params.json")
    bob.git("commit", "--quiet", "--message", "Clear")
    assert bob.blob("HEAD:params.json") == NEW


def test_an_audit_without_trust_reports_it(
    project: Project, person: PersonFactory, bob: Repository
) -> None:
    project.ada.model("untrack", "params.json", "--yes")
    published(project.ada)
    stranger = person("stranger").clone(project.remote)
    audited = stranger.model("audit", check=False)
    assert audited.returncode == 1
    assert "params.json" in audited.stdout
    assert "nobody trusted here has signed" in audited.stdout
    assert "track --accept" in audited.stdout
    # Trust alone suffices, without the key.
    trust = stranger.path / ".git" / "git-model" / "trust"
    trust.mkdir(parents=True)
    for public in (bob.path / ".git" / "git-model" / "trust").iterdir():
        (trust / public.name).write_bytes(public.read_bytes())
    assert stranger.model("audit", check=False).stdout.endswith(" 0 findings\n")


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_new_clone_takes_the_record_as_far_as_it_trusts_it(
    project: Project, person: PersonFactory, bob: Repository, is_trusted: bool
) -> None:
    bob.git("status")
    project.ada.model("untrack", "params.json", "--yes")
    published(project.ada)
    dave = person("dave").clone(project.remote)
    trust = ("--public-key", str(project.public)) if is_trusted else ()
    dave.model("unlock", "--key", str(project.key), *trust)
    assert dave.read("params.json") == OLD
    assert_clean(dave)
    assert ("not the policy" in dave.model("status", check=False).stderr) == (not is_trusted)
    assert is_sealed(edit(dave)) == (not is_trusted)


def test_an_old_signed_tree_does_not_bring_its_policy_back(
    project: Project, person: PersonFactory, bob: Repository
) -> None:
    ada = project.ada
    ada.model("untrack", "params.json", "--yes")
    published(ada)
    old = ada.git("rev-parse", "HEAD^{tree}")
    ada.model("track", "params.json")
    published(ada)
    # Bob meets both at once; Mallory then puts the tree in between on top.
    bob.git("pull", "--quiet")
    assert is_sealed(edit(bob))
    bob.git("reset", "--quiet", "--hard", "origin/main")
    mallory = person("mallory").clone(project.remote)
    commit = mallory.git("commit-tree", old, "-p", "HEAD", "-m", "Innocent")
    mallory.git("push", "--quiet", "origin", f"{commit}:main")
    said = bob.git.run("pull", "--quiet").stderr
    assert "is verified" in said
    assert "took over" not in said
    assert "git model track --accept" in said
    bob.model("unlock")
    bob.model("doctor", "--fix", check=False)
    assert is_sealed(edit(bob))


def test_what_is_protected_anew_is_decrypted_in_the_work_tree(
    project: Project, bob: Repository
) -> None:
    project.ada.model("track", "*.md")
    published(project.ada)
    bob.git("pull", "--quiet")
    assert bob.read("README.md") == b"# A model\n"
    assert_clean(bob)
    assert is_sealed(edit(bob, "README.md"))


def test_on_another_branch_a_record_says_nothing(project: Project) -> None:
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "public")
    ada.model("untrack", "*.json", "--yes")
    ada.git("commit", "--quiet", "--message", "Public")
    ada.git("switch", "--quiet", "main")
    ada.write("vocab.json", NEW)
    ada.git("add", "vocab.json")
    done = ada.git.run("commit", "--message", "x", check=False)
    assert done.returncode == 1
    assert "vocab.json: plaintext at a protected path" in done.stderr
    assert "track --accept" in ada.model("status", check=False).stderr
    ada.model("track", "--accept")
    ada.git("add", "vocab.json")
    ada.git("commit", "--quiet", "--message", "x")
    assert is_sealed(ada.blob("HEAD:vocab.json"))
    assert_clean(ada)


def test_a_policy_that_was_not_taken_over_is_not_built_upon(
    project: Project, person: PersonFactory, bob: Repository
) -> None:
    other = carol(project, person)
    other.model("untrack", "params.json", "--yes")
    published(other, "--no-verify")
    bob.git("pull", "--quiet")
    for words in (("track", "*.md"), ("untrack", "config.json", "--yes")):
        done = bob.model(*words, check=False)
        assert done.returncode == 1
        assert "not the policy that this clone pinned" in done.stderr
    bob.model("init", "--storage", "inline")
    assert ".gitmodel is not the policy" in bob.model("status", check=False).stderr
    assert is_sealed(edit(bob))


def test_a_signed_record_is_no_leak_when_it_is_pulled(
    project: Project, bob: Repository
) -> None:
    project.ada.model("untrack", "params.json", "--yes")
    published(project.ada)
    said = bob.git.run("pull", "--quiet").stderr
    assert "1 tracked file is now left clear" in said
    assert "is not encrypted in Git" not in said
    assert "must not be in a commit" not in said
    assert "arrived-in-clear" not in bob.read(".git/git-model/audit.log").decode()


def test_an_unsigned_record_is_one(
    project: Project, person: PersonFactory, bob: Repository
) -> None:
    other = carol(project, person)
    other.model("untrack", "params.json", "--yes")
    published(other, "--no-verify")
    said = bob.git.run("pull", "--quiet").stderr
    assert "params.json is not encrypted in Git" in said
    assert "`git model repair` encrypts" in said
    assert "must not be in a commit" in said


def test_a_record_that_comes_back_with_an_old_signed_tree_is_one(
    project: Project, person: PersonFactory, bob: Repository
) -> None:
    ada = project.ada
    ada.model("untrack", "params.json", "--yes")
    published(ada)
    let_out = ada.git("rev-parse", "HEAD^{tree}")
    bob.git("pull", "--quiet")
    ada.model("track", "params.json")
    ada.write("README.md", "so that the policy is another\n")
    ada.model("track", "*.extra", "--yes", check=False)
    published(ada)
    bob.git("pull", "--quiet")
    bob.model("track", "--accept", "--yes", check=False)
    stale = ada.git("commit-tree", let_out, "-p", "HEAD", "-m", "Back")
    ada.git("push", "--quiet", "--no-verify", "origin", f"{stale}:main")
    said = bob.git.run("pull", "--quiet").stderr
    assert "params.json is not encrypted in Git" in said
    assert "must not be in a commit" in said


def test_a_policy_that_differs_for_no_tracked_file_is_not_spoken_of(
    project: Project, person: PersonFactory, bob: Repository
) -> None:
    other = carol(project, person)
    other.model("track", "*.of-nobody")
    published(other, "--no-verify")
    said = bob.git.run("pull", "--quiet").stderr
    assert "pinned policy" not in said
    assert "not the policy" not in bob.model("status", check=False).stderr
    assert "track --accept" not in bob.model("doctor", check=False).stdout


def test_what_leaked_before_it_was_untracked_is_found_all_the_same(
    project: Project, bob: Repository
) -> None:
    ada = project.ada
    leak = ada.git("hash-object", "-w", "--stdin", "--no-filters", stdin=NEW)
    ada.git("update-index", "--cacheinfo", f"100644,{leak},params.json")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--no-verify", "--message", "Leak")
    leaked = ada.git("rev-parse", "HEAD")
    ada.git("reset", "--quiet", "HEAD~1", "--", "params.json")
    ada.commit("Sealed again")
    ada.model("untrack", "params.json", "--yes")
    published(ada, "--no-verify")
    bob.git("pull", "--quiet")
    bob.write("params.json", NEW + b"more")
    bob.commit("Clear, and unsigned")
    for revisions in ((), (leaked,), (f"--ci={leaked}~1..HEAD",)):
        for repo in (ada, bob):
            done = repo.model("audit", *revisions, check=False)
            assert done.stdout.count("params.json: plaintext") == 1
            assert leaked[:12] in done.stdout
