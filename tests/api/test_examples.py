"""The examples of docs/API.md, one after the other, as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import git_model_security

TEXT = Path(__file__).parents[2] / "docs" / "API.md"


def test_each_example_runs(here: Path) -> None:
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", TEXT.read_text(), re.DOTALL)
    assert len(blocks) > 8
    for block in blocks:
        exec(compile(block, str(TEXT), "exec"), names)
    assert (here / "plain" / "config.json").exists()


def test_every_public_name_has_a_sentence() -> None:
    for name in git_model_security.__all__:
        assert getattr(git_model_security, name).__doc__, name


def test_importing_the_package_imports_none_of_it() -> None:
    program = (
        "import sys; before = set(sys.modules); import git_model_security;"
        "print([name for name in set(sys.modules) - before if name not in"
        " sys.stdlib_module_names and not name.startswith('importlib')])"
    )
    said = subprocess.run(
        (sys.executable, "-I", "-c", program), check=True, capture_output=True, text=True
    )
    assert said.stdout == "['git_model_security']\n"
