"""Verification: what was signed against what is there.

`tree_check` looks at a commit, `worktree_check` at the files of a clone, `range_check` at
each commit of a range, `directory_check` at a directory outside Git. Docs: docs/SPEC.md,
"Signatures". Writes no file.
"""
