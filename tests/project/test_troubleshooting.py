"""docs/TROUBLESHOOTING.md quotes what the program prints, and nothing else."""

from __future__ import annotations

import ast
import functools
import re

import pytest

from tests.fixtures.tracked import ROOT

PAGE = ROOT / "docs" / "TROUBLESHOOTING.md"
ANYTHING = "…"
LEAST_FIXED = 9
"""Characters that a quoted message must have besides what varies."""

QUOTED = re.findall(r"^- `(.+)`$", PAGE.read_text(), re.MULTILINE)


@functools.cache
def printed() -> str:
    """Returns all text in the sources, a line each, with `…` for what varies."""
    found = []
    for path in ROOT.glob("git_model_security/**/*.py"):
        found += [_text(node) for node in ast.walk(ast.parse(path.read_text()))]
    for path in (*ROOT.glob("ci/*.sh"), *ROOT.glob("hooks/*.sh")):
        # By lines: a comment may hold one apostrophe.
        for line in path.read_text().splitlines():
            for double, single in re.findall(r"\"([^\"]*)\"|'([^']*)'", line):
                found.append(re.sub(r"\$\{?\w+\}?", ANYTHING, double) or single)
    lines = {line for text in found for line in text.splitlines()}
    prefix = re.compile(r"^git-model: (error|warning): ")
    return "\n".join(sorted(prefix.sub("", line).rstrip(";") for line in lines))


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        parts = (
            _text(part) if isinstance(part, ast.Constant) else ANYTHING for part in node.values
        )
        return "".join(parts)
    return ""


def test_the_page_quotes_messages() -> None:
    assert len(QUOTED) > 30
    assert len(set(QUOTED)) == len(QUOTED)


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_is_one_that_is_printed(message: str) -> None:
    assert len(message.replace(ANYTHING, "").strip()) >= LEAST_FIXED
    pattern = ".+".join(map(re.escape, message.split(ANYTHING)))
    assert re.search(rf"^{pattern}$", printed(), re.MULTILINE)
