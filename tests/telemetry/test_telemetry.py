"""OpenTelemetry: what a collector is told, and that nobody waits for one."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures.collector import Collector
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address where nothing listens, and nothing will while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_command_is_a_span_with_its_parts_and_its_exit_status(
    project: Project, collector: Collector
) -> None:
    project.ada.model("verify", "HEAD", env=collector.env)
    root, part = collector.named("git-model verify"), collector.named("verify")
    assert not root.parent
    assert (part.trace, part.parent) == (root.trace, root.id)
    assert root.facts["process.exit.code"] == 0
    assert not root.failed
    assert root.facts["git_model.version"] == root.resource["service.version"]
    assert root.resource["service.name"] == "git-model"


def test_a_failure_names_the_family_of_the_error_and_no_file(
    project: Project, collector: Collector
) -> None:
    private = str(project.ada.path / "no-such-secret.pem")
    project.ada.model("sign", "--private-key", private, env=collector.env, check=False)
    span = collector.named("git-model sign")
    assert span.failed
    assert span.facts["process.exit.code"] == 1
    assert str(span.facts["error.type"]).endswith("Error")
    assert b"no-such-secret" not in collector.said


def test_hooks_and_the_filter_report_without_a_path_or_a_key(
    project: Project, collector: Collector
) -> None:
    project.ada.write("secret-weights.safetensors", b"new")
    project.ada.git("add", ".", env=collector.env)
    project.ada.git("commit", "--quiet", "--message", "More", env=collector.env)
    filters = [span for span in collector.spans if span.name == "git-model filter-process"]
    assert sum(int(span.facts["git_model.cleaned"]) for span in filters)
    hook = collector.named("git-model hook pre-commit")
    signed = [span for span in collector.spans if span.name == "sign"]
    assert {span.parent for span in signed} == {hook.id}
    for span in collector.spans:
        told = {**span.facts, **span.resource}
        assert not [
            value
            for value in map(str, told.values())
            if "/" in value or "secret" in value or len(value) > 20
        ]
    assert b"secret-weights" not in collector.said
    assert str(project.ada.path).encode() not in collector.said


def test_what_git_starts_for_a_command_is_within_its_trace(
    project: Project, collector: Collector, tmp_path: Path
) -> None:
    parent = {"TRACEPARENT": f"00-{TRACE}-{PARENT}-01", "OTEL_SERVICE_NAME": "deployment"}
    keys = project.keys
    project.ada.model(
        "clone",
        str(project.remote.path),
        str(tmp_path / "clone"),
        *keys,
        env={**collector.env, **parent},
    )
    assert {span.trace for span in collector.spans} == {TRACE}
    assert {span.resource["service.name"] for span in collector.spans} == {"deployment"}
    clone = collector.named("git-model clone")
    assert clone.parent == PARENT


@pytest.mark.parametrize(
    "setting",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_TRACES_SAMPLER": "always_off"},
    ],
    ids=str,
)
def test_the_standard_variables_turn_it_off(
    repo: Repository, collector: Collector, setting: dict[str, str]
) -> None:
    repo.model("log", env={**collector.env, **setting})
    assert not collector.said


def said(repo: Repository, env: dict[str, str]) -> tuple[int, str, str]:
    done = repo.model("log", "--json", env=env, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "setting",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://no-such-host.invalid:4318"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "no address", "OTEL_EXPORTER_OTLP_HEADERS": "none"},
        {"OTEL_RESOURCE_ATTRIBUTES": "none", "OTEL_TRACES_SAMPLER": "none", "TRACEPARENT": "x"},
        {"OTEL_BSP_EXPORT_TIMEOUT": "soon"},
    ],
    ids=str,
)
def test_what_is_set_wrongly_is_silent(
    repo: Repository, refusing: str, setting: dict[str, str]
) -> None:
    quiet = said(repo, {})
    assert said(repo, {"OTEL_EXPORTER_OTLP_ENDPOINT": refusing, **setting}) == quiet


def test_a_collector_that_never_answers_is_silent_and_left(
    repo: Repository, collector: Collector
) -> None:
    quiet = said(repo, {})
    collector.answering.clear()
    # Its answer comes only after this line, so whoever waited for it would not get here
    # before the exporter's own ten seconds.
    assert said(repo, {**collector.env, "OTEL_BSP_EXPORT_TIMEOUT": ""}) == quiet


def test_without_the_extra_nothing_is_told(repo: Repository, refusing: str) -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None;"
        "from git_model_security.cli import run; sys.exit(run(['log']))"
    )
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": refusing}
    done = execute(sys.executable, "-I", "-c", program, cwd=repo.path, env=env)
    assert done.stderr == repo.model("log").stderr


@pytest.mark.parametrize("command", [["hook", "post-commit"], ["status"]], ids=" ".join)
def test_nothing_is_imported_unless_a_variable_asks_for_it(
    repo: Repository, command: list[str]
) -> None:
    program = (
        f"import sys; from git_model_security.cli import run; run({command!r});"
        "print({'opentelemetry', 'logging'} & {*sys.modules} or 'neither')"
    )
    done = execute(sys.executable, "-I", "-c", program, cwd=repo.path)
    assert done.stdout.splitlines()[-1] == "neither"
