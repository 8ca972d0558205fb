"""Every vector of the list through git-model's reader and through the second one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_model_security.envelope import Key
from git_model_security.errors import TeamError
from git_model_security.team import identities, wraps
from git_model_security.team.belief import compare
from git_model_security.team.replay import replay
from tests.fixtures.tracked import ROOT
from tests.vectors.team import forge, second_reader
from tests.vectors.team.forge import ADA, ADA_CI, BOB, CY, MALLORY, Hand, key_id, reader
from tests.vectors.team.regenerate import FILE, Entry, bytes_of, regenerate, state

VECTORS = json.loads(FILE.read_text("ascii"))
LISTS: dict[str, Entry] = {entry["name"]: entry for entry in VECTORS["lists"]}
GOOD = [name for name, entry in LISTS.items() if "rule" not in entry]
BAD = [name for name, entry in LISTS.items() if "rule" in entry]
WRAPS = json.loads(FILE.with_name("wraps.json").read_text("ascii"))


def said(entry: Entry) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in {"name", "text", "hex"}}


@pytest.mark.parametrize("name", GOOD)
def test_both_readers_say_the_same_of_a_list_that_holds(name: str) -> None:
    entry = LISTS[name]
    assert state(bytes_of(entry)) == said(entry)
    assert second_reader.Reader(bytes_of(entry)).state() == said(entry)


@pytest.mark.parametrize("name", BAD)
def test_both_readers_refuse_a_list_that_does_not(name: str) -> None:
    entry = LISTS[name]
    with pytest.raises(TeamError) as caught:
        replay(bytes_of(entry))
    assert entry["message"] in str(caught.value)
    with pytest.raises(second_reader.RejectError) as second:
        second_reader.Reader(bytes_of(entry))
    assert second.value.rule == entry["rule"]


@pytest.mark.parametrize("pair", VECTORS["comparisons"], ids=lambda one: str(one["standing"]))
def test_both_readers_compare_a_list_with_what_is_believed_alike(pair: dict[str, str]) -> None:
    believed, seen = (bytes_of(LISTS[pair[name]]) for name in ("believed", "seen"))
    assert compare(believed, seen).standing.name.lower() == pair["standing"]
    assert second_reader.compare(believed, seen) == pair["standing"]


def test_the_committed_vectors_are_those_that_the_script_writes() -> None:
    assert regenerate() == FILE.read_text("ascii")


def test_the_example_of_the_specification_is_a_vector() -> None:
    example = LISTS["one person"]
    page = (ROOT / "docs" / "SPEC.md").read_text("utf-8")
    lines = "".join(f"    {line}\n" for line in example["text"].splitlines())
    assert f"`{example['fingerprint']}`:\n\n{lines}\n" in page


def test_every_rule_but_the_limits_has_a_vector() -> None:
    rules = {LISTS[name]["rule"] for name in BAD}
    assert rules == {f"T{number}" for number in range(1, 18)} - {"T1", "T10"}


def test_the_second_reader_shares_no_code() -> None:
    text = FILE.with_name("second_reader.py").read_text("utf-8")
    assert "import git_model_security" not in text
    assert "from git_model_security" not in text


@pytest.mark.parametrize("entry", WRAPS["wraps"], ids=lambda one: str(one["name"]))
def test_what_age_and_earlier_versions_wrapped_is_opened(entry: dict[str, str]) -> None:
    material = bytes.fromhex(WRAPS["key"])
    key_id = Key(material).id
    data = entry["wrap"].encode() if "wrap" in entry else base64.b64decode(entry["binary"])
    if "passphrase" in entry:
        assert wraps.unwrap_by_passphrase(data, key_id, entry["passphrase"]) == material
        return
    (identity,) = identities.parse(WRAPS["identities"][entry["identity"]].encode())
    assert identity.recipient.rid == entry["rid"]
    assert wraps.unwrap(data, key_id, [identity]) == material


POOL = [
    *("member bob Bob", "member cy Cy", "member eve E\u200bve", "quorum 1", "quorum 2"),
    *(hand.signer(roles) for hand in (ADA, ADA_CI, BOB, CY) for roles in ("content", "list")),
    *(BOB.signer(), BOB.signer("list+content"), ADA.signer().replace("ada/", "bob/")),
    *(f"ended {hand.fingerprint}" for hand in (ADA, BOB, CY)),
    *(f"ended {BOB.fingerprint} {'1' * 40}", f"ended {MALLORY.fingerprint}"),
    *(f"reader {name} {reader(at)}" for name in ("bob/x", "cy/x", "ada/x") for at in (1, 2)),
    *(f"unreader {reader(at)}" for at in (1, 2)),
    *(
        f"{word} {key} {key_id(at)}"
        for word in ("key", "oldkey")
        for key in ("main", "more")
        for at in (2, 3)
    ),
    *(
        f"{word} {key} {name}"
        for word in ("may", "maynot")
        for key in ("main", "more")
        for name in ("ada", "bob")
    ),
]
ENTRIES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(POOL), min_size=1, max_size=4),
        st.sampled_from([(ADA,), (ADA,), (BOB,), (ADA, BOB), (ADA, CY), (CY,), (ADA, ADA_CI)]),
    ),
    max_size=5,
)


@settings(max_examples=300)
@given(ENTRIES)
def test_the_two_readers_agree_about_any_list(
    entries: list[tuple[list[str], tuple[Hand, ...]]],
) -> None:
    grown = forge.two()
    for lines, hands in entries:
        longer = grown.add(*lines, by=hands)
        try:
            found = state(longer.data)
        except TeamError:
            with pytest.raises(second_reader.RejectError):
                second_reader.Reader(longer.data)
            continue
        assert second_reader.Reader(longer.data).state() == found
        if not found["proposal"]:
            grown = longer
