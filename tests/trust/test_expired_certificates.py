"""What a certificate signed, after it expired: the clock is moved in this process."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest

from git_model_security.clone.clone import Clone
from git_model_security.errors import FAILED
from git_model_security.git import index
from git_model_security.git.repository import Repository as Facts
from git_model_security.guard.outgoing import Pushed
from git_model_security.hooks import post_checkout, signed_refs
from git_model_security.provenance.commits import stands
from git_model_security.signing import certification
from git_model_security.status import state
from git_model_security.trust import pinned_trust
from git_model_security.verification import tree_check
from tests.fixtures.chains import IDENTITY

if TYPE_CHECKING:
    from tests.fixtures.chains import Chains
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository


@pytest.fixture
def ada(project: Project, chains: Chains) -> Repository:
    """Ada's repository, whose HEAD was signed by certificate."""
    repo, one = project.ada, chains["good"]
    files = ("--private-key", str(one.key), "--signing-certificate", str(one.certificate))
    above = ("--certificate-chain", str(chains.chain("good")[0]))
    repo.model("sign", "certificate", *files, *above, "--amend")
    who = ("--certificate-chain", str(chains.root), "--identity", IDENTITY)
    repo.model("trust", "add", *who, "--yes")
    return repo


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes it a time when the certificates of the tests have expired."""
    moment = datetime.datetime(2120, 1, 1, tzinfo=datetime.UTC)
    monkeypatch.setattr(certification, "now", lambda: moment)


def test_what_an_expired_certificate_signed_is_verified_nowhere(
    ada: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = Clone(Facts.discover(ada.path, local=False))
    head = ada.git("rev-parse", "HEAD")
    pushed = Pushed("refs/heads/main", head, "refs/heads/main", "0" * 40)
    monkeypatch.setenv("GIT_MODEL_VERIFY", "enforce")
    with clone.objects:
        tree = index.require(clone.repo, "HEAD^{tree}")
        assert post_checkout.finish_checkout(clone, ["", "", "1"]) == 0
        assert "is verified" in capsys.readouterr().err
        assert not signed_refs.find_unsigned(clone, [pushed], None).lines
        assert pinned_trust.is_known_good(clone, tree)

        later(monkeypatch)
        assert not pinned_trust.is_known_good(clone, tree)
        assert not tree_check.holds(clone, tree)
        assert post_checkout.finish_checkout(clone, ["", "", "1"]) == FAILED
        said = capsys.readouterr().err
        assert "is unverified: invalid signature" in said
        assert "expired on 2099-01-01" in said
        assert "expired" in state.head_state(clone).said
        (line,) = signed_refs.find_unsigned(clone, [pushed], None).lines
        assert "expired" in line


def test_what_was_verified_in_time_may_still_be_built_upon(
    ada: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = Clone(Facts.discover(ada.path, local=False))
    with clone.objects:
        tree = index.require(clone.repo, "HEAD^{tree}")
        assert tree_check.holds(clone, tree)
        later(monkeypatch)
        assert stands(clone, "HEAD")
        # Who comes after the end, and so has never seen it hold, has to decide.
        clone.memory.execute("DELETE FROM judged")
        assert not stands(clone, "HEAD")
