"""`git model migrate` where git-model is set up already, or git-lfs was there before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import odd_histories
from tests.fixtures.histories import MODEL
from tests.fixtures.odd_histories import SECRET
from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.processes import execute, need
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository


@pytest.fixture
def accepted(repo: Repository) -> Repository:
    """A repository that was set up over a history in clear."""
    for number in range(3):
        repo.write("model.bin", SECRET + b"%d" % number)
        repo.commit()
    repo.git("tag", "before")
    repo.model("init", "--accept-plaintext-history")
    repo.git("commit", "--quiet", "--message", "Encrypt")
    repo.write("more.bin", SECRET + b"more")
    repo.commit()
    return repo


def test_a_history_that_was_accepted_is_encrypted_under_the_same_key(
    accepted: Repository,
) -> None:
    key = accepted.git("config", "git-model.keyId")
    done = accepted.model("migrate", "--yes")
    assert "refs are not signed by anybody this clone trusts" in done.stderr
    assert "refs/tags/before" in done.stderr
    assert accepted.git("config", "--get-all", "git-model.keyId") == key
    for name in ("main", "main~1", "main~2", "main~3", "before"):
        assert is_sealed(accepted.blob(f"{name}:model.bin"))
        assert b"key" in accepted.blob(f"{name}:.gitmodel")
    accepted.model("verify")
    accepted.model("verify", "before")
    assert "0 findings" in accepted.model("audit").stdout
    assert_clean(accepted)
    accepted.model("migrate", "--purge", "--yes")
    assert odd_histories.leaks(accepted) == []
    assert [event["action"] for event in accepted.events()] == ["migrate", "purge"]


def test_the_options_of_init_are_refused_where_it_is_set_up(accepted: Repository) -> None:
    done = accepted.model("migrate", "--yes", "--profile", "weights", check=False)
    assert done.returncode == 2
    assert "set up already" in done.stderr


def test_a_push_in_clear_is_taken_out_and_older_signatures_go_on_to_hold(
    project: Project, person: PersonFactory
) -> None:
    ada = project.ada
    ada.git("tag", "released")
    before = ada.git("rev-parse", "released")
    bob = person("bob").clone(project.remote)
    bob.write("model.safetensors", SECRET + b"from a client without git-model")
    bob.git("-c", "filter.git-model.required=false", "commit", "-qam", "plain")
    bob.git("push", "--quiet", "origin", "main")
    ada.git("pull", "--quiet", "--ff-only")
    assert SECRET in ada.blob("HEAD:model.safetensors")
    done = ada.model("migrate", "--yes")
    assert "1 commits made anew, 1 blobs encrypted" in done.stdout
    assert "refs are not signed by anybody this clone trusts" in done.stderr
    assert ada.git("rev-parse", "released") == before
    assert is_sealed(ada.blob("HEAD:model.safetensors"))
    assert ada.read("model.safetensors").startswith(SECRET)
    ada.model("verify")
    ada.model("verify", "released")
    assert ada.git("log", "-1", "--format=%an %s") == "bob plain"
    assert_clean(ada)
    ada.git("push", "--quiet", "--force-with-lease", "--all")
    assert "0 findings" in ada.model("audit").stdout


def test_a_child_of_a_signed_tip_does_not_carry_its_signature(repo: Repository) -> None:
    repo.write("model.bin", SECRET)
    repo.commit()
    repo.git("tag", "v1")
    repo.write("model.bin", SECRET + b"2")
    repo.commit()
    repo.write("model.bin", SECRET + b"3")
    repo.commit()
    repo.model("migrate", "--yes")
    for name in ("v1", "main"):
        repo.model("verify", name)
    assert repo.git("diff", "--name-only", "v1", "main~1").split("\n") == [
        ".model-encrypted.sig",
        "model.bin",
        "model.sig",
    ]
    assert "model.sig" not in repo.git("ls-tree", "--name-only", "main~1").split("\n")


@pytest.fixture
def stock(repo: Repository) -> Repository:
    """A repository whose model stock git-lfs has kept, in clear."""
    need("git-lfs")
    repo.git("lfs", "install", "--local")
    repo.git("lfs", "track", "*.bin")
    for number in range(2):
        repo.write("model.bin", SECRET * 100 + b"%d" % number)
        repo.commit()
    return repo


def stored(repo: Repository, content: bytes) -> Path:
    oid = hashlib.sha256(content).hexdigest()
    return repo.path / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


@pytest.mark.parametrize("threshold", ["1", "1MiB"])
def test_objects_of_stock_git_lfs_are_encrypted_and_purged(
    stock: Repository, threshold: str
) -> None:
    plain = [stored(stock, SECRET * 100 + b"%d" % number) for number in range(2)]
    assert all(path.exists() for path in plain)
    stock.model("migrate", "--yes", "--profile", "all", "--threshold", threshold)
    assert is_sealed(stock.blob("HEAD:model.bin")) == (threshold != "1")
    assert b"filter=lfs" in stock.blob("HEAD:.gitattributes")
    stock.model("verify")
    assert_clean(stock)
    done = stock.model("migrate", "--purge", "--yes")
    assert "git-lfs objects in clear, if no commit needs them (2)" in done.stdout
    assert "Removed 2 git-lfs objects" in done.stdout
    assert not any(path.exists() for path in plain)
    assert odd_histories.leaks(stock) == []
    stock.git("checkout", "--quiet", "HEAD~1")
    assert stock.read("model.bin") == SECRET * 100 + b"0"


def test_objects_in_a_store_that_others_share_are_left_to_them(
    stock: Repository, tmp_path: Path
) -> None:
    plain = stored(stock, SECRET * 100 + b"0")
    shared = tmp_path / "shared"
    (stock.path / ".git" / "lfs").rename(shared)
    stock.git("config", "lfs.storage", str(shared))
    there = shared / plain.relative_to(stock.path / ".git" / "lfs")
    done = stock.model("migrate", "--yes", "--purge", "--profile", "all")
    assert there.exists()
    assert "stay, since they stand outside of this repository" in done.stderr
    assert "lfs.storage" in done.stderr


def test_an_object_of_stock_git_lfs_that_is_not_here_stops_it(stock: Repository) -> None:
    lost = stored(stock, SECRET * 100 + b"0")
    away = stock.path.parent / "away"
    lost.rename(away)
    refs = stock.git("for-each-ref")
    done = stock.model("migrate", "--yes", "--profile", "all", check=False)
    assert done.returncode == 1
    assert f"model.bin ({lost.name[:12]})" in done.stderr
    assert "git lfs fetch --all" in done.stderr
    assert stock.git("for-each-ref") == refs
    away.rename(lost)
    stock.model("migrate", "--yes", "--profile", "all")


def test_models_at_clear_paths_are_refused_until_they_are_included(repo: Repository) -> None:
    repo.write("train.py", "pass\n")
    repo.write("data.xyz", MODEL)
    repo.write("model.bin", SECRET)
    repo.commit()
    by_name = ("migrate", "--yes", "--profile", "weights")
    refused = repo.model(*by_name, check=False)
    assert refused.returncode == 1
    assert "data.xyz" in refused.stdout
    assert "--include" in refused.stderr
    repo.model(*by_name, "--include", "*.xyz", "--purge")
    assert is_sealed(repo.blob("HEAD:data.xyz"))
    assert not is_sealed(repo.blob("HEAD:train.py"))
    assert "0 findings" in repo.model("audit").stdout


def test_a_branch_whose_policy_protects_more_is_refused(accepted: Repository) -> None:
    policy = accepted.blob("HEAD:.gitmodel").decode()
    accepted.git("read-tree", "before")
    wider = policy.replace("[protect]", "[protect]\n\tinclude = .cache/**", 1)
    assert wider != policy
    for path, content in {".gitmodel": wider, ".cache/x.txt": "x\n"}.items():
        oid = accepted.git("hash-object", "-w", "--stdin", stdin=content)
        accepted.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}")
    tree = accepted.git("write-tree")
    made = accepted.git("commit-tree", tree, "-p", "before", "-m", "wider")
    accepted.git("read-tree", "main")
    accepted.git("-c", "core.hooksPath=/dev/null", "update-ref", "refs/heads/other", made)
    done = accepted.model("migrate", "--yes", check=False)
    assert done.returncode == 1
    assert "are protected by refs/heads/other" in done.stderr


def test_a_clone_without_a_signing_key_is_told(project: Project, person: PersonFactory) -> None:
    clone = project.unlocked(person("bob"))
    done = clone.model("migrate", "--yes", check=False)
    assert "no signing key" in done.stderr


def test_there_is_nothing_to_purge_where_nothing_was_migrated(project: Project) -> None:
    done = project.ada.model("migrate", "--purge", "--yes", check=False)
    assert done.returncode == 1
    assert "nothing was migrated here" in done.stderr


def test_what_a_dry_run_counts_is_no_more_than_a_bound(accepted: Repository) -> None:
    done = accepted.model("migrate", "--dry-run")
    assert "Commits to make anew   up to 5" in done.stdout
    assert "Refs to move           up to 2" in done.stdout
    assert "AES-256 key" not in accepted.model("migrate", "--yes").stdout


def test_nothing_to_migrate_is_no_harm(project: Project) -> None:
    before = project.ada.git("rev-parse", "HEAD")
    done = project.ada.model("migrate", "--yes")
    assert "there is nothing to migrate" in done.stdout
    assert not list(project.ada.path.parent.glob("*.bundle"))
    assert project.ada.git("rev-parse", "HEAD") == before


def test_a_repository_without_commits_has_nothing_to_migrate(repo: Repository) -> None:
    done = repo.model("migrate", "--yes", check=False)
    assert "there is no history yet" in done.stderr
    assert execute("git", "status", cwd=repo.path).returncode == 0


def test_a_signature_of_the_stock_tool_stays_and_ours_has_another_name(
    repo: Repository,
) -> None:
    theirs = b'{"signed by": "the stock tool"}'
    repo.write("model.bin", SECRET)
    repo.write("model.sig", theirs)
    repo.commit()
    repo.write("train.py", "pass")
    repo.commit()
    by_name = ("migrate", "--yes", "--profile", "weights")
    refused = repo.model(*by_name, check=False)
    assert refused.returncode == 1
    assert "model.sig: a file that is no signature of this repository" in refused.stderr
    assert "--signature NAME" in refused.stderr
    repo.model(*by_name, "--signature", "ours.sig")
    assert repo.read("model.sig") == theirs
    assert is_sealed(repo.blob("HEAD:ours.sig"))
    repo.model("verify")
    assert_clean(repo)


def test_init_shows_the_findings_and_names_both_ways_out(repo: Repository) -> None:
    repo.write("model.bin", SECRET)
    repo.commit()
    refused = repo.model("init", check=False)
    assert refused.returncode == 1
    assert "The history holds in clear (1):\n  model.bin: plaintext" in refused.stdout
    for way in ("`git model migrate`", "rm -rf .git", "--accept-plaintext-history"):
        assert way in refused.stderr


def test_what_a_person_accepts_stays_and_is_shown(repo: Repository) -> None:
    repo.write("train.py", "pass\n")
    repo.write("data.xyz", MODEL)
    repo.write("model.bin", SECRET)
    repo.commit()
    by_name = ("migrate", "--yes", "--profile", "weights")
    done = repo.model(*by_name, "--accept-findings", "--purge")
    assert "Would stay in clear (1):\n  data.xyz" in done.stdout
    assert "Nothing of the old history is left" in done.stdout
    assert repo.blob("HEAD:data.xyz") == MODEL
    assert odd_histories.leaks(repo) == []
    assert repo.model("audit", check=False).returncode == 1


def leaked(repo: Repository, content: bytes) -> str:
    """Commits content in clear past all guards, then what it was before; returns the first."""
    oid = repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=content)
    repo.git("update-index", "--cacheinfo", f"100644,{oid},config.json")
    repo.git(*NO_HOOKS, "commit", "--quiet", "--no-verify", "--message", "Leak")
    commit = repo.git("rev-parse", "HEAD")
    repo.git("reset", "--quiet", "HEAD~1", "--", "config.json")
    repo.commit("Sealed again")
    return commit


def test_what_was_untracked_is_each_commits_own(project: Project) -> None:
    ada = project.ada
    ada.git("tag", "v1")
    ada.git("branch", "old")
    public = ada.read("config.json")
    leaks = leaked(ada, SECRET), leaked(ada, public)
    ada.model("untrack", "--yes", "config.json")
    ada.model("sign", "--adopt", "config.json")  # a commit that nobody signed had it before
    ada.git("commit", "--quiet", "--message", "Public")
    ada.write("config.json", b"{}\n")
    tip = ada.commit("Later")
    ada.git("update-ref", "-d", "refs/remotes/origin/main")
    assert ada.model("audit", check=False).stdout.count("config.json: plaintext") == 2
    told = ada.model("migrate", "--dry-run").stdout
    assert "Were untracked: encrypted in commits that protect them" in told
    ada.model("migrate", "--yes")
    assert ada.git("rev-parse", "main") != tip
    assert ada.blob("main:config.json") == b"{}\n"
    assert ada.blob("main~1:config.json") == public
    for name in ("main~2", "main~3", "main~4", "main~5", "v1", "old"):
        assert is_sealed(ada.blob(f"{name}:config.json")), name
    for name in ("main", "v1", "old"):
        ada.model("verify", name)
    assert_clean(ada)
    assert "0 findings" in ada.model("audit").stdout
    ada.model("migrate", "--purge", "--yes")
    assert odd_histories.leaks(ada) == []
    assert all(ada.git.run("cat-file", "-e", oid, check=False).returncode for oid in leaks)


def test_refs_that_protect_more_are_named_all_at_once(project: Project) -> None:
    ada = project.ada
    leaked(ada, SECRET)
    first = ada.git("rev-parse", "HEAD")
    ada.write("a.csv", "1,2\n")
    ada.model("track", "*.csv")
    ada.commit("Tables")
    ada.git("tag", "v1")
    ada.git("branch", "side")
    ada.git(*NO_HOOKS, "reset", "--quiet", "--hard", first)
    said = ada.model("migrate", "--dry-run", check=False).stderr
    assert "such as a.csv, are protected by refs/heads/side, refs/tags/v1" in said
    assert "git model track" in said
