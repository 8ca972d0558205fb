"""The settings of a clone, by the names that `git model config` has for them.

Most are ordinary configuration of Git for one clone, `git-model.NAME`, and `git config`
shows and sets them as well; here each is checked first. A few all clones must agree on:
those are in `.gitmodel`, and changing one is a change to commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from git_model_security import messages
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.errors import ConfigError, UsageError
from git_model_security.git import config, index
from git_model_security.git.paths import shown
from git_model_security.policy import attributes, gitmodel, pinned
from git_model_security.policy.gitmodel import checked
from git_model_security.policy.syntax import METHODS, SIGNING_TIMES
from git_model_security.setup import init, signing_setup, write_policy
from git_model_security.signatures import signature_place, signers
from git_model_security.signatures.signers import Given
from git_model_security.trust import anchors
from git_model_security.verification import model_roots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository

_BOOLEAN = ("true", "false")


@dataclass(frozen=True)
class Setting:
    """A setting.

    Attributes:
        name: as people write it; Git does not care about its case.
        what: what it says, in a few words.
        choices: the values it can have; empty where any will do.
        is_list: whether it may have several.
        is_path: whether it names files by path, which no push may reach.
        is_size: whether it is a length in bytes, with Git's suffixes.
        field: the field of `Given` whose file, or files, it keeps by content.
        policy: the field of the policy in `.gitmodel` that it is; None in the clone only.
    """

    name: str
    what: str
    choices: tuple[str, ...] = ()
    is_list: bool = False
    is_path: bool = False
    is_size: bool = False
    field: str | None = None
    policy: str | None = None

    @property
    def key(self) -> str:
        """Its variable in Git's configuration."""
        return f"git-model.{self.name.lower()}"


ALL = (
    Setting("signing.when", "when to sign", SIGNING_TIMES, policy="when"),
    Setting("signing.signature", "file name of the signature", policy="signature"),
    Setting("signing.root", "directories that are a model", is_list=True, policy="roots"),
    Setting("signing.method", "how new clones sign", METHODS, policy="method"),
    Setting("signingMethod", "how this clone signs", METHODS),
    Setting("signingKey", "fingerprint of its private key in the keyring"),
    Setting("signingCertificate", "its certificate, kept", field="signing_certificate"),
    Setting(
        *("certificateChain", "the certificates above that, kept"),
        is_list=True,
        field="certificate_chain",
    ),
    Setting("pkcs11Uri", "its key in a token"),
    Setting("pkcs11Key", "fingerprint of that key; no other signs"),
    Setting("pkcs11Module", "where PKCS#11 modules are", is_list=True, is_path=True),
    Setting("trustConfig", "a Sigstore of your own, kept", field="trust_config"),
    Setting("useStaging", "Sigstore's staging instance", _BOOLEAN),
    Setting("useAmbientCredentials", "the OIDC token that CI offers", _BOOLEAN),
    Setting("clientId", "of an OpenID Connect client"),
    Setting("publicLog", "agreement to sign with public Sigstore", _BOOLEAN),
    Setting("hooks", "what is done where they do not run", ("required", "warn", "off")),
    Setting("signedRefs", "refs that must be signed when pushed", is_list=True),
    Setting("verify", "after a checkout", ("enforce", "warn", "off")),
    Setting(
        *("directThreshold", "files from here on are written beside the filter"),
        is_size=True,
    ),
    Setting("skipSmudge", "leave large files as pointers", _BOOLEAN),
)


def find(name: str) -> Setting:
    """Returns a setting by its name, in any letter case.

    Raises:
        UsageError: there is none.
    """
    wanted = name.removeprefix("git-model.").lower()
    for setting in ALL:
        if setting.name.lower() == wanted:
            return setting
    raise UsageError(f"there is no setting {name!r}", hint="`git model config` lists them")


def values(repo: Repository, setting: Setting) -> Sequence[str]:
    """Returns what a setting is set to; empty where it is not.

    Raises:
        ConfigError: `.gitmodel` cannot be used.
    """
    if setting.policy is None:
        return config.read(repo).get(setting.key, [])
    policy = init.policy_of(repo)
    if policy is None:
        return []
    found = getattr(policy, setting.policy)
    return list(found) if setting.is_list else [str(found)]


def put(repo: Repository, setting: Setting, new: Sequence[str]) -> None:
    """Sets a setting; one of `.gitmodel` is staged, to be committed.

    Raises:
        UsageError: it cannot have this value, or only one.
        ConfigError: the value holds a secret.
        PolicyError: there is no `.gitmodel` yet.
    """
    if len(new) > 1 and not setting.is_list:
        raise UsageError(f"{setting.name} has one value, not {len(new)}")
    for value in new:
        if setting.choices and value not in setting.choices:
            choices = ", ".join(setting.choices)
            raise UsageError(f"{setting.name} is none of {choices}: {value!r}")
        if setting.is_size:
            config.number({setting.key: [value]}, setting.key, 0)
    if setting.policy is not None:
        roots = tuple(map(gitmodel.as_root, new))
        _agree(repo, setting.policy, roots if setting.is_list else new[0])
        return
    if setting.key == signers.PKCS11_URI:
        signing_setup.settle(repo, Given(pkcs11_uri=new[0]))
        return
    if setting.field is not None:
        _keep(repo, setting, list(map(Path, new)))
        return
    if setting.key == signers.SIGNING_KEY:
        signers.keystore().path(new[0])
    places = [str(Path(one).expanduser().absolute()) if setting.is_path else one for one in new]
    anchors.require_outside(repo, map(Path, places if setting.is_path else ()))
    config.unset(repo, setting.key)
    for place in places:
        config.add(repo, setting.key, place)


def unset(repo: Repository, setting: Setting) -> None:
    """Takes a setting back.

    Raises:
        ConfigError: it is one of `.gitmodel`, which has a value in any case.
    """
    if setting.policy is not None:
        raise ConfigError(f"{setting.name} stands in .gitmodel and has a value in any case")
    config.unset(repo, setting.key)


def _keep(repo: Repository, setting: Setting, new: Sequence[Path]) -> None:
    from git_model_security.signing import certificates
    from git_model_security.signing.sigstore_instance import Instance

    for path in new:
        if setting.key == signers.TRUST_CONFIG:
            Instance.chosen(path, use_staging=False)
        else:
            certificates.load(path)
    said: dict[str, Any] = {str(setting.field): tuple(new) if setting.is_list else new[0]}
    signing_setup.settle(repo, Given(**said))


def _agree(repo: Repository, field: str, value: Any) -> None:
    clone = Clone(repo)
    with clone.objects:
        entries = index.staged(repo)
        policy = missing_policy.require(clone, entries)
        agreed = checked(policy._replace(**{field: value}))
        if agreed.roots != policy.roots:
            model_roots.require_directories(repo.top, agreed)
            model_roots.require_content(agreed, entries)
            _warn_of_empty(agreed.roots, entries)
        new = agreed.signature_paths() - policy.signature_paths()
        staged = {entry.path: entry.oid for entry in entries}
        signature_place.require_free(clone, new, staged, signature_place.SETTING)
        signature_place.take_away(clone, policy, agreed, dry_run=True)
        is_pinned = pinned.rules(repo) == attributes.render(policy)
        write_policy.write(repo, agreed)
        if is_pinned:
            pinned.pin(repo, agreed)
        signature_place.take_away(clone, policy, agreed)


def _warn_of_empty(roots: Sequence[str], entries: Sequence[Entry]) -> None:
    for root in roots:
        if not any(model_roots.under(root, entries)):
            messages.warn(
                f"{shown(root.encode())}: no tracked file is there, so nothing is signed yet",
                "`git add` what belongs to the model, if the name is right",
            )
