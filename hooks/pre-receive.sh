#!/bin/sh
# git-model hook 1
#
# A hook of a repository that is pushed to. Of pre-receive it runs git-model's part, and
# then the hook that was here before, with the same standard input; of other hooks only
# that one. `git model install --server` writes it and fills in the values below;
# `git model uninstall` puts back what was here.
#
# It needs sh and the absolute Python only: a server starts Git with next to no PATH.
# Where one of them is missing nothing comes in.
hook=pre-receive
run='ours earlier'
where=beside
python=/usr/bin/python3
main=/usr/lib/git_model_security/__main__.py

run_ours() {
	if [ ! -x "$python" ]; then
		lost=$python
	elif [ ! -f "$main" ]; then
		lost=$main
	else
		"$python" -I -m git_model_security hook "$hook" "$@"
		return
	fi
	echo "git-model: error: $lost is missing on the server, so nothing can be checked" >&2
	echo "git-model: hint: nothing was accepted; the administrator installs git-model again" \
		"and runs \`git model install --server\`" >&2
	return 1
}

if [ "$run" = ours ]; then
	run_ours "$@"
	exit
fi
if [ "$where" = beside ]; then
	earlier=${0%/*}/$hook.before-git-model
else
	# Asked at run time: the directory that Git would use without us may have changed.
	directory=${0%/git-model/hooks/*}/hooks
	chained=
	while read -r key value; do
		case $key=$value in
		*=*/git-model/hooks) ;;
		core.*=?*) directory=$value ;;
		*=?*) chained=$value ;;
		esac
	done <<-END
		$(git config --type=path --get-regexp '^(core|git-model)\.(hookspath|chainedhookspath)$')
	END
	earlier=${chained:-$directory}/$hook
fi
if [ ! -f "$earlier" ] || [ ! -x "$earlier" ]; then
	[ "$run" != earlier ] || exit 0
	run_ours "$@"
	exit
fi
[ "$run" != earlier ] || exec "$earlier" "$@"

# The lines of any number of refs, and both read all of them.
text=$(command -p cat && echo .) || exit 1
printf %s "${text%.}" | run_ours "$@" || exit
printf %s "${text%.}" 2>/dev/null | "$earlier" "$@"
