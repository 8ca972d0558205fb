"""Which repository a policy is of, by its id or by its key."""

from __future__ import annotations

import pytest

from git_model_security.errors import ConfigError
from git_model_security.policy import gitmodel, identity
from git_model_security.policy.gitmodel import Policy

KEY, OTHER_KEY = "1" * 32, "2" * 32
ID, OTHER_ID = "a" * 32, "b" * 32

BEFORE = Policy(key_id=KEY)
NEW = Policy(key_id=KEY, repository=ID)
GIVEN = Policy(key_id=KEY, repository=ID, formerly=(KEY,))
ROTATED = Policy(key_id=OTHER_KEY, repository=ID, formerly=(KEY,))


@pytest.mark.parametrize(
    ("policy", "known", "is_ours"),
    [
        (NEW, (), True),
        (NEW, (NEW,), True),
        (ROTATED, (NEW,), True),
        (ROTATED, (GIVEN,), True),
        (GIVEN, (BEFORE,), True),
        (BEFORE, (GIVEN,), True),
        (BEFORE, (ROTATED,), True),
        (BEFORE, (BEFORE,), True),
        (NEW, (BEFORE,), False),
        (BEFORE, (NEW,), False),
        (Policy(key_id=OTHER_KEY), (BEFORE,), False),
        (Policy(key_id=OTHER_KEY), (ROTATED,), False),
        (Policy(), (BEFORE,), False),
        (GIVEN._replace(repository=OTHER_ID), (BEFORE,), True),
        (GIVEN._replace(repository=OTHER_ID), (BEFORE, GIVEN), False),
        (NEW._replace(repository=OTHER_ID), (NEW,), False),
    ],
)
def test_a_policy_is_of_a_repository_by_its_names(
    policy: Policy, known: tuple[Policy, ...], is_ours: bool
) -> None:
    names = frozenset().union(*map(identity.names, known)) if known else frozenset[str]()
    assert identity.is_of(policy, names) is is_ours


def test_an_id_is_given_once_and_the_key_of_before_is_kept() -> None:
    given = identity.given(BEFORE)
    assert given.formerly == (KEY,)
    assert identity.given(given) == given
    assert identity.given(BEFORE).repository != given.repository


@pytest.mark.parametrize("policy", [NEW, GIVEN, ROTATED])
def test_what_is_written_is_read_back(policy: Policy) -> None:
    assert gitmodel.parse(gitmodel.render(policy)) == policy


@pytest.mark.parametrize("key", ["repository", "formerly"])
@pytest.mark.parametrize("value", ["A" * 32, "a" * 31, "a" * 33, "key:" + ID, "../x", "a a"])
def test_what_is_no_id_is_refused(key: str, value: str) -> None:
    text = f"[git-model]\n\tversion = 1\n\t{key} = {value}\n"
    with pytest.raises(ConfigError, match="is not a"):
        gitmodel.parse(text.encode())
