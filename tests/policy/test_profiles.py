"""Profiles in real repositories: what others say of source files stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.guard.audit import audit
from tests.fixtures.histories import History
from tests.fixtures.people import assert_clean, is_sealed

if TYPE_CHECKING:
    from tests.fixtures.repositories import CloneFactory, Repository

OWN = "* text=auto\n*.ipynb filter=strip\n*.py diff=python\nCHANGELOG.md merge=union\n"
NAMES = ("a.ipynb", "src/a.py", "CHANGELOG.md", ".github/x.yml")
ASKED = ("filter", "text", "diff", "merge", "eol")


def said(repo: Repository) -> str:
    return repo.git("check-attr", *ASKED, "--", *NAMES)


@pytest.fixture
def code(repo: Repository) -> Repository:
    """A repository with code that has attributes of its own."""
    repo.write(".gitattributes", OWN)
    repo.write("src/a.py", "pass\n")
    repo.commit()
    return repo


def test_attributes_of_source_files_are_those_that_people_gave_them(
    code: Repository, clone: CloneFactory
) -> None:
    before = said(code)
    assert "a.ipynb: filter: strip" in before
    code.model("init")
    code.write("net.unknown", b"weights")
    code.commit()
    assert said(code) == before
    assert is_sealed(code.blob("HEAD:net.unknown"))
    assert_clean(code)
    # Nor does a clone that has pinned nothing see others.
    assert said(clone(code.path)) == before


@pytest.mark.parametrize(
    "lines",
    [
        "[attr]git-model-sealed -filter\n",
        "[attr]git-model-sealed -filter\n* git-model-sealed\n",
        "* !git-model-sealed\n",
        "* -git-model-sealed\n",
        "* -filter\n",
    ],
)
def test_no_attributes_in_the_tree_take_the_macro_away(code: Repository, lines: str) -> None:
    code.model("init")
    code.commit()
    code.write(".gitattributes", code.read(".gitattributes").decode() + lines)
    nested = "".join(one for one in lines.splitlines(True) if not one.startswith("[attr]"))
    code.write("sub/.gitattributes", nested)
    code.write("net", b"weights")
    code.write("sub/net", b"weights")
    done = code.git.run("add", "--all", check=False)
    assert done.returncode == 0
    told = code.git.run("commit", "--quiet", "--message", "x").stderr
    assert ".gitattributes" in told  # that it does not say what .gitmodel does
    for path in ("net", "sub/net"):
        assert is_sealed(code.blob(f"HEAD:{path}"))


def test_what_is_below_the_block_and_speaks_of_no_filter_is_no_harm(code: Repository) -> None:
    code.model("init")
    code.commit()
    code.write(".gitattributes", code.read(".gitattributes").decode() + "*.cc text\n")
    code.git("add", "--all")
    assert "warning" not in code.git.run("commit", "--quiet", "--message", "x").stderr


def test_many_versions_of_these_attributes_are_no_finding(repo: Repository) -> None:
    """The macro in them is ours, and each costs no index of its own."""
    from git_model_security.policy import attributes
    from git_model_security.policy.gitmodel import Policy

    history = History(repo, "")
    parts = []
    for number in range(70):
        rules = attributes.render(Policy("all-but-source")) + f"# {number}\n"
        parts.append(
            f"commit refs/heads/main\ncommitter A <a@b> {number} +0000\ndata 0\n"
            f"M 100644 inline .gitattributes\ndata {len(rules)}\n{rules}\n"
            f"M 100644 inline {number}.dat\ndata 3\nabc\n"
            f"M 100644 inline {number}.py\ndata 3\nabc\n"
        )
    repo.git("fast-import", "--quiet", stdin="".join(parts))
    found = audit(history.facts, ("main",)).findings
    assert sorted(one.path for one in found) == sorted(b"%d.dat" % n for n in range(70))


def test_init_shows_all_that_is_clear_and_no_source_text_by_its_content(
    repo: Repository,
) -> None:
    for number in range(20):
        repo.write(f"src/a{number:02}.py", "pass\n")
        repo.write(f"src/b{number:02}.py", b"\x7fELF\0")
        repo.write(f".cache/c{number:02}", b"\xff\xfe" * 40_000)
    repo.write("src/z.py", "x = 1\n" * 20_000)
    repo.write("src/link.py", "x").unlink()
    (repo.path / "src/link.py").symlink_to("z.py")
    repo.git("add", "src/b00.py")
    (repo.path / "src/b00.py").unlink()  # what is staged goes into the commit

    said = repo.model("init").stdout

    assert "Will stay clear (61):\n" in said
    for number in range(20):
        assert f"  src/b{number:02}.py  (binary, 5 B)\n" in said
        assert f"  .cache/c{number:02}  (binary, 78.1 KiB)\n" in said
    assert "  src/z.py  (text, 117.2 KiB)\n" in said
    assert "  src/a00.py\n" in said
    assert "… and 8 more" in said


def test_a_server_pins_it_and_refuses_an_unknown_name(
    remote: Repository, code: Repository
) -> None:
    remote.model("install", "--server", "--profile", "all-but-source")
    code.write("b.py", "pass\n")
    code.commit()
    code.git("push", "--quiet", str(remote.path), "HEAD:main")
    code.write("net.unknown", b"weights")
    code.commit()
    refused = code.git.run("push", "--quiet", str(remote.path), "HEAD:main", check=False)
    assert refused.returncode != 0
    assert "net.unknown: plaintext at a protected path" in refused.stderr


@pytest.fixture
def old(code: Repository) -> Repository:
    """A repository of the profile that protects what it knows."""
    code.write("net.bin", b"weights")
    code.write(".cache/net.bin", b"more weights")
    code.write("net.unknown", b"other weights")
    code.write(".cache/odd [*]\\.bin", b"odd weights")
    code.model("init", "--profile", "weights", "--accept-plaintext-history")
    code.commit()
    return code


def test_an_old_profile_is_turned_round_and_says_what_history_holds(old: Repository) -> None:
    done = old.model("track", "--profile", "all-but-source")
    assert "Will be encrypted (1):\n  net.unknown\n" in done.stdout
    assert "HEAD holds these files in clear" in done.stderr
    old.commit()
    for path in ("net.bin", ".cache/net.bin", ".cache/odd [*]\\.bin", "net.unknown"):
        assert is_sealed(old.blob(f"HEAD:{path}"))
    assert old.blob("HEAD:src/a.py") == b"pass\n"
    assert_clean(old)
    assert "nothing to do" in old.model("track", "--profile", "all-but-source").stdout


def test_no_profile_that_protects_less_is_taken(code: Repository) -> None:
    code.model("init", "--profile", "all", "--accept-plaintext-history")
    refused = code.model("track", "--profile", "all-but-source", check=False)
    assert "profile all-but-source protects less than all" in refused.stderr
    assert "profile = all\n" in code.read(".gitmodel").decode()


def test_a_migration_shows_all_that_ever_was_clear_and_no_source_text(
    repo: Repository,
) -> None:
    for number in range(20):
        repo.write(f"src/a{number:02}.py", "pass\n")
    repo.write(".cache/old", b"\xff" * 300)
    repo.write("net.unknown", b"weights")
    repo.commit()
    repo.write(".cache/old", "short\n")
    repo.commit()
    said = repo.model("migrate", "--dry-run").stdout
    assert "Will be encrypted in all history (1):\n  net.unknown\n" in said
    assert "Will stay clear in all history (21):\n  .cache/old  (binary, 300 B)\n" in said
