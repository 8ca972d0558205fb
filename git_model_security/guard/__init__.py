"""Guards: is every protected blob ciphertext, and is no model in the clear.

`staged` looks at the index, `outgoing` at what a push sends, `incoming` at what a
server receives, `audit` at all commits. They share one judgement of a blob. Owns no
policy and no keys: whoever calls gives the keys, and says which blobs this clone knows
already. Must not know the CLI, signing or the filter. docs/SPEC.md, "Checking without a
key".
"""
