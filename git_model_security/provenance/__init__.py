"""Who vouches for a change: what a signer may sign without being asked.

Signing never launders what somebody else pushed. `vouching` holds the rule; the others
say what it may know: commits that hold, where content stood before, what was adopted.
"""
