"""The record of each signing method: what the rest of the program asks of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from git_model_security.cli import sign
from git_model_security.policy import syntax
from git_model_security.setup import settings
from git_model_security.signatures.signers import Given
from git_model_security.signing.methods import KINDS, METHODS, Kind, Method
from git_model_security.signing.sources import Asked

if TYPE_CHECKING:
    from collections.abc import Callable


def named(place: str, function: str) -> Callable[..., object]:
    module, name = place.split(".")
    found = getattr(import_module(f"git_model_security.signing.{module}"), name)
    made: Callable[..., object] = getattr(found, function)
    return made


def test_there_is_a_record_for_each_method_that_a_policy_may_name() -> None:
    assert tuple(METHODS) == syntax.METHODS
    assert all(name == method.name for name, method in METHODS.items())
    assert sign.command.help is not None
    assert all(name in sign.command.help for name in METHODS)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_method_names_options_settings_and_a_signer_that_there_are(method: Method) -> None:
    assert method.kind in KINDS.values()
    assert method.options < set(Given._fields)
    assert named(method.made_by, "from_sources")
    for name, command in method.settings.items():
        assert settings.find(name)
        assert command


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_names_options_and_a_verifier_that_there_are(kind: Kind) -> None:
    assert kind.options | kind.needed.keys() < set(Asked._fields)
    assert named(kind.made_by, "from_options")
    assert named(kind.made_by, "from_pin")


def test_the_command_that_pins_a_signer_has_all_that_is_needed() -> None:
    assert [kind.pinning for kind in KINDS.values()] == [
        "git model trust add sigstore --identity WHO --identity-provider ISSUER",
        "git model trust add key --public-key FILE",
        "git model trust add certificate --certificate-chain FILE --identity WHO",
    ]
