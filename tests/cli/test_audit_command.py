"""`git model audit` on the command line: text, JSON, SARIF, exit status."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest

from git_model_security.errors import UNCHECKED
from git_model_security.guard import finding, report
from git_model_security.guard.report import Report
from tests.fixtures.histories import MODEL, History

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

RULES = "*.bin filter=git-model\n"
ODD = b"dir with space/\xc3\xa4\xff\x1b[31m#%?.bin"


@pytest.fixture
def history(repo: Repository) -> History:
    """A history with plaintext at a path with an odd name, and a model in clear."""
    made = History(repo, RULES)
    made.stage(ODD, b"plain")
    made.stage("ckpt", MODEL)
    made.commit()
    return made


def _sarif(text: str) -> dict[str, Any]:
    log = json.loads(text)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return dict(run)


def test_findings_are_told_on_standard_output_and_end_in_exit_status_1(
    history: History,
) -> None:
    done = history.repo.model("audit", check=False)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert lines[-1].endswith("2 findings")
    assert lines[-2].startswith("Whether it was pushed is not known here")
    assert re.search(r"2023-11-15T22:13:20\+00:00; in main\)", lines[0])


def test_no_name_can_write_to_the_terminal(history: History) -> None:
    for arguments in ((), ("--json",), ("--sarif", "-")):
        done = history.repo.model("audit", *arguments, check=False, text=False)
        assert done.returncode == 1
        assert b"\x1b" not in done.stdout


def test_a_clean_history_ends_in_exit_status_0(repo: Repository) -> None:
    history = History(repo, RULES)
    history.stage("README.md", b"words\n")
    history.commit()
    done = repo.model("audit")
    assert done.stdout == (
        "1 commit, 1 blob: 0 proven ciphertext, 0 well-formed but not opened, 0 findings\n"
    )
    assert _sarif(repo.model("audit", "--sarif", "-").stdout)["results"] == []


def test_json_and_a_file_of_sarif_can_be_had_at_once(history: History) -> None:
    done = history.repo.model("audit", "--json", "--sarif", "out.sarif", check=False)
    assert done.returncode == 1
    told = json.loads(done.stdout)["findings"]
    results = _sarif((history.repo.path / "out.sarif").read_text())["results"]
    assert [one["rule"] for one in told] == [one["ruleId"] for one in results]
    assert {one["refs_total"] for one in told} == {1}


def test_sarif_has_what_code_scanning_pages_ask_for(history: History) -> None:
    done = history.repo.model("audit", "--sarif", "-", check=False)
    assert done.returncode == 1
    run = _sarif(done.stdout)
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    uris = {}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["region"]["startLine"] >= 1
        uris[result["ruleId"]] = place["artifactLocation"]["uri"]
        assert all(
            re.fullmatch("[0-9a-f]{64}", v) for v in result["partialFingerprints"].values()
        )
    assert uris[finding.MODEL] == "ckpt"
    assert unquote_to_bytes(uris[finding.PLAINTEXT]) == ODD
    assert re.fullmatch(r"[A-Za-z0-9/%._~-]+", uris[finding.PLAINTEXT])


def test_every_rule_has_its_place_in_sarif() -> None:
    names = {
        value
        for name, value in vars(finding).items()
        if name.isupper() and isinstance(value, str)
    }
    assert set(report._RULES) == names


def test_sarif_has_no_more_results_than_pages_take() -> None:
    one = finding.Finding(finding.MODEL, b"a", "0" * 40, 1, "model file")
    found = [one] * (report.MAX_RESULTS + 1)
    (run,) = report.to_sarif(Report(1, 1, 0, 0, 0, False, found), "1")["runs"]
    assert len(run["results"]) == report.MAX_RESULTS
    (invocation,) = run["invocations"]
    said = [one["message"]["text"] for one in invocation["toolExecutionNotifications"]]
    assert "only the first 25000" in said[-1]


def test_fingerprints_stay_the_same_when_history_goes_on(history: History) -> None:
    def prints() -> set[str]:
        text = history.repo.model("audit", "--sarif", "-", check=False).stdout
        return {
            value
            for result in _sarif(text)["results"]
            for value in result["partialFingerprints"].values()
        }

    before = prints()
    history.stage("other", b"words\n")
    history.commit(branch="other")
    assert prints() == before
    assert len(before) == 2


def test_what_stands_at_no_path_has_a_location_all_the_same(repo: Repository) -> None:
    history = History(repo, RULES)
    repo.git("tag", "loot", history.blob(MODEL))
    (result,) = _sarif(repo.model("audit", "--sarif", "-", check=False).stdout)["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "."


@pytest.mark.parametrize(
    "arguments",
    [
        ("--all", "main"),
        ("--json", "--sarif", "-"),
        ("--ci", "main..main", "main"),
        ("--ci", "main..main", "--fetch"),
        ("main", "--output=x"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    history: History, arguments: tuple[str, ...]
) -> None:
    assert history.repo.model("audit", *arguments, check=False).returncode == 2


def test_a_range_for_ci_is_audited(history: History) -> None:
    history.stage("b.bin", b"plain b")
    history.commit()
    done = history.repo.model("audit", "--ci", "main~1..main", check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("b.bin: plaintext")
    run = _sarif(
        history.repo.model("audit", "--ci", "main~1..main", "--sarif", "-", check=False).stdout
    )
    assert len(run["results"]) == 1


def test_a_file_that_cannot_be_written_is_an_error(history: History) -> None:
    done = history.repo.model("audit", "--sarif", "no/such/dir.sarif", check=False)
    assert done.returncode == UNCHECKED
    assert "git-model: error: no/such/dir.sarif" in done.stderr
