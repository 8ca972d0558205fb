"""Keyring: AES keys, where they come from and which of them a clone may use.

Keys live in the user's keyring, `$XDG_CONFIG_HOME/git-model/keys/<key id>`, so
that removing a clone does not lose them. A clone names the key ids it may use in
its configuration (`git-model.keyId`): the mere presence of a key unlocks nothing.
Knows nothing of signing.
"""
