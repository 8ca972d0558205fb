"""What a server that has no key lets in, and what it refuses: real pushes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.histories import MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.servers import Client

PEM = b"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n"


def pointer(
    content: bytes, text: str = "version https://git-lfs.github.com/spec/v1\n"
) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return f"{text}oid sha256:{oid}\nsize {len(content)}\n".encode()


def test_an_ordinary_push_of_a_signer_is_accepted(project: Project, guarded: Client) -> None:
    project.ada.write("model.safetensors", MODEL + b"more")
    project.ada.write("train.py", "print('better')\n")
    commit = project.ada.commit()
    project.ada.git("push", "--quiet")
    assert project.remote.git("rev-parse", "main") == commit


def test_a_client_without_git_model_may_push_what_is_not_protected(guarded: Client) -> None:
    guarded.put("train.py", b"print('eve')\n")
    guarded.record()
    guarded.accepted("main", "main:refs/heads/side")


@pytest.mark.parametrize("ref", ["main", "main:refs/heads/new", "main:refs/odd/place"])
def test_plaintext_at_a_protected_path_is_refused_on_every_ref(
    guarded: Client, ref: str
) -> None:
    guarded.put("config.json", b"{}\n")
    commit = guarded.record()
    said = guarded.refused(ref)
    assert "config.json: plaintext at a protected path" in said
    assert commit[:12] in said
    assert "git model migrate" in said


def test_plaintext_that_a_later_commit_takes_away_is_refused(guarded: Client) -> None:
    sealed = guarded.blob("HEAD:config.json")
    guarded.put("config.json", b"{}\n")
    commit = guarded.record()
    guarded.put("config.json", sealed)
    guarded.record()
    assert commit[:12] in guarded.refused("main")


def test_what_the_server_has_already_is_not_judged_again(
    project: Project, client: Client
) -> None:
    client.put("config.json", b"{}\n")
    client.record()
    client.accepted("main")
    project.remote.model("install", "--server")
    client.put("train.py", b"print('later')\n")
    client.record()
    client.accepted("main")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".gitattributes", b"* -filter\n"),
        ("deep/.gitattributes", b"[attr]clear -filter\n* clear\n"),
        (".gitattributes", b"* filter=other ident\n"),
    ],
)
def test_pushed_attributes_take_no_protection_away(
    guarded: Client, path: str, content: bytes
) -> None:
    guarded.put(path, content)
    guarded.put("deep/weights.bin", b"clear\n")
    guarded.record()
    assert "deep/weights.bin: plaintext at a protected path" in guarded.refused("main")


@pytest.mark.parametrize("how", ["emptied", "removed", "excludes"])
def test_a_policy_that_protects_less_is_refused_before_anything_is_in_clear(
    guarded: Client, how: str
) -> None:
    policy = guarded.blob("HEAD:.gitmodel")
    if how == "emptied":
        guarded.put(".gitmodel", b"[git-model]\n\tversion = 1\n[protect]\n\texclude = *\n")
    elif how == "excludes":
        guarded.put(".gitmodel", policy + b"[protect]\n\texclude = *.json\n")
    else:
        guarded.drop(".gitmodel")
    guarded.record()
    said = guarded.refused("main")
    assert ".gitmodel: protects less than before" in said


def test_a_branch_of_its_own_cannot_bring_a_weaker_policy_for_its_files(
    guarded: Client,
) -> None:
    guarded.put(".gitmodel", b"[git-model]\n\tversion = 1\n[protect]\n\texclude = *\n")
    guarded.put("config.json", b"{}\n")
    guarded.record()
    assert "config.json: plaintext" in guarded.refused("main:refs/heads/side")


def test_an_unrelated_history_is_judged_by_the_policy_of_the_server(guarded: Client) -> None:
    guarded.git("checkout", "--quiet", "--orphan", "fresh")
    guarded.git("read-tree", "--empty")
    guarded.put("config.json", b"{}\n")
    guarded.record()
    assert "config.json: plaintext" in guarded.refused("fresh")
    assert "config.json: plaintext" in guarded.refused("fresh:main", force=True)


def test_a_policy_that_protects_more_counts_at_once(guarded: Client) -> None:
    policy = guarded.blob("HEAD:.gitmodel")
    guarded.put(".gitmodel", policy + b"[protect]\n\tinclude = *.py\n")
    guarded.record()
    guarded.accepted("main")
    guarded.put("train.py", b"print('clear')\n")
    guarded.record()
    assert "train.py: plaintext at a protected path" in guarded.refused("main")


def test_a_policy_that_cannot_be_read_is_refused(guarded: Client) -> None:
    guarded.put(".gitmodel", b"[git-model]\n\tversion = 99\n")
    guarded.record()
    assert ".gitmodel: what is protected cannot be told from it" in guarded.refused("main")


@pytest.mark.parametrize("path", ["notes.md", ".cache/x", "data/file.py", "link.py"])
def test_a_model_by_content_is_refused_at_any_path(guarded: Client, path: str) -> None:
    guarded.put(path, MODEL, mode="120000" if path == "link.py" else "100644")
    guarded.record()
    assert f"{path}: model file (safetensors)" in guarded.refused("main")


def test_an_executable_is_judged_as_any_file(guarded: Client) -> None:
    guarded.put("tool.py", MODEL, mode="100755")
    guarded.record()
    assert "tool.py: model file" in guarded.refused("main")


def test_a_blob_without_a_path_is_judged_by_content(guarded: Client) -> None:
    blob = guarded.raw(MODEL)
    assert "model file (safetensors)" in guarded.refused(f"{blob}:refs/tags/raw")


def test_a_tag_of_a_tree_is_judged(guarded: Client) -> None:
    guarded.put("config.json", b"{}\n")
    tree = guarded.git("write-tree")
    guarded.git("tag", "--annotate", "--message", "A tree", "tree", tree)
    guarded.git("tag", "--annotate", "--message", "Nested", "nested", "tree")
    assert "config.json: plaintext at a protected path" in guarded.refused("nested")


def test_notes_are_judged(guarded: Client) -> None:
    guarded.git("notes", "add", "--file", "-", stdin=b"")
    blob = guarded.raw(MODEL)
    guarded.git("notes", "add", "--force", "--reuse-message", blob)
    assert "model file (safetensors)" in guarded.refused("refs/notes/commits")


def test_honest_notes_pass(guarded: Client) -> None:
    guarded.git("notes", "add", "--message", "Reviewed by somebody")
    guarded.accepted("refs/notes/commits")


def test_notes_have_no_paths_that_a_profile_could_protect(
    project: Project, client: Client
) -> None:
    project.remote.model("install", "--server", "--profile", "all")
    client.git("notes", "add", "--message", "Reviewed by somebody")
    client.accepted("refs/notes/commits")


def test_replace_refs_are_judged_and_hide_nothing(guarded: Client) -> None:
    good = guarded.git("rev-parse", "HEAD")
    guarded.put("config.json", b"{}\n")
    bad = guarded.record()
    guarded.git("replace", bad, good)
    guarded.accepted(f"refs/replace/{bad}")
    guarded.git("config", "core.useReplaceRefs", "false")
    assert "config.json: plaintext" in guarded.refused("main")
    model = guarded.raw(MODEL)
    assert "model file" in guarded.refused(f"{model}:refs/replace/{model}")


@pytest.mark.parametrize("content", [PEM, b"text\n" + PEM], ids=["alone", "inside"])
def test_key_material_is_refused(guarded: Client, content: bytes) -> None:
    guarded.put("ci/deploy.py", content)
    guarded.record()
    said = guarded.refused("main")
    assert "ci/deploy.py: private key (PEM) in clear" in said
    assert "not secret any more" in said


def test_the_repository_s_own_key_is_found_without_holding_it(
    project: Project, guarded: Client
) -> None:
    guarded.put("notes.md", project.key.read_bytes())
    guarded.record()
    assert "notes.md: the AES-256 key" in guarded.refused("main")


def test_an_object_of_git_lfs_that_is_elsewhere_is_no_finding(guarded: Client) -> None:
    guarded.put("large.bin", pointer(b"elsewhere"))
    guarded.record()
    guarded.accepted("main")


@pytest.mark.parametrize(
    "text",
    [
        "version https://hawser.github.com/spec/v1\n",
        "version https://git-lfs.github.com/spec/v1\r\n",
    ],
    ids=["old", "carriage-return"],
)
@pytest.mark.parametrize("path", ["large.bin", "notes.md"])
def test_a_pointer_that_git_lfs_would_not_write_is_refused(
    guarded: Client, text: str, path: str
) -> None:
    guarded.put(path, pointer(b"anything", text))
    guarded.record()
    assert "not written as git-lfs does" in guarded.refused("main")


def test_an_object_that_is_on_the_server_is_judged(project: Project, guarded: Client) -> None:
    oid = hashlib.sha256(MODEL).hexdigest()
    store = project.remote.path / "lfs" / "objects" / oid[:2] / oid[2:4]
    store.mkdir(parents=True)
    (store / oid).write_bytes(MODEL)
    guarded.put("large.bin", pointer(MODEL))
    guarded.record()
    assert "large.bin: plaintext at a protected path" in guarded.refused("main")


@pytest.mark.parametrize("how", ["cut", "zeros", "plaintext behind a header"])
def test_a_damaged_envelope_is_refused(guarded: Client, how: str) -> None:
    whole = guarded.blob("HEAD:model.safetensors")
    damaged = {
        "cut": whole[:100],
        "zeros": whole[:80] + bytes(len(whole) - 80),
        "plaintext behind a header": whole[:64] + MODEL,
    }[how]
    guarded.put("model.safetensors", damaged)
    guarded.record()
    assert "model.safetensors: damaged envelope" in guarded.refused("main")


def test_an_envelope_is_never_followed_by_something_else(guarded: Client) -> None:
    guarded.put(".hidden/weights", guarded.blob("HEAD:model.safetensors"))
    guarded.record()
    guarded.accepted("main")
    guarded.put(".hidden/weights", b"clear now\n")
    guarded.record()
    assert ".hidden/weights" in guarded.refused("main")


def test_a_forced_push_is_judged_by_what_it_replaces(guarded: Client) -> None:
    start = guarded.git("rev-parse", "HEAD")
    guarded.put(".hidden/weights", guarded.blob("HEAD:model.safetensors"))
    guarded.record()
    guarded.accepted("main")
    guarded.git("reset", "--quiet", "--soft", start)
    guarded.put(".hidden/weights", b"clear now\n")
    guarded.record()
    assert ".hidden/weights" in guarded.refused("main", force=True)
    guarded.drop(".hidden/weights")
    guarded.record("Without")
    guarded.git("reset", "--quiet", "--soft", start)
    guarded.record("Clean")
    guarded.accepted("main", force=True)


def test_a_branch_can_be_deleted(guarded: Client) -> None:
    guarded.accepted("main:refs/heads/side")
    guarded.accepted(":refs/heads/side")


def test_one_bad_ref_refuses_all_of_a_push(guarded: Client) -> None:
    guarded.put("train.py", b"print('good')\n")
    guarded.record()
    guarded.git("branch", "good")
    guarded.put("config.json", b"{}\n")
    guarded.record()
    assert "config.json" in guarded.refused("good", "main:refs/heads/bad")


def test_a_merge_that_slips_something_in_is_refused(guarded: Client) -> None:
    start = guarded.git("rev-parse", "HEAD")
    guarded.put("train.py", b"print('ours')\n")
    ours = guarded.record()
    guarded.git("reset", "--quiet", "--hard", start)
    guarded.put("README.md", b"theirs\n")
    theirs = guarded.record()
    guarded.put("train.py", b"print('ours')\n")
    guarded.put("config.json", b"{}\n")
    tree = guarded.git("write-tree")
    evil = guarded.git("commit-tree", tree, "-m", "Evil", "-p", ours, "-p", theirs)
    assert "config.json: plaintext" in guarded.refused(f"{evil}:main")


def test_names_in_another_letter_case_are_protected_as_well(guarded: Client) -> None:
    policy = b"[git-model]\n\tversion = 1\n[protect]\n\tprofile = weights\n"
    guarded.put(".gitmodel", policy)
    guarded.git("checkout", "--quiet", "--orphan", "fresh")
    guarded.put("MODEL.BIN", b"clear\n")
    guarded.record()
    assert "MODEL.BIN" in guarded.refused("fresh")


def test_a_refused_push_leaves_nothing_behind(project: Project, guarded: Client) -> None:
    def files() -> set[Path]:
        return {path for path in project.remote.path.rglob("*") if path.is_file()}

    before = files()
    guarded.put("config.json", b"{}\n")
    guarded.record()
    guarded.refused("main")
    assert files() == before


def test_the_first_push_brings_the_policy_that_it_is_judged_by(
    project: Project, guarded: Client, tmp_path: Path
) -> None:
    project.remote.git("init", "--quiet", "--bare", str(tmp_path / "empty.git"))
    guarded.git("remote", "set-url", "origin", str(tmp_path / "empty.git"))
    setup = guarded.model("install", "--server", cwd=tmp_path / "empty.git")
    assert "no policy yet" in setup.stderr
    good = guarded.git("rev-parse", "HEAD")
    guarded.put("config.json", b"{}\n")
    guarded.record()
    assert "config.json: plaintext" in guarded.refused("main")
    assert "no policy says" not in guarded.accepted(f"{good}:refs/heads/main")


def test_without_any_policy_only_content_counts_and_that_is_said(
    guarded: Client, tmp_path: Path
) -> None:
    guarded.git("init", "--quiet", "--bare", str(tmp_path / "empty.git"))
    guarded.git("remote", "set-url", "origin", str(tmp_path / "empty.git"))
    guarded.model("install", "--server", cwd=tmp_path / "empty.git")
    guarded.git("checkout", "--quiet", "--orphan", "fresh")
    guarded.git("read-tree", "--empty")
    guarded.put("data.bin", b"anything\n")
    guarded.record()
    assert "no policy says what is protected here" in guarded.accepted("fresh:main")
    guarded.put("notes.md", MODEL)
    guarded.record()
    assert "notes.md: model file" in guarded.refused("fresh:main")


def test_a_pinned_policy_holds_whatever_is_pushed(guarded: Client, tmp_path: Path) -> None:
    guarded.git("init", "--quiet", "--bare", str(tmp_path / "empty.git"))
    guarded.git("remote", "set-url", "origin", str(tmp_path / "empty.git"))
    pinning = ("--profile", "weights", "--include", "*.csv")
    guarded.model("install", "--server", *pinning, cwd=tmp_path / "empty.git")
    guarded.git("checkout", "--quiet", "--orphan", "fresh")
    guarded.git("read-tree", "--empty")
    guarded.put("data.csv", b"1,2\n")
    guarded.put(".gitmodel", b"[git-model]\n\tversion = 1\n[protect]\n\texclude = *\n")
    guarded.record()
    assert "data.csv: plaintext at a protected path" in guarded.refused("fresh:main")


def test_only_the_server_s_own_configuration_overrides_and_that_is_logged(
    project: Project, guarded: Client
) -> None:
    guarded.put("config.json", b"{}\n")
    guarded.record()
    guarded.git("config", "git-model.guard", "warn")
    guarded.refused("main")
    project.remote.git("config", "git-model.guard", "warn")
    project.remote.git("config", "git-model.reason", "moving house")
    said = guarded.accepted("main")
    assert "pre-receive was overridden" in said
    log = (project.remote.path / "git-model" / "audit.log").read_text()
    assert "override-pre-receive" in log
    assert "moving house" in log


def test_a_push_out_of_a_shallow_clone_on_top_of_history_is_judged(
    project: Project, guarded: Client, tmp_path: Path
) -> None:
    guarded.put("train.py", b"print('more')\n")
    guarded.record()
    guarded.accepted("main")
    guarded.git("clone", "--quiet", "--depth=1", project.remote.path.as_uri(), tmp_path / "cut")
    cut = type(guarded)(tmp_path / "cut", guarded.env)
    cut.put("train.py", b"print('even more')\n")
    cut.record()
    cut.accepted("main")
    cut.put("config.json", b"{}\n")
    cut.record()
    assert "config.json: plaintext" in cut.refused("main")


@pytest.mark.parametrize("commits", [1, 2], ids=["parents are here", "parents are nowhere"])
def test_history_that_is_cut_is_refused_even_where_git_would_take_it(
    project: Project, guarded: Client, tmp_path: Path, commits: int
) -> None:
    for _ in range(commits):
        guarded.record()
    guarded.git("clone", "--quiet", "--depth=1", guarded.path.as_uri(), tmp_path / "cut")
    cut = type(guarded)(tmp_path / "cut", guarded.env)
    cut.record()
    cut.git("remote", "set-url", "origin", str(project.remote.path))
    project.remote.git("config", "receive.shallowUpdate", "true")
    said = cut.refused("main:refs/heads/cut")
    assert "history is cut" in said
    assert "git fetch --unshallow" in said


def test_a_forged_end_of_history_on_the_server_hides_nothing_new(
    project: Project, guarded: Client
) -> None:
    guarded.put("config.json", b"{}\n")
    guarded.record()
    guarded.drop("config.json")
    commit = guarded.record()
    (project.remote.path / "shallow").write_text(f"{commit}\n")
    assert "config.json: plaintext" in guarded.refused("main")


def test_grafts_on_the_server_hide_nothing_new(project: Project, guarded: Client) -> None:
    start = guarded.git("rev-parse", "HEAD")
    guarded.put("config.json", b"{}\n")
    guarded.record()
    guarded.drop("config.json")
    commit = guarded.record()
    (project.remote.path / "info" / "grafts").write_text(f"{commit} {start}\n")
    assert "config.json: plaintext" in guarded.refused("main")


def test_a_tree_that_unfolds_into_millions_of_files_is_refused(
    project: Project, guarded: Client
) -> None:
    project.remote.git("config", "git-model.maxEntries", "5000")
    oid = guarded.raw(b"x")
    kind, mode = "blob", "100644"
    for _ in range(7):
        listing = "".join(f"{mode} {kind} {oid}\t{name}\n" for name in range(10))
        oid = guarded.git("mktree", "--missing", stdin=listing)
        kind, mode = "tree", "040000"
    bomb = guarded.git("commit-tree", oid, "-m", "Bomb")
    assert "more than 5000 changed files" in guarded.refused(f"{bomb}:refs/heads/bomb")
    assert "more than 5000 changed files" in guarded.refused(f"{oid}:refs/tags/bomb")


def test_a_tree_that_was_large_already_may_get_branches_and_small_changes(
    project: Project, guarded: Client
) -> None:
    project.remote.git("config", "git-model.maxEntries", "3")
    guarded.accepted("main:refs/heads/other")
    guarded.put("train.py", b"print('small')\n")
    guarded.record()
    guarded.accepted("main")


def test_the_settings_of_who_pushes_are_not_the_server_s(
    project: Project, guarded: Client
) -> None:
    guarded.git("config", "--global", "git-model.guard", "warn")
    guarded.git("config", "--global", "git-model.maxEntries", "1")
    guarded.put("config.json", b"{}\n")
    guarded.record()
    assert "config.json: plaintext at a protected path" in guarded.refused("main")
    project.remote.git("config", "git-model.guard", "warn")
    assert "pre-receive was overridden" in guarded.accepted("main")
