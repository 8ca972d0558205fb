"""Git hooks of a clone: where our shims go, what they keep and run, and taking them out.

`hook_setup` chooses the place. What a hook does is the package `hooks`.
"""
