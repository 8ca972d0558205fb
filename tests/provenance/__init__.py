"""Whose work a commit signs: never a stranger's unasked, and one's own without a question."""
