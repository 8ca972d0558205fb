"""What was signed and verified, in the audit log: by whom, of what, in which run of CI."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_model_security import messages
from git_model_security.clone import audit_log
from git_model_security.errors import GitError
from git_model_security.git import config
from git_model_security.git.paths import shown
from git_model_security.trust.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.signing.methods import SignerIdentity
    from git_model_security.verification.range_check import RangeVerdict

_RUNS = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL")
"""Variables in which GitLab, Jenkins and CircleCI name the run."""


def read(repo: Repository) -> list[dict[str, object]]:
    """Returns the audit log, the newest event first.

    A signature is made before its commit, of which it knows the tree: its commits are all
    those of now with that tree, that a ref or a reflog reaches.

    Raises:
        GitError: the log cannot be read.
    """
    from git_model_security.git import ranges  # who only records needs none of it

    found = audit_log.read(repo)[::-1]
    nameless = [event for event in found if event.get("tree") and not event.get("commits")]
    with contextlib.suppress(GitError):  # of a damaged history the log is still worth much
        commits = ranges.list_by_tree(repo) if nameless else {}
        for event in nameless:
            event["commits"] = commits.get(str(event["tree"]), [])
    return found


def record_signature(
    repo: Repository, identity: SignerIdentity, tree: str, digests: Mapping[str, str]
) -> None:
    """Records who signed a tree, whose commit may come later.

    With the SHA-256 of each new bundle by its path, as `sha256sum` shows it.

    Raises:
        GitError: the log cannot be written: nothing is signed without a trace.
    """
    facts = {"tree": tree, "signer": str(identity), "digests": dict(digests)}
    audit_log.record(repo, "sign", facts=_facts(repo, identity.method, facts))


def record_unsigned(repo: Repository, commit: str, lines: Iterable[str]) -> None:
    """Records a commit that was made unsigned since nobody vouches for paths, a line each.

    It is made already: where that cannot be written it is only said.
    """
    with _telling():
        findings = [line.strip() for line in lines]
        audit_log.record(repo, "not-signed", commits=[commit], findings=findings)


def record_adoption(repo: Repository, paths: Iterable[bytes]) -> None:
    """Records what a person vouched for.

    Raises:
        GitError: the log cannot be written: nothing is adopted without a trace.
    """
    audit_log.record(repo, "adopt", findings=map(shown, paths))


def record_verdict(
    repo: Repository, verdict: Verdict, commits: Sequence[str] | None = None
) -> None:
    """Records a verification, good or bad; where that cannot be written it is only said.

    A check may run where nothing can be written, and its answer is worth more. It is about
    the commit of the verdict, if no others are named.
    """
    facts = {
        "subject": verdict.subject,
        "good": verdict.good,
        "signer": ", ".join(sorted(set(verdict.signers.values()))),
        "digests": dict(verdict.digests),
    }
    methods = ", ".join(sorted(set(verdict.methods.values())))
    with _telling():
        audit_log.record(
            repo,
            "verify",
            commits=filter(None, [verdict.commit]) if commits is None else commits,
            findings=[f"{one.reason.value}: {one.detail}" for one in verdict.findings],
            facts=_facts(repo, methods, facts),
        )


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except GitError as error:
        messages.tell(error, level="warning")


def record_range(repo: Repository, found: RangeVerdict) -> None:
    """Records the verification of a range, as one event."""
    verdict = Verdict(found.subject)
    for row in found.rows:
        oid, one = row.commit.oid, row.verdict
        verdict.signers |= {f"{oid} {root}": signer for root, signer in one.signers.items()}
        verdict.methods |= {f"{oid} {root}": method for root, method in one.methods.items()}
        for finding in one.findings[:1]:
            verdict.findings.append(finding._replace(detail=f"{oid}: {finding.detail}"))
    record_verdict(repo, verdict, [row.commit.oid for row in found.rows])


def _facts(repo: Repository, method: str, facts: Mapping[str, object]) -> dict[str, object]:
    return {"repository": _name(repo), "method": method, **facts, "run": _run()}


def _name(repo: Repository) -> str:
    """Returns where the repository is from, without a password; else where it is."""
    url = config.get(repo, "remote.origin.url")
    if not url:
        return str(repo.work_tree or repo.git_dir)
    parts = urlsplit(url)
    if parts.scheme and parts.hostname:
        port = f":{parts.port}" if parts.port else ""
        return parts._replace(netloc=f"{parts.hostname}{port}", query="", fragment="").geturl()
    return url


def _run() -> str:
    """Returns the run of CI that this is, if it is one."""
    environment = os.environ
    if environment.get("GITHUB_RUN_ID"):
        server = environment.get("GITHUB_SERVER_URL", "")
        place = environment.get("GITHUB_REPOSITORY", "")
        return f"{server}/{place}/actions/runs/{environment['GITHUB_RUN_ID']}"
    return next((environment[name] for name in _RUNS if environment.get(name)), "")
