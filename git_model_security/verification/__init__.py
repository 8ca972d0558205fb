"""Verification: what was signed against what is there.

`compare` compares; `tree_check`, `worktree_check`, `directory_check` and `models_check` say
where the digests come from, and `range_check` looks at each commit of a range. `kinds` has
the words for every difference. Docs: docs/SPEC.md, "Signatures". Writes no file.
"""
