"""Signatures that a server asks for, with public keys and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from tests.fixtures.people import Person, PersonFactory, Project
    from tests.fixtures.servers import Client


def test_what_a_trusted_signer_signed_is_accepted(project: Project, signed: Client) -> None:
    project.ada.write("train.py", "print('signed')\n")
    commit = project.ada.commit()
    project.ada.git("tag", "v1")
    project.ada.git("tag", "--annotate", "--message", "Two", "v2")
    project.ada.git("push", "--quiet", "origin", "main", "v1", "v2")
    assert project.remote.git("rev-parse", "main") == commit


def test_a_stale_signature_is_refused_on_the_default_branch(signed: Client) -> None:
    signed.put("train.py", b"print('eve')\n")
    signed.record()
    said = signed.refused("main")
    assert "refs/heads/main: stale signature" in said
    assert "git model sign --amend" in said


@pytest.mark.parametrize("annotated", [False, True])
def test_a_tag_must_be_signed(signed: Client, annotated: bool) -> None:
    signed.put("train.py", b"print('eve')\n")
    signed.record()
    signed.git("tag", *(("--annotate", "--message", "Tag") if annotated else ()), "v1")
    assert "refs/tags/v1: stale signature" in signed.refused("v1")


def test_a_branch_that_is_not_protected_needs_no_signature(signed: Client) -> None:
    signed.put("train.py", b"print('eve')\n")
    signed.record()
    signed.accepted("main:refs/heads/topic")


def test_a_commit_without_any_signature_is_refused(signed: Client) -> None:
    signed.drop(".model-encrypted.sig")
    signed.record()
    assert "refs/heads/main: unsigned" in signed.refused("main")


def test_a_signature_of_somebody_else_is_refused(
    project: Project, signed: Client, person: PersonFactory
) -> None:
    bob = project.signing(person("bob"))
    bob.write("train.py", "print('bob')\n")
    bob.commit()
    refused = bob.git.run("push", "--no-verify", "origin", "main", check=False)
    assert refused.returncode == 1
    assert "refs/heads/main: untrusted signer" in refused.stderr


def test_the_refs_can_be_chosen(project: Project, signed: Client) -> None:
    chosen = ("--protected-ref", "refs/heads/release/*", "--protected-ref", "stable")
    said = project.remote.model("install", "--server", *chosen).stderr
    assert "asks for a signature on refs/heads/release/*, refs/heads/stable" in said
    signed.put("train.py", b"print('eve')\n")
    signed.record()
    signed.accepted("main", "main:refs/tags/v1")
    assert "refs/heads/release/1" in signed.refused("main:refs/heads/release/1")
    assert "refs/heads/stable" in signed.refused("main:refs/heads/stable")


def test_a_blob_and_a_tree_under_a_tag_are_not_signed(signed: Client) -> None:
    blob = signed.raw(b"words\n")
    assert "a blob carries no signature" in signed.refused(f"{blob}:refs/tags/blob")
    signed.drop("README.md")
    tree = signed.git("write-tree")
    assert "refs/tags/tree" in signed.refused(f"{tree}:refs/tags/tree")


def test_a_protected_branch_can_be_deleted(project: Project, signed: Client) -> None:
    project.remote.model("install", "--server", "--protected-ref", "release")
    signed.accepted("main:refs/heads/release")
    signed.accepted(":refs/heads/release")


def test_checking_signatures_writes_nothing(project: Project, signed: Client) -> None:
    state = project.remote.path / "git-model"
    before = sorted(path.name for path in state.rglob("*"))
    signed.put("train.py", b"print('eve')\n")
    signed.record()
    signed.refused("main")
    signed.accepted("main:refs/heads/topic")
    assert sorted(path.name for path in state.rglob("*")) == before


def test_a_policy_that_protects_less_passes_when_a_trusted_signer_signed_it(
    project: Project, signed: Client
) -> None:
    exclude_tables(project)
    project.ada.commit("Tables may be read by all")
    project.ada.git("push", "--quiet", "origin", "main")
    assert b"*.csv" in project.remote.blob("main:.gitmodel")


def exclude_tables(project: Project) -> None:
    text = project.ada.read(".gitmodel")
    project.ada.write(".gitmodel", text + b"[protect]\n\texclude = *.csv\n")


def test_the_policy_of_an_old_signed_tree_does_not_come_back(
    project: Project, signed: Client
) -> None:
    before = project.ada.read(".gitmodel")
    exclude_tables(project)
    project.ada.commit("Tables may be read by all")
    weak = project.ada.git("rev-parse", "HEAD^{tree}")
    project.ada.write(".gitmodel", before + b"# no table any more\n")
    project.ada.commit("Nobody may")
    project.ada.git("push", "--quiet", "origin", "main")
    signed.git("fetch", "--quiet")
    tip = signed.git("rev-parse", "origin/main")
    replay = signed.git("commit-tree", weak, "-p", tip, "-m", "An old tree")
    assert ".gitmodel: protects less than before" in signed.refused(f"{replay}:main")


def test_what_a_trusted_signer_untracked_may_be_clear_now_and_later(
    project: Project, signed: Client
) -> None:
    project.ada.model("untrack", "--yes", "config.json")
    project.ada.git("commit", "--quiet", "--message", "The configuration is public")
    project.ada.git("push", "--quiet", "origin", "main")
    assert project.remote.blob("main:config.json") == project.ada.read("config.json")
    project.ada.write("config.json", "{}\n")
    project.ada.commit("Later")
    project.ada.git("push", "--quiet", "origin", "main")
    assert project.remote.blob("main:config.json") == b"{}\n"


def test_an_unsigned_record_of_untracking_frees_nothing(
    project: Project, signed: Client
) -> None:
    policy = signed.blob("HEAD:.gitmodel")
    signed.put(".gitmodel", policy + b"[protect]\n\tuntracked = config.json\n")
    signed.put("config.json", b"{}\n")
    signed.record()
    said = signed.refused("main:refs/heads/topic")
    assert "config.json: plaintext at a protected path" in said


def test_a_trust_that_cannot_be_read_refuses(project: Project, signed: Client) -> None:
    for key in (project.remote.path / "git-model" / "trust").glob("*.pub"):
        key.write_text("not a key\n")
    signed.put("train.py", b"print('eve')\n")
    signed.record()
    assert "not the public key it is named for" in signed.refused("main")


def test_an_old_signed_tree_on_a_new_ref_does_not_free_what_was_protected_since(
    project: Project, signed: Client
) -> None:
    ada = project.ada
    old = ada.git("rev-parse", "HEAD")
    ada.write("data/secret.txt", "secret\n" * 20)
    ada.model("track", "data/**")
    ada.commit("Track")
    ada.git("push", "--quiet")
    signed.git("pull", "--quiet")
    signed.put("data/secret.txt", b"secret\n" * 20)
    clear = signed.record()
    replayed = signed.git("commit-tree", f"{old}^{{tree}}", "-p", clear, "-m", "As it was")
    for ref in ("refs/heads/y", "refs/tags/y"):
        said = signed.refused(f"{replayed}:{ref}")
        assert "data/secret.txt: plaintext at a protected path" in said
    # A branch from before that goes on as it was is nobody's attack.
    signed.git("checkout", "--quiet", "--force", old)
    signed.put("train.py", b"print('older')\n")
    signed.accepted(f"{signed.record()}:refs/heads/release-1")


def test_an_old_signed_tree_frees_nothing_that_head_protects_since(
    project: Project, signed: Client
) -> None:
    ada = project.ada
    old = ada.git("rev-parse", "HEAD")
    ada.write("a.csv", "1,2\n" * 20)
    ada.model("track", "*.csv")
    ada.commit("Tables")
    ada.git("push", "--quiet", "origin", "main", f"{old}:refs/heads/before")
    # Without any key: the table in clear, and on top of it the tree that Ada signed once.
    signed.git("checkout", "--quiet", "--force", old)
    signed.put("a.csv", b"1,2\n" * 20)
    clear = signed.record()
    replayed = signed.git("commit-tree", f"{old}^{{tree}}", "-p", clear, "-m", "As it was")
    for ref in ("refs/heads/evil", "refs/tags/v9", "refs/heads/before"):
        assert "a.csv: plaintext at a protected path" in signed.refused(f"{replayed}:{ref}")


def test_who_signs_in_a_stale_clone_frees_nothing_that_head_protects_since(
    project: Project, signed: Client, person: PersonFactory
) -> None:
    ada, bob = project.ada, trusted_by_the_server(project, person("bob"))
    ada.model("track", "*.csv")
    ada.commit("Tables")
    ada.git("push", "--quiet")
    bob.write("d.csv", "3,4\n" * 20)
    bob.commit("Without having heard of it")
    said = refusal(bob, "main:refs/heads/stale")
    assert "d.csv: plaintext at a protected path" in said
    assert "merge that branch first" in said
    # What is clear by both is nobody's business.
    bob.git("reset", "--quiet", "--hard", "HEAD^")
    bob.write("train.py", "print('bob')\n")
    bob.commit("Another")
    bob.git("push", "--quiet", "origin", "main:refs/heads/stale")


def trusted_by_the_server(project: Project, who: Person) -> Repository:
    """Returns the clone of somebody who signs, with as much right to as Ada."""
    clone = project.signing(who)
    project.remote.model("install", "--server", "--public-key", str(who.home / "signing.pub"))
    return clone


def refusal(repo: Repository, *refs: str) -> str:
    """Pushes, and returns what the server said when it refused."""
    done = repo.git.run("push", "--no-verify", "origin", *refs, check=False)
    assert done.returncode == 1
    assert "git-model: error: " in done.stderr
    return done.stderr


def test_what_was_untracked_once_and_is_protected_again_does_not_come_in_clear(
    project: Project, signed: Client, person: PersonFactory
) -> None:
    ada = project.ada
    ada.model("untrack", "--yes", "config.json")
    ada.git("commit", "--quiet", "--message", "Public")
    ada.git("push", "--quiet", "origin", "main", "HEAD:refs/tags/v1", "HEAD:refs/heads/v1")
    bob = trusted_by_the_server(project, person("bob"))
    ada.model("track", "config.json")
    ada.git("commit", "--quiet", "--message", "Not any more")
    ada.git("push", "--quiet", "origin", "main")
    bob.write("config.json", '{"secret": 1}\n')
    bob.commit("Stale")
    for ref in ("refs/heads/stale", "refs/heads/v1", "refs/tags/v2"):
        assert "config.json: plaintext" in refusal(bob, f"HEAD:{ref}")


def test_a_signature_frees_nothing_of_the_commits_below_it(
    project: Project, signed: Client
) -> None:
    ada = project.ada
    signed.put("model.safetensors", b"a model, in clear\n" * 20)
    signed.put("config.json", b"{}\n")
    clear = signed.record()
    ada.model("untrack", "--yes", "config.json")
    ada.git("commit", "--quiet", "--message", "Public")
    tree = ada.git("rev-parse", "HEAD^{tree}")
    signed.git("fetch", "--quiet", str(ada.path), "main")
    said = signed.refused(
        signed.git("commit-tree", tree, "-p", clear, "-m", "Over it") + ":refs/heads/topic"
    )
    assert said.count("config.json: plaintext") == 1
    assert clear[:12] in said
    ada.git("push", "--quiet", "origin", "main:refs/heads/topic")


def _elsewhere(project: Project, signed: Client, *options: str) -> str:
    """Makes a commit of what Ada signed in another repository, on top of main."""
    another = Repository(project.ada.path.parent / "another")
    another.write("train.py", "# another project\n")
    another.git("init", "--quiet")
    fingerprint = project.ada.git("config", "git-model.signingKey")
    key = next(Path.home().rglob(f"{fingerprint}.pem"))
    another.model("init", *options, "--signing-key", str(key))
    another.commit("Another project")
    signed.git("fetch", "--quiet", str(another.path), "HEAD")
    return signed.git("commit-tree", "FETCH_HEAD^{tree}", "-p", "HEAD", "-m", "Housekeeping")


@pytest.mark.parametrize("known", ["installed", "from its branch"])
def test_what_was_signed_in_another_repository_is_refused(
    project: Project, signed: Client, known: str
) -> None:
    if known == "from its branch":
        (project.remote.path / "git-model" / "repository").unlink()
    tip = _elsewhere(project, signed, "--key", str(project.key))
    said = signed.refused(f"{tip}:main")
    assert "refs/heads/main: signed in another repository" in said
    assert "refs/tags/v1: signed in another repository" in signed.refused(f"{tip}:refs/tags/v1")


def test_an_empty_server_learns_from_the_first_tip(project: Project, signed: Client) -> None:
    remote = Repository(project.remote.path.parent / "empty.git")
    remote.path.mkdir()
    remote.git("init", "--quiet", "--bare")
    remote.model("install", "--server", "--public-key", str(project.public))
    project.ada.git("push", "--quiet", str(remote.path), "main")
    signed.git("remote", "set-url", "origin", str(remote.path))
    tip = _elsewhere(project, signed)
    assert "signed in another repository" in signed.refused(f"{tip}:refs/tags/v1")
