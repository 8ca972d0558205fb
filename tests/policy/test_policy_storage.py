"""The storage section of `.gitmodel`, which anybody who can push can write."""

from __future__ import annotations

import pytest

from git_model_security.errors import ConfigError
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import Policy

POLICIES = (
    Policy(),
    Policy(limit=64 << 20),
    Policy(storage="lfs"),
    Policy(storage="lfs", threshold=1),
    Policy(storage="lfs", threshold=1 << 40),
)


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_what_is_written_is_read_back(policy: Policy) -> None:
    assert gitmodel.parse(gitmodel.render(policy)) == policy


def test_only_what_the_engine_reads_is_written() -> None:
    assert b"threshold" not in gitmodel.render(Policy(limit=5))
    assert b"limit" not in gitmodel.render(Policy(storage="lfs", limit=5))


@pytest.mark.parametrize("key", ["threshold", "limit"])
@pytest.mark.parametrize(
    "value",
    ["0", "-1", "+1", "01", "1k", "1.0", "1e3", "0x10", "1 000", "¹", "", "1099511627777"],
)
def test_a_size_is_a_canonical_number_in_its_range(key: str, value: str) -> None:
    text = f'[git-model]\nversion = 1\n[storage]\nengine = lfs\n{key} = "{value}"\n'
    with pytest.raises(ConfigError, match=f"storage.{key}"):
        gitmodel.parse(text.encode())


def test_a_size_without_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="threshold"):
        gitmodel.parse(b"[git-model]\nversion = 1\n[storage]\nthreshold\n")


@pytest.mark.parametrize("engine", ["LFS", "s3", "", "lfs inline"])
def test_an_engine_that_is_not_known_is_refused(engine: str) -> None:
    text = f'[git-model]\nversion = 1\n[storage]\nengine = "{engine}"\n'
    with pytest.raises(ConfigError, match=r"storage\.engine"):
        gitmodel.parse(text.encode())
