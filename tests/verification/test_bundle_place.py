"""Where a bundle lies that somebody names."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_model_security.verification import bundle_place


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "granite").mkdir()
    monkeypatch.chdir(tmp_path)
    return Path("granite")


def test_a_name_is_one_in_the_directory_and_a_slash_makes_a_path(model: Path) -> None:
    Path("own.sig").touch()
    (model / "own.sig").touch()
    assert bundle_place.own_name(model, "own.sig") == b"own.sig"
    assert bundle_place.own_name(model, "./own.sig") == b"../own.sig"
    assert bundle_place.own_name(model, "granite/own.sig") == b"own.sig"


def test_where_others_name_a_path_it_goes_before_the_name(model: Path) -> None:
    (model / "own.sig").touch()
    assert bundle_place.of_stock(model, Path("own.sig")) == "./granite/own.sig"
    Path("own.sig").touch()
    assert bundle_place.of_stock(model, Path("own.sig")) == "./own.sig"
    assert bundle_place.of_stock(model, Path("lost.sig")) == "./lost.sig"
    assert bundle_place.of_stock(model, Path("granite/own.sig")) == "./granite/own.sig"


def test_the_usual_bundle_is_the_one_over_ciphertext_where_that_is_meant(model: Path) -> None:
    assert bundle_place.usual(model, is_sealed=True) == "model.sig"
    (model / ".model-encrypted.sig").touch()
    assert bundle_place.usual(model, is_sealed=True) == ".model-encrypted.sig"
    assert bundle_place.usual(model, is_sealed=False) == "model.sig"
