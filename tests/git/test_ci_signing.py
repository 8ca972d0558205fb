"""The release script of CI, and the templates that sign after a merge on the server."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository

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
    for path in TEMPLATES:
        text = path.read_text()
        assert text.count("ci/sign-release.sh ") >= 2
        assert not re.search(r"sign-release\.sh .*(secrets|KEY|TOKEN)", text)


def test_every_action_that_signs_is_named_by_its_commit() -> None:
    used = re.findall(r"uses: (\S+)", TEMPLATES[0].read_text())
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used)
