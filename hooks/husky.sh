# >>> git-model >>>
# Written by `git model install`, removed by `git model uninstall`; no effect without git-model.
git_model_hook=$(git rev-parse --path-format=absolute --git-common-dir)/git-model/hooks/HOOK
if [ -x "$git_model_hook" ]; then
	git_model_input=
	[ -t 0 ] || git_model_input=$(command -p cat) || exit 1
	{ [ -z "$git_model_input" ] || printf '%s\n' "$git_model_input"; } |
		(cd "$(git rev-parse --show-toplevel)" && "$git_model_hook" "$@") || exit $?
	# What we have read is for the commands below as well.
	[ -t 0 ] || exec </dev/null
	[ -z "$git_model_input" ] || exec <<-END
		$git_model_input
	END
elif git config --local filter.git-model.process >/dev/null; then
	echo "git-model: error: $git_model_hook is missing" >&2
	echo "git-model: hint: run \`git model doctor --fix\` in this clone" >&2
	case ${git_model_hook##*/} in pre-*) exit 1 ;; esac
fi
# <<< git-model <<<
