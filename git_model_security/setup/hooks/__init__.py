"""Git hooks: where our shims go, what they keep and run, and taking them out again.

Git runs a shim of ours for each hook, and the shim runs our part and the hook that Git
would run without us. The shims stand in the repository's own hooks directory, beside the
hook that was there (`HOOK.before-git-model`); where Git looks in another directory, which
is never written to, they stand in `.git/git-model/hooks`, and `core.hooksPath` of the
repository points there. husky alone points that back at each `npm install`, so its
committed hooks get a marked block which calls these shims, and a hook that husky has no
file for is a shim in `.husky/_`. A tool that puts itself before a shim and runs it stays;
what else takes a shim's place becomes the earlier hook at the next install, or is told
where there is one already. Only one place has shims, all changes are made or none, and
`uninstall` takes out what bears our mark and puts back what was there.

`hook_place` chooses the place and `hook_setup` writes. What a hook does is the package `hooks`;
hooks in Git's configuration, which have no directory, are `configured_hooks`.
"""
