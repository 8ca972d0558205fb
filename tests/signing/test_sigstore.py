"""Signing and verifying with a Sigstore of one's own on loopback."""

from __future__ import annotations

import hashlib
import json
import socket
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import SigningError
from git_model_security.signing import sigstore_errors
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_sigstore import SigstoreSigner, SigstoreVerifier
from git_model_security.signing.manifest import plaintext_manifest
from git_model_security.signing.oidc import Source
from git_model_security.signing.sigstore_instance import Instance
from tests.fixtures.people import assert_signed
from tests.fixtures.processes import MODEL, execute
from tests.fixtures.sigstore_loopback import (
    CERTIFICATES,
    CI_TOKEN,
    ENTRIES,
    IDENTITY,
    ISSUER,
    LOGIN,
    Sigstore,
    token,
)
from tests.fixtures.terminals import typed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository

STOCK = (sys.executable, "-m", "model_signing")
WHO = ("--identity", IDENTITY, "--identity-provider", ISSUER)
AT_TERMINAL = {"GIT_TERMINAL_PROMPT": "1"}
OFFLINE = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No CI system, no browser and no token but those of the test."""
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "BROWSER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ada(project: Project, sigstore: Sigstore) -> Repository:
    """Ada's repository, which signs with Sigstore from now on."""
    repo = project.ada
    repo.git("config", "git-model.signingMethod", "sigstore")
    repo.git("config", "git-model.trustConfig", str(sigstore.trust_config))
    return repo


def config(sigstore: Sigstore) -> tuple[str, str]:
    return "--trust-config", str(sigstore.trust_config)


def change(repo: Repository, content: bytes = b"another version") -> None:
    repo.write("model.safetensors", content)
    repo.git("add", "model.safetensors")


def said_no(repo: Repository, *arguments: str, **env: str) -> str:
    done = repo.model("sign", *arguments, check=False, env=env)
    assert done.returncode == 1
    assert done.stderr.startswith("git-model: error: ")
    assert "Traceback" not in done.stderr
    return str(done.stderr)


def test_the_stock_command_verifies_what_we_signed(tmp_path: Path, sigstore: Sigstore) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "a.bin").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").digest()
    signer = SigstoreSigner(Instance.chosen(sigstore.trust_config, False), Source(token()))
    manifest = plaintext_manifest(".", "sha256", [(b"a.bin", digest)])
    (model / "model.sig").write_bytes(signer.sign(manifest))
    trust = ("--trust_config", sigstore.trust_config)
    who = ("--identity", IDENTITY, "--identity_provider", ISSUER)
    stock = (*STOCK, "verify", "sigstore", *trust, *who, "--signature", model / "model.sig")
    execute(*stock, model)
    (model / "a.bin").write_bytes(b"weighty")
    assert execute(*stock, model, check=False).returncode == 1


def test_a_server_that_never_answers_does_not_hold_a_commit_for_ever(
    tmp_path: Path, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sigstore_errors, "SECONDS", 0.2)
    config = tmp_path / "hangs.json"
    with socket.create_server(("127.0.0.1", 0)) as server:
        hangs = f"http://127.0.0.1:{server.getsockname()[1]}"
        trust = sigstore.trust()
        authority = trust["signingConfig"]["caUrls"][0]
        trust["signingConfig"]["caUrls"] = [{**authority, "url": hangs}]
        config.write_text(json.dumps(trust))
        signer = SigstoreSigner(Instance.chosen(config, False), Source(token()))
        manifest = plaintext_manifest(".", "sha256", [(b"a.bin", b"\1" * 32)])
        with pytest.raises(SigningError, match=f"cannot reach .* at {hangs}"):
            signer.sign(manifest)


def test_we_verify_what_the_stock_command_signed(tmp_path: Path, sigstore: Sigstore) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "a.bin").write_bytes(b"weights")
    options = ("--trust_config", sigstore.trust_config, "--identity_token", token())
    execute(*STOCK, "sign", "sigstore", *options, "--signature", tmp_path / "sig", model)
    verifier = SigstoreVerifier(IDENTITY, ISSUER, Instance.chosen(sigstore.trust_config, False))
    opened = open_bundle((tmp_path / "sig").read_bytes(), [verifier])
    assert opened.manifest.items == {"a.bin": hashlib.sha256(b"weights").digest()}
    assert str(opened.signer) == f"{IDENTITY} ({ISSUER})"
    pinned = SigstoreVerifier.from_pin(verifier.pin.content, "the pin")
    assert open_bundle((tmp_path / "sig").read_bytes(), [pinned]).signer == opened.signer


def test_a_commit_is_signed_with_the_token_of_the_environment(
    ada: Repository, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = token()
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", secret)
    change(ada)
    ada.git("commit", "--quiet", "--message", "Change")
    assert sigstore.requests.count(CERTIFICATES) == sigstore.requests.count(ENTRIES) == 2
    monkeypatch.delenv("SIGSTORE_ID_TOKEN")

    sigstore.requests.clear()
    assert_signed(ada)
    assert f"signed by {IDENTITY} ({ISSUER})" in ada.model("verify", env=OFFLINE).stdout
    ada.model("verify", "HEAD", "--encrypted", env=OFFLINE)
    ada.model("verify", "sigstore", *WHO, *config(sigstore), env=OFFLINE)
    assert sigstore.requests == []

    # The token proves who Ada is for minutes to come: it lies nowhere.
    found = execute("grep", "-rl", secret.split(".")[1], ada.path.parent, check=False)
    assert found.stdout == ""


def test_a_signature_is_made_anew_only_when_the_manifest_differs(
    ada: Repository, sigstore: Sigstore
) -> None:
    change(ada)
    ada.model("sign", "--identity-token", token())
    sigstore.requests.clear()
    assert "Signed already" in ada.model("sign", "--identity-token", token()).stdout
    assert "as it is staged" in ada.model("verify", env=OFFLINE).stdout
    assert sigstore.requests == []


def test_another_identity_or_issuer_is_told_with_the_one_that_signed(
    ada: Repository, sigstore: Sigstore
) -> None:
    change(ada)
    ada.model("sign", "--identity-token", token())
    ada.git("commit", "--quiet", "--message", "Change")
    for who in (("eve@example.com", ISSUER), (IDENTITY, "https://elsewhere.example.com")):
        options = ("--identity", who[0], "--identity-provider", who[1], *config(sigstore))
        done = ada.model("verify", "sigstore", *options, check=False)
        assert done.returncode == 1
        assert f"wrong identity: model.sig: signed by a sigstore identity: {IDENTITY}" in (
            done.stdout
        )
        assert f"({ISSUER}), not by sigstore {who[0]} ({who[1]}) as given" in done.stdout


def test_the_identity_needs_its_issuer(ada: Repository) -> None:
    done = ada.model("verify", "sigstore", "--identity", IDENTITY, check=False)
    assert done.returncode == 2
    assert "needs --identity-provider" in done.stderr


def test_a_token_that_cannot_be_used_is_told_before_anybody_is_asked(
    ada: Repository, sigstore: Sigstore
) -> None:
    change(ada)
    over = token(seconds=-60)
    said = said_no(ada, SIGSTORE_ID_TOKEN=over)
    assert "SIGSTORE_ID_TOKEN: the OIDC token expired at " in said
    assert over.split(".")[1] not in said
    assert sigstore.requests == []


def test_without_a_token_and_a_terminal_nothing_is_signed_nor_committed(
    ada: Repository, sigstore: Sigstore
) -> None:
    change(ada)
    assert "no OIDC token available, and no terminal to log in at" in said_no(ada)
    before = ada.git("rev-parse", "HEAD")
    done = ada.git.run("commit", "--quiet", "--message", "Change", check=False)
    assert done.returncode == 1
    assert "no OIDC token available" in done.stderr
    assert ada.git("rev-parse", "HEAD") == before
    assert sigstore.requests == []


def test_the_ci_system_gives_a_token_and_a_job_that_may_not_ask_is_told_why(
    ada: Repository, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    change(ada)
    said = said_no(ada)
    assert "no OIDC token available: this GitHub job may not ask for one" in said
    assert "`permissions: id-token: write`" in said
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of the job")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{sigstore.url}{CI_TOKEN}?job=1")
    ada.model("sign")
    assert sigstore.requests.count(CI_TOKEN) == 1
    ada.git("commit", "--quiet", "--message", "Change")
    assert_signed(ada)


def test_one_login_serves_both_bundles_and_the_next_commit(
    ada: Repository, sigstore: Sigstore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    browser = tmp_path / "browser"
    visit = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"
    browser.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{visit}" "$1"\n')
    browser.chmod(0o755)

    change(ada)
    words = ("git", "commit", "--quiet", "-m", "One")
    status, shown = typed(words, {}, ada.path, AT_TERMINAL | {"BROWSER": str(browser)})
    assert status == 0, shown
    assert_signed(ada)
    (kept,) = (runtime / "git-model" / "tokens").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700

    # Nobody is at a terminal now, and the token lasts.
    change(ada, b"a third version")
    ada.git("commit", "--quiet", "--message", "Two")
    assert_signed(ada)
    assert sigstore.requests.count(LOGIN) == 1

    # One that is over is asked for no more, and removed.
    kept.write_text(token(seconds=-5))
    change(ada, b"a fourth version")
    assert "no OIDC token available" in said_no(ada)
    assert not kept.exists()


def test_a_code_is_asked_for_where_no_browser_can_be_opened(
    ada: Repository, sigstore: Sigstore
) -> None:
    change(ada)
    words = (*MODEL, "sign", "--oauth-force-oob")
    answers = {"Enter verification code: ": "a code"}
    status, shown = typed(words, answers, ada.path, AT_TERMINAL)
    assert status == 0, shown
    assert f"{sigstore.url}/auth?" in shown
    assert "Signed; the signatures are staged" in shown


PUBLIC = ("sigstore", "--use-staging", "--identity-token")


def test_public_sigstore_needs_consent_and_names_the_line_that_gives_it(
    project: Project,
) -> None:
    repo = project.ada
    change(repo)
    said = said_no(repo, *PUBLIC, token(), **OFFLINE)
    assert "nobody has agreed to that here" in said
    assert "`git model config publicLog true`" in said
    repo.git("config", "git-model.publicLog", "false")
    assert "refused by git-model.publicLog" in said_no(repo, *PUBLIC, token(), **OFFLINE)
    repo.git("config", "git-model.publicLog", "true")
    assert "cannot refresh what is trusted" in said_no(repo, *PUBLIC, token(), **OFFLINE)


@pytest.mark.parametrize(("answer", "kept"), [("n", ""), ("", ""), ("y", "true")])
def test_consent_is_asked_for_once_and_says_what_becomes_public(
    answer: str, kept: str, project: Project
) -> None:
    repo = project.ada
    change(repo)
    words = (*MODEL, "sign", *PUBLIC, token())
    status, shown = typed(words, {"[y/N] ": answer}, repo.path, AT_TERMINAL | OFFLINE)
    assert status == 1
    assert "publishes, for ever" in shown
    assert "who you are: the e-mail address" in shown
    wanted = "cannot refresh" if kept else "nothing was published and nothing signed"
    assert wanted in shown
    assert repo.git("config", "--default", "", "git-model.publicLog") == kept


def test_a_clone_trusts_an_identity_that_it_was_told(
    ada: Repository, sigstore: Sigstore, project: Project, person: PersonFactory
) -> None:
    change(ada)
    ada.model("sign", "--identity-token", token())
    ada.git("commit", "--quiet", "--message", "Change")
    ada.git("push", "--quiet")
    clone = person("bob").clone(project.remote)
    clone.model("unlock", *project.keys)
    assert "untrusted signer" in clone.model("verify", "HEAD", check=False).stdout
    clone.model("trust", "add", "sigstore", *WHO, *config(sigstore), "--yes")
    assert_signed(clone)
