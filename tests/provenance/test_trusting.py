"""Who is trusted later stands behind what came before, and what others signed stays theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import CODE, append, commit, config, forge, prepend, readme

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository


def _untrust(ada: Repository, bob: Repository) -> None:
    public = bob.model("key", "export", "--public", "../bob.pub").stdout.split()[-1]
    ada.model("trust", "remove", public[:16])


def _trust(ada: Repository, bob: Repository) -> None:
    ada.model("trust", "add", "--public-key", str(bob.path.parent / "bob.pub"), "--yes")


def test_what_was_made_on_top_of_a_signer_who_is_trusted_now_is_signed(
    ada: Repository, bob: Repository
) -> None:
    _untrust(ada, bob)
    bob.write("config.json", config(layers=7))
    bob.commit()
    bob.git("push")
    ada.git("pull")
    ada.write("config.json", config(layers=7, width=9))
    assert "by bob, its signature not trusted)" in commit(ada).stderr
    readme(ada)
    assert "config.json" in commit(ada).stderr
    _trust(ada, bob)
    assert "Nobody vouches" not in ada.model("verify", "HEAD", check=False).stdout
    ada.model("sign", "--amend")
    ada.model("verify", "HEAD")


def test_what_somebody_else_brought_stays_in_doubt(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    ada.git("pull")
    readme(ada)
    commit(ada)
    _untrust(ada, bob)
    _trust(ada, bob)
    said = ada.model("sign", "--amend", check=False)
    assert said.returncode
    assert "model.safetensors" in said.stderr


def test_a_pick_of_a_strangers_line_stays_in_doubt(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    append(mallory, CODE, "evil line that nobody asked for\n")
    mallory.git("commit", "--all", "--message", "Evil")
    mallory.git("push", "--no-verify", "origin", "HEAD:evil")
    ada.git("fetch")
    prepend(ada, CODE, "mine\n")
    commit(ada)
    ada.git("cherry-pick", "origin/evil")
    _untrust(ada, bob)
    _trust(ada, bob)
    assert CODE in ada.model("sign", "--amend", check=False).stderr


@pytest.mark.parametrize("words", [("--amend",), ("key", "--amend")])
def test_the_signed_tip_of_a_colleague_is_not_made_anew(
    ada: Repository, bob: Repository, words: tuple[str, ...]
) -> None:
    readme(bob)
    bob.commit()
    bob.git("push")
    ada.git("pull")
    tip = ada.git("rev-parse", "HEAD")
    said = ada.model("sign", *words).stdout
    is_asked = words != ("--amend",)
    assert ("Signed already" in said) != is_asked
    assert (ada.git("rev-parse", "HEAD") == tip) != is_asked


def test_a_rebase_that_skips_leaves_the_tip_of_others_as_it_is(
    ada: Repository, bob: Repository
) -> None:
    prepend(bob, CODE, "same line\n")
    bob.commit()
    bob.git("push")
    prepend(ada, CODE, "other line\n")
    commit(ada)
    readme(ada)
    commit(ada)
    ada.git("fetch")
    words = ("rebase", "--exec", "git model sign --amend", "origin/main")
    assert ada.git.run(*words, check=False).returncode
    ada.git("rebase", "--skip")
    assert ada.git("rev-parse", "HEAD~1") == ada.git("rev-parse", "origin/main")
    ada.model("verify", "HEAD")


def test_the_key_that_this_clone_signs_with_stays_trusted(ada: Repository) -> None:
    own = ada.git("config", "git-model.signingkey")
    said = ada.model("trust", "remove", own[:16], check=False)
    assert said.returncode
    assert "this clone signs with the key" in said.stderr
    assert own in ada.model("trust", "list", "--json").stdout
