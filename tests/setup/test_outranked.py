"""Lines that a tool writes behind ours in `info/attributes` are noticed, and put before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import is_sealed

if TYPE_CHECKING:
    from tests.fixtures.people import Project

STRIPPING = "*.ipynb filter=nbstripout\n*.zpln filter=nbstripout\n*.ipynb diff=ipynb\n"


@pytest.mark.parametrize("lines", [STRIPPING, "*.bin -diff", "\n# mine\n* !filter\n"])
def test_doctor_names_the_first_and_puts_ours_last(project: Project, lines: str) -> None:
    ada = project.ada
    file = ada.path / ".git" / "info" / "attributes"
    with file.open("a") as behind:
        behind.write(lines)
    first = next(one for one in lines.splitlines() if one and not one.startswith("#"))

    wrong = ada.model("doctor", check=False)

    assert wrong.returncode == 1
    assert f"`{first}` stands behind git-model's lines" in wrong.stdout + wrong.stderr
    ada.model("doctor", "--fix")
    text = file.read_text()
    assert all(line in text for line in lines.splitlines())
    assert text.index(first) < text.index("# >>> git-model: generated")
    assert ada.model("doctor", check=False).returncode == 0


def test_what_was_kept_from_the_filter_is_encrypted_then(project: Project) -> None:
    ada = project.ada
    with (ada.path / ".git" / "info" / "attributes").open("a") as behind:
        behind.write("*.safetensors filter=stripping\n")
    ada.git("config", "filter.stripping.clean", "cat")
    ada.write("a.safetensors", "weights of a kind\n")
    ada.git("add", "a.safetensors")
    refused = ada.git.run("commit", "-m", "Weights", check=False)
    assert refused.returncode == 1
    assert "git model doctor" in refused.stderr
    ada.model("doctor", "--fix")
    ada.git("add", "--renormalize", ".")
    ada.git("commit", "--quiet", "-m", "Weights")
    assert is_sealed(ada.blob("HEAD:a.safetensors"))


@pytest.mark.parametrize("lines", ["", "\n", "# a remark\n"])
def test_what_says_nothing_is_nothing_wrong(project: Project, lines: str) -> None:
    with (project.ada.path / ".git" / "info" / "attributes").open("a") as behind:
        behind.write(lines)
    assert "stands behind" not in project.ada.model("doctor", check=False).stdout
