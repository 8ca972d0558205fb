"""Git hooks of a clone: where our shims go, what they keep and run, and taking them out.

1. In the repository's own hooks directory each hook of ours is a shim, which runs our part
   and the hook that was there before, renamed to `HOOK.before-git-model`.
2. Another directory that `core.hooksPath` names is never written to: the clone's own
   `core.hooksPath` points to shims in `.git/git-model/hooks`, which pass on to it.
3. husky sets `core.hooksPath` anew at each `npm install`, so there a marked block in each
   committed hook calls the shim of the clone, and a hook that husky does not know is a shim
   in its own directory, which it leaves there.
4. A tool that puts itself before our shim, and runs it, stays there.
5. Only one place has shims at a time, all changes are made or none, and `uninstall` takes
   out what bears our mark and puts back what was there.

`hook_setup` chooses the place. What a hook does is the package `hooks`; hooks in Git's
configuration, which have no directory, are `configured_hooks`.
"""
