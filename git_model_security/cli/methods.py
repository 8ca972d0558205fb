"""The options of model_signing's methods, in its words; underscores are accepted too."""

from __future__ import annotations

from typing import Any, TypeVar

import click

from git_model_security import logs
from git_model_security.cli import options
from git_model_security.signatures.signers import Given
from git_model_security.signing import methods
from git_model_security.signing.sources import Asked

_Said = TypeVar("_Said", Given, Asked)


def _log(_: click.Context, __: click.Parameter, value: bool) -> None:
    if value and not logs.is_on():
        logs.begin("info")


SPELLINGS = {"token_normalize_func": lambda token: token.replace("_", "-")}
"""Context settings of the commands that take these options."""

METHOD = click.Choice(tuple(methods.METHODS))

_CHAIN = click.option(
    "--certificate-chain",
    type=options.FILE,
    multiple=True,
    metavar="FILE",
    help="Certificates up to the root (PEM); several times for several files.",
)
_TRUST_CONFIG = click.option(
    "--trust-config", type=options.FILE, metavar="FILE", help="A Sigstore of your own (JSON)."
)
_STAGING = click.option("--use-staging", is_flag=True, help="Sigstore's staging instance.")

_CERTIFICATE = click.option(
    "--signing-certificate", type=options.FILE, metavar="FILE", help="Yours (PEM)."
)
_PKCS11 = click.option("--pkcs11-uri", metavar="URI", help="The key in a token (RFC 7512).")
_AMBIENT = click.option(
    "--use-ambient-credentials", is_flag=True, help="The OIDC token that CI offers."
)
_CLIENT = click.option("--client-id", metavar="ID", help="Of an OpenID Connect client.")

settled = options.together(
    _CERTIFICATE, _CHAIN, _PKCS11, _TRUST_CONFIG, _STAGING, _AMBIENT, _CLIENT
)
"""What a clone may keep in its configuration, besides the key; `take` takes it as `Given`."""

signing = options.together(
    click.option("--private-key", type=options.FILE, metavar="FILE", help="Private key (PEM)."),
    click.option("--password", metavar="WORD", help="Of that key; others see it."),
    settled,
    click.option("--client-secret", metavar="SECRET", help="Of that client; others see it."),
    click.option("--identity-token", metavar="TOKEN", help="OIDC token; others see it."),
    click.option("--oauth-force-oob", is_flag=True, help="Show an address, open no browser."),
)
"""The options of who signs; `take` takes them as `Given`."""
verifying = options.together(
    options.public_key,
    _CHAIN,
    click.option("--identity", metavar="WHO", help="Subject, or Sigstore identity."),
    click.option("--identity-provider", metavar="ISSUER", help="Who vouches for it (OIDC)."),
    _TRUST_CONFIG,
    _STAGING,
    click.option(
        "--log-fingerprints",
        is_flag=True,
        expose_value=False,
        callback=_log,
        help="Log by which keys or roots it is verified.",
    ),
)
"""The options of who must have signed; `take` takes them as `Asked`."""

KIND_OF = {name: method.kind.name for name, method in methods.METHODS.items()}
"""What verifies the signatures of each method: a key in a token is a key like any other."""


def take(kind: type[_Said], method: str | None, said: dict[str, Any]) -> _Said:
    """Takes what was said of who signs, or must have signed, out of a command's values."""
    names = [name for name in kind._fields if name in said]
    return kind(method=method, **{name: said.pop(name) for name in names})
