"""Team: the list of members, signers, readers and keys, and keys wrapped for readers.

The list is a chain of signed changes, one file that only ever grows. This package judges
bytes: it must not know where a list, a wrap or an identity is kept, nor which of them a
clone believes. docs/SPEC.md, "Team".
"""
