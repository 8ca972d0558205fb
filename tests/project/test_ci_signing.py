"""The release script of CI, and the templates that sign after a merge on the server."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS, Repository
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project

SCRIPT = ROOT / "ci" / "sign-release.sh"
TEMPLATES = (ROOT / "ci" / "github-sign.yml", ROOT / "ci" / "gitlab-sign.yml")


@pytest.fixture
def merged(project: Project, person: PersonFactory) -> Repository:
    """A job's checkout of a branch on which the server merged what nobody signed."""
    ada = project.ada
    ada.model("config", "signing.when", "release")
    ada.commit("Sign releases")
    ada.git("switch", "--quiet", "--create", "topic")
    ada.write("config.json", b'{"merged": true}\n')
    ada.commit("New configuration")
    ada.git("switch", "--quiet", "main")
    ada.git(*NO_HOOKS, "merge", "--quiet", "--no-ff", "--message", "Merge", "topic")
    ada.git("push", "--quiet")
    return person("job").clone(project.remote)


def run(
    job: Repository, project: Project, tmp_path: Path, *arguments: str, **env: str
) -> subprocess.CompletedProcess[Any]:
    key = tmp_path / "exported.bin"
    if not key.exists():
        project.ada.model("key", "export", key)
    private = project.ada.path.parent / "signing.pem"
    if not private.exists():
        project.ada.model("key", "generate-signing", private, tmp_path / "signing.pub")
    secrets = {
        "GIT_MODEL_KEY": key.read_bytes().hex(),
        "SIGNING_PRIVATE_KEY": private.read_text(),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    chosen = {name: value for name, value in {**secrets, **env}.items() if value}
    everything = {**job.env, **chosen}
    if "GITHUB_OUTPUT" not in chosen:
        everything["GITHUB_OUTPUT"] = ""
    return execute(SCRIPT, *arguments, cwd=job.path, env=everything, check=False)


def test_what_was_merged_is_signed_verified_and_pushed(
    merged: Repository, project: Project, tmp_path: Path
) -> None:
    done = run(merged, project, tmp_path, SIGN_ADOPT="1", SIGN_PUSH="main")
    assert done.returncode == 0, done.stderr
    said = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    assert said["commit"] == project.remote.git("rev-parse", "main")
    assert said["bundle"] == "model.sig"
    bundle = merged.read("model.sig")
    assert said["sha256"] == hashlib.sha256(bundle).hexdigest()
    sealed = merged.read(".model-encrypted.sig")
    assert said["encrypted_sha256"] == hashlib.sha256(sealed).hexdigest()
    project.ada.git("pull", "--quiet")
    project.ada.model("verify", "key", "--public-key", tmp_path / "signing.pub")


def test_what_a_trusted_signer_signed_already_is_not_signed_again(
    merged: Repository, project: Project, tmp_path: Path
) -> None:
    trust = f"key --public-key {tmp_path / 'signing.pub'}"
    done = run(merged, project, tmp_path, SIGN_ADOPT="1", SIGN_TRUST=trust)
    assert done.returncode == 0, done.stderr
    before = merged.git("rev-parse", "HEAD")
    again = run(merged, project, tmp_path, SIGN_TRUST=trust, GITHUB_OUTPUT="")
    assert again.returncode == 0, again.stderr
    assert f"commit={before}" in again.stdout
    assert merged.git("rev-parse", "HEAD") == before


def test_nobody_vouches_for_what_was_merged_unless_that_is_said(
    merged: Repository, project: Project, tmp_path: Path
) -> None:
    done = run(merged, project, tmp_path)
    assert done.returncode == 1
    assert "config.json" in done.stderr
    assert not (tmp_path / "output").exists()


def test_a_key_in_the_checkout_is_nobody_to_trust(
    merged: Repository, project: Project, tmp_path: Path
) -> None:
    mallory = tmp_path / "mallory.pem"
    project.ada.model("key", "generate-signing", mallory, tmp_path / "mallory.pub")
    merged.write("ci.pub", (tmp_path / "mallory.pub").read_bytes())
    before = merged.git("rev-parse", "HEAD")
    done = run(merged, project, tmp_path, SIGN_TRUST="key --public-key ci.pub")
    assert done.returncode == 1
    assert "ci.pub: lies in the work tree that is judged by it" in done.stderr
    assert merged.git("rev-parse", "HEAD") == before
    assert not (tmp_path / "output").exists()


def test_each_model_root_has_its_bundle_in_the_outputs(
    project: Project, tmp_path: Path
) -> None:
    repo = Repository(tmp_path / "two", project.ada.env)
    execute("git", "init", "--quiet", repo.path)
    for root in ("a", "b c"):
        repo.write(f"{root}/w.bin", root.encode())
    repo.model("init", "--model-root", "a", "--model-root", "b c")
    repo.git("add", ".")
    repo.git(*NO_HOOKS, "commit", "--quiet", "--message", "Nobody signed")
    done = run(repo, replace(project, ada=repo), tmp_path, SIGN_ADOPT="1", GITHUB_OUTPUT="")
    assert done.returncode == 0, done.stderr
    said = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert said["bundle"] == "a/model.sig,b c/model.sig"
    assert said["encrypted_bundle"] == "a/.model-encrypted.sig,b c/.model-encrypted.sig"
    for paths, digests in (("bundle", "sha256"), ("encrypted_bundle", "encrypted_sha256")):
        found = [hashlib.sha256(repo.read(one)).hexdigest() for one in said[paths].split(",")]
        assert said[digests].split(",") == found


def test_keys_come_in_base64_and_in_files_and_the_jobs_own_commit_is_known(
    merged: Repository, project: Project, tmp_path: Path
) -> None:
    run(merged, project, tmp_path, SIGNING_PRIVATE_KEY="")  # makes the keys
    merged.git("commit", "--quiet", "--amend", "--message", "Sign up for everything")
    pem = (project.ada.path.parent / "signing.pem").read_bytes()
    encoded = base64.b64encode(pem).decode()
    done = run(merged, project, tmp_path, SIGN_ADOPT="1", SIGNING_PRIVATE_KEY=encoded)
    assert done.returncode == 0, done.stderr
    signed = merged.git("rev-parse", "HEAD")
    named = merged.git("log", "-1", "--format=%(trailers:key=Git-Model-Signs,valueonly)")
    assert named.strip() == merged.git("rev-parse", "HEAD^")
    text = tmp_path / "GIT_MODEL_KEY"
    text.write_text(base64.b64encode((tmp_path / "exported.bin").read_bytes()).decode() + "\n")
    file = tmp_path / "SIGNING_PRIVATE_KEY"
    public = (tmp_path / "signing.pub").read_bytes()
    for held, pushed in ((encoded, encoded), (pem.decode(), public.decode())):
        file.write_text(held)
        files = {"GIT_MODEL_KEY": str(text), "SIGNING_PRIVATE_KEY": str(file)}
        key = pushed if pushed is not encoded else base64.b64encode(public).decode()
        again = run(merged, project, tmp_path, SIGN_PUBLIC_KEY=key, **files)
        assert again.returncode == 0, again.stderr
        assert "signed already" in again.stderr
        assert merged.git("rev-parse", "HEAD") == signed


def test_where_nobody_is_trusted_the_jobs_own_commit_is_named_and_not_made_again(
    merged: Repository, project: Project, tmp_path: Path
) -> None:
    run(merged, project, tmp_path, SIGN_ADOPT="1")
    signed = merged.git("rev-parse", "HEAD")
    again = run(merged, project, tmp_path, "sigstore", GITHUB_OUTPUT="")
    assert again.returncode == 0, again.stderr
    assert "set SIGN_TRUST to verify it" in again.stderr
    said = dict(line.split("=", 1) for line in again.stdout.splitlines() if "=" in line)
    assert said["commit"] == signed
    assert said["sha256"] == hashlib.sha256(merged.read("model.sig")).hexdigest()
    assert merged.git("rev-parse", "HEAD") == signed


def test_a_branch_that_moved_meanwhile_is_signed_as_it_is_now(
    merged: Repository, project: Project, tmp_path: Path
) -> None:
    ada = project.ada
    ada.write("train.py", "print('moved')\n")
    ada.git("add", ".")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Moved")
    ada.git("push", "--quiet")
    moved = ada.git("rev-parse", "HEAD")
    done = run(merged, project, tmp_path, SIGN_ADOPT="1", SIGN_PUSH="main")
    assert done.returncode == 0, done.stderr
    assert project.remote.git("rev-parse", "main^") == moved
    assert (
        f"commit={project.remote.git('rev-parse', 'main')}" in (tmp_path / "output").read_text()
    )
    ada.git("pull", "--quiet")
    ada.model("verify", "--public-key", tmp_path / "signing.pub")


def test_what_a_branch_moved_to_is_vouched_for_by_the_same_rules_only(
    merged: Repository, project: Project, tmp_path: Path
) -> None:
    ada = project.ada
    run(merged, project, tmp_path, SIGN_ADOPT="1", SIGN_PUSH="main")
    ada.git("pull", "--quiet")
    ada.write("train.py", "print('by nobody')\n")
    ada.git("add", ".")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "By nobody")
    ada.git("push", "--quiet")
    theirs = ada.git("rev-parse", "HEAD")
    refused = run(merged, project, tmp_path, SIGN_PUSH="main")
    assert refused.returncode == 1
    assert "train.py" in refused.stderr
    assert project.remote.git("rev-parse", "main") == theirs


def test_a_branch_that_was_rewritten_meanwhile_is_not_signed(
    merged: Repository, project: Project, tmp_path: Path
) -> None:
    ada = project.ada
    ada.git("reset", "--quiet", "--hard", "HEAD^")
    ada.write("train.py", "print('another history')\n")
    ada.git("add", ".")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Another history")
    ada.git(*NO_HOOKS, "push", "--quiet", "--force")
    theirs = ada.git("rev-parse", "HEAD")
    refused = run(merged, project, tmp_path, SIGN_ADOPT="1", SIGN_PUSH="main")
    assert refused.returncode == 1
    assert "main was rewritten meanwhile" in refused.stderr
    assert project.remote.git("rev-parse", "main") == theirs


@pytest.mark.parametrize("missing", ["GIT_MODEL_KEY", "SIGNING_PRIVATE_KEY"])
def test_a_missing_variable_is_told_by_its_name(
    missing: str, merged: Repository, project: Project, tmp_path: Path
) -> None:
    done = run(merged, project, tmp_path, **{missing: ""})
    assert done.returncode == 1
    assert f"{missing} is not set" in done.stderr


def test_the_templates_call_the_script_and_keep_secrets_out_of_arguments() -> None:
    import yaml

    github, gitlab = (yaml.safe_load(path.read_text()) for path in TEMPLATES)
    job = github["jobs"]["sign"]
    assert job["permissions"] == {"contents": "write", "id-token": "write"}
    assert github["permissions"] == {}
    assert job["steps"][0]["with"]["fetch-depth"] == 0
    assert gitlab["git-model-sign"]["id_tokens"] == {"SIGSTORE_ID_TOKEN": {"aud": "sigstore"}}
    assert "git-lfs" in " ".join(gitlab["git-model-sign"]["before_script"])
    for path in TEMPLATES:
        text = path.read_text()
        # A title is anybody's to write.
        assert not re.search(r"head_commit.message|CI_COMMIT_(MESSAGE|TITLE)", text)
        assert "key --public-key" not in text
        assert text.count("ci/sign-release.sh ") >= 2
        assert not re.search(r"sign-release\.sh .*(secrets|KEY|TOKEN)", text)


def test_every_action_that_signs_is_named_by_its_commit() -> None:
    used = re.findall(r"uses: (\S+)", TEMPLATES[0].read_text())
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used)
