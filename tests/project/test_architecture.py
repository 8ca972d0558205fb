"""The floors, circles of imports, the size of rooms, and what no file may mention."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from tests.fixtures.processes import execute, tool
from tests.fixtures.tracked import ROOT, text_files

MODULE_LINES = 300

FOREIGN = {
    "a package index": r"\bpypi\.(org|python\.org)|pythonhosted|anaconda\.(org|com)|conda-forge"
    r"|--(extra-)?index-url[ =]|--find-links|PIP_(INDEX|EXTRA_INDEX|FIND_LINKS)",
    "a container or package registry": r"\b(docker|ghcr|quay|gcr)\.io\b|registry\.npmjs"
    r"|proxy\.golang|crates\.io|artifactory|\bnexus\.",
    "a directory of a build machine": r"(?<![\w.~$}{/-])/(work|root|Users|home)/\w",
}
"""What ties the project to one machine or one host, by what it is."""


def test_the_imports_keep_the_layer_table() -> None:
    execute(tool("lint-imports"), "--no-cache", cwd=ROOT)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("git_model_security", exclude_type_checking_imports=True)
    imports = {one: graph.find_modules_directly_imported_by(one) for one in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError with the circle


@pytest.mark.parametrize("reason", FOREIGN)
def test_no_file_names(reason: str) -> None:
    pattern = re.compile(FOREIGN[reason])
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path, text in text_files()
        if path != Path(__file__)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"{reason} is named in:\n" + "\n".join(found)


def test_no_module_outgrows_its_room() -> None:
    package = ROOT / "git_model_security"
    lines = {
        str(path.relative_to(ROOT)): text.count("\n")
        for path, text in text_files()
        if path.is_relative_to(package)
    }
    assert not {name: count for name, count in lines.items() if count > MODULE_LINES}


def test_the_locks_name_a_hash_for_every_package_and_no_address() -> None:
    locks = [
        *ROOT.glob("requirements*.lock"),
        *(ROOT / place / "requirements.lock" for place in ("demo", "examples/container")),
    ]
    for lock in locks:
        entries = re.sub(r"\\\n", "", re.sub(r"(?m)^#.*\n", "", lock.read_text())).splitlines()
        assert entries
        for entry in entries:
            assert re.fullmatch(
                r"[\w.-]+==[\w.]+( ; [^-]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", entry.strip()
            ), f"{lock.name}: {entry[:80]}"
