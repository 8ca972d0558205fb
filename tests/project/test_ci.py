"""What a job checks that has a checkout and no key, and the templates that start it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import UNCHECKED
from tests.fixtures.histories import MODEL
from tests.fixtures.processes import execute, tool
from tests.fixtures.servers import ZERO, Client
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project

TEMPLATES = (ROOT / "ci" / "github-actions.yml", ROOT / "ci" / "gitlab-ci.yml")
HOOKS = ROOT / ".pre-commit-hooks.yaml"


def audit(
    clone: Client, range_: str, *options: str, check: bool = False
) -> subprocess.CompletedProcess[str]:
    return clone.model("audit", "--ci", range_, *options, check=check)


def test_only_what_the_range_brings_is_reported(client: Client) -> None:
    client.put("config.json", b"old\n")
    client.record()
    client.git("branch", "base")
    client.put("tokenizer.json", b"new\n")
    client.record()
    done = audit(client, "base..HEAD")
    assert done.returncode == 1
    assert "tokenizer.json: plaintext at a protected path" in done.stdout
    assert "config.json" not in done.stdout


@pytest.mark.parametrize("dots", ["..", "..."])
def test_a_clean_range_passes(client: Client, dots: str) -> None:
    client.put("train.py", b"print('better')\n")
    client.record()
    audit(client, f"origin/main{dots}HEAD", check=True)
    audit(client, f"origin/main{dots}", check=True)
    audit(client, "HEAD..HEAD", check=True)


def test_the_policy_of_the_base_counts_whatever_the_head_says(client: Client) -> None:
    client.put(".gitmodel", b"[git-model]\n\tversion = 1\n[protect]\n\texclude = *\n")
    client.put(".gitattributes", b"* -filter\n")
    client.put("config.json", b"{}\n")
    client.record()
    client.git("reset", "--quiet", "--hard")
    done = audit(client, "origin/main..HEAD")
    assert done.returncode == 1
    assert "config.json: plaintext at a protected path" in done.stdout
    assert ".gitmodel: protects less than before" in done.stdout


def test_the_policy_of_the_head_adds_to_it(client: Client) -> None:
    policy = client.blob("HEAD:.gitmodel")
    client.put(".gitmodel", policy + b"[protect]\n\tinclude = .hidden\n")
    client.put(".hidden", b"clear\n")
    client.record()
    assert ".hidden: plaintext" in audit(client, "origin/main..HEAD").stdout


def test_a_model_by_content_and_a_key_are_reported(client: Client) -> None:
    client.put("notes.md", MODEL)
    client.put("ci/key.py", b"-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n")
    client.record()
    said = audit(client, "origin/main..HEAD").stdout
    assert "notes.md: model file" in said
    assert "ci/key.py: private key" in said


def test_a_checkout_of_a_merge_ref_is_audited(project: Project, client: Client) -> None:
    base = client.git("rev-parse", "HEAD")
    client.put("config.json", b"{}\n")
    head = client.record()
    tree = client.git("rev-parse", f"{head}^{{tree}}")
    merge = client.git("commit-tree", tree, "-m", "Merge", "-p", base, "-p", head)
    client.accepted(f"{merge}:refs/pull/7/merge")
    client.git("init", "--quiet", "../job")
    job = Client(client.path.parent / "job", client.env)
    job.git("fetch", "--quiet", project.remote.path.as_uri(), "refs/pull/7/merge")
    job.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    done = audit(job, f"{base}..HEAD")
    assert done.returncode == 1
    assert "config.json: plaintext" in done.stdout


def test_a_base_that_is_not_here_is_told_with_how_to_fetch_it(client: Client) -> None:
    done = audit(client, f"{'1' * 40}..HEAD")
    assert done.returncode == UNCHECKED
    assert "this commit is not in the checkout" in done.stderr
    assert "fetch-depth: 0" in done.stderr
    assert f"git fetch --no-tags origin {'1' * 40}" in done.stderr


def test_history_that_is_cut_within_the_range_is_not_clean(
    project: Project, client: Client
) -> None:
    base = client.git("rev-parse", "HEAD")
    client.put("config.json", b"{}\n")
    client.record()
    client.put("config.json", client.blob(f"{base}:config.json"))
    client.record()
    client.accepted("main")
    url = project.remote.path.as_uri()
    client.git("clone", "--quiet", "--depth=1", url, "../job", env={"GIT_TERMINAL_PROMPT": "0"})
    job = Client(client.path.parent / "job", client.env)
    job.git("fetch", "--quiet", "--depth=1", "origin", base)
    done = audit(job, f"{base}..HEAD")
    assert done.returncode == UNCHECKED
    assert "history is cut before the commit that both ends" in done.stderr
    assert "GIT_DEPTH: 0" in done.stderr


def test_a_side_of_the_range_that_is_cut_fails(project: Project, client: Client) -> None:
    client.put("train.py", b"print()\n")
    client.record()
    client.accepted("main")
    client.git("clone", "--quiet", "--depth=1", project.remote.path.as_uri(), "../job")
    job = Client(client.path.parent / "job", client.env)
    done = audit(job, f"{ZERO}..HEAD")
    assert done.returncode == UNCHECKED
    assert "history is cut at commit" in done.stderr


def test_a_shallow_checkout_that_holds_the_range_is_enough(
    project: Project, client: Client
) -> None:
    for number in range(3):
        client.put("train.py", b"print(%d)\n" % number)
        client.record()
    client.accepted("main")
    url = project.remote.path.as_uri()
    client.git("clone", "--quiet", "--depth=2", url, "../job")
    job = Client(client.path.parent / "job", client.env)
    done = audit(job, "HEAD~..HEAD", "--json", check=True)
    assert json.loads(done.stdout)["cut"] is False


def test_a_new_branch_has_no_base_and_all_of_it_is_audited(client: Client) -> None:
    done = audit(client, f"{ZERO}..HEAD", "--json", check=True)
    assert json.loads(done.stdout)["commits"] == 1


@pytest.mark.parametrize("range_", ["HEAD", "a..b..c", "--all..HEAD", ""])
def test_what_is_no_range_is_wrong_usage(client: Client, range_: str) -> None:
    done = audit(client, range_)
    assert done.returncode == 2
    assert ("not a range" if range_ else "is empty") in done.stderr


def test_findings_are_written_as_sarif(client: Client, tmp_path: Path) -> None:
    client.put("config.json", b"{}\n")
    client.record()
    done = audit(client, "origin/main..HEAD", "--sarif", str(tmp_path / "found.sarif"))
    assert done.returncode == 1
    document = json.loads((tmp_path / "found.sarif").read_text())
    assert len(document["runs"][0]["results"]) == 1


def test_the_index_guard_refuses_and_signs_nothing(project: Project, client: Client) -> None:
    project.ada.write("train.py", "print('changed')\n")
    project.ada.git("add", "train.py")
    before = project.ada.git("write-tree")
    project.ada.model("hook", "index-guard")
    assert project.ada.git("write-tree") == before
    client.model("hook", "index-guard")
    client.put("config.json", b"{}\n")
    refused = client.model("hook", "index-guard", check=False)
    assert refused.returncode == 1
    assert "config.json: plaintext at a protected path" in refused.stderr


def test_the_pre_commit_framework_runs_the_guard_beside_our_own_hook(
    project: Project, tmp_path: Path
) -> None:
    framework = tool("pre-commit")
    hook = parsed(HOOKS)[0]
    local = {"repos": [{"repo": "local", "hooks": [{**hook, "language": "system"}]}]}
    repo = project.ada
    repo.write(".pre-commit-config.yaml", json.dumps(local))  # JSON is YAML
    execute(framework, "install", cwd=repo.path)
    repo.write("train.py", "print('through the framework')\n")
    repo.commit()
    repo.model("verify", "HEAD")
    repo.write(".cache/weights", MODEL)
    repo.git("add", ".cache/weights")
    refused = execute(framework, "run", "git-model-guard", cwd=repo.path, check=False)
    assert refused.returncode == 1
    assert ".cache/weights: model file" in refused.stdout


def parsed(path: Path) -> Any:
    """Parses YAML, with the parser of the pre-commit framework."""
    import yaml

    return yaml.safe_load(path.read_text())


def test_the_hooks_of_the_framework_name_our_guard() -> None:
    (hook,) = parsed(HOOKS)
    assert hook["id"] == "git-model-guard"
    assert hook["entry"] == "git-model hook index-guard"
    assert hook["pass_filenames"] is False


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_the_templates_run_the_audit_over_all_history(path: Path) -> None:
    document = parsed(path)
    text = path.read_text()
    assert "audit --ci" in " ".join(text.split()) or "audit\n" in text
    assert "--sarif" in text
    if "jobs" in document:
        steps = document["jobs"]["git-model"]["steps"]
        assert steps[0]["with"]["fetch-depth"] == 0
        assert steps[0]["with"]["persist-credentials"] is False
        assert document["permissions"] == {}
    else:
        assert document["git-model"]["variables"]["GIT_DEPTH"] == "0"


def test_every_action_is_named_by_its_commit() -> None:
    used = re.findall(r"uses: (\S+)", TEMPLATES[0].read_text())
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_the_templates_ask_for_no_key(path: Path) -> None:
    text = path.read_text()
    assert "secrets." not in text
    assert "GIT_MODEL_KEY" not in text


def test_a_signed_untrack_passes_where_the_job_knows_the_signer(
    project: Project, person: PersonFactory
) -> None:
    base = project.ada.git("rev-parse", "HEAD")
    project.ada.model("untrack", "config.json", "--yes")
    project.ada.commit("Public")
    project.ada.git("push", "--quiet")
    made = person("job").clone(project.remote)
    job = Client(made.path, made.env)
    said = audit(job, f"{base}..HEAD").stdout
    assert ".gitmodel: protects less than before" in said
    assert "config.json" in said
    audit(job, f"{base}..HEAD", "--public-key", str(project.public), check=True)
    # It was for that job alone, and not for another commit under the same policy.
    assert audit(job, f"{base}..HEAD").returncode == 1
    job.put("tokenizer.json", b"clear\n")
    job.record()
    said = audit(job, f"{base}..HEAD", "--public-key", str(project.public)).stdout
    assert "tokenizer.json: plaintext" in said
    assert job.model("audit", "--public-key", str(project.public), check=False).returncode == 2
