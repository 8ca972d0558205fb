#!/bin/sh
# git-model hook 1
#
# Runs git-model's part of one Git hook, and the hook that was here before, with the
# same arguments and the same standard input. `git model install` writes it and fills
# in the values below; `git model uninstall` puts back what was here.
#
# It needs sh and the absolute Python only: GUIs start Git with next to no PATH. Its
# name stands here because the pre-commit framework renames it.
hook=pre-commit
run='earlier ours'
where=beside
input=no
when=always
python=/usr/bin/python3
main=/usr/lib/git_model_security/__main__.py

# Git runs hooks at the top of the work tree, whose .git may be a file: `gitdir: PATH`.
find_git_dir() {
	git_dir=${GIT_DIR:-.git}
	[ ! -f "$git_dir" ] || read -r _ git_dir <"$git_dir"
}

is_replaying() {
	[ -d "$git_dir/rebase-merge" ] || [ -d "$git_dir/rebase-apply" ]
}

# Asked for every index that Git writes, so it starts no process.
nothing_waits() {
	find_git_dir
	[ "$1" != 1 ] || [ -d "$git_dir/rebase-merge" ] && return
	# With a message ready, content comes in that no commit will name.
	[ ! -f "$git_dir/git-model-pending" ] && [ ! -f "$git_dir/MERGE_MSG" ] && ! brings_content
}

# Succeeds where the git that runs this hook merges content of a commit, or may: if that is given
# up, nothing says later which commit it was.
brings_content() {
	[ -z "${brings:-}" ] || return 0 # found out above
	process=$PPID
	for _ in 1 2 3 4; do
		words=
		if [ -r "/proc/$process/cmdline" ]; then
			# Without what stands between the words: sh reads no NUL, and there is no line feed.
			IFS= read -r words <"/proc/$process/cmdline"
		else
			words=$(command -p ps -o args= -p "$process" 2>/dev/null)
		fi
		case $words in
		*cherry-pick* | *merge* | *read-tree* | *revert* | *stash*) break ;;
		*post-index-change*) # a program that runs hooks
			[ -r "/proc/$process/stat" ] || return 0
			read -r _ _ _ process _ <"/proc/$process/stat"
			;;
		*git*) return 1 ;;
		*) return 0 ;;
		esac
	done
	# A process that picks many commits has named them all at the first one.
	[ -d "$git_dir/sequencer" ] || return 0
	told=
	[ ! -f "$git_dir/git-model-brought" ] || read -r told <"$git_dir/git-model-brought"
	[ "$told" != "$process" ] || return 1
	echo "$process" >"$git_dir/git-model-brought"
	brings=yes
}

# Reads the refs that Git moves into $moved, those that may come to hold what no ref had;
# it fails where there are so many that git-model has to look, which reads the others itself.
read_moves() {
	find_git_dir
	told='' moved='' oids='' arrived='' others='' forward='' fresh='' count=0
	while read -r old new ref; do
		told=yes
		case $ref in
		refs/remotes/*)
			case $new in *[!0]*) arrived=yes moved="$moved$old $new $ref
" ;; esac
			continue
			;;
		refs/heads/*) ;;
		HEAD | worktrees/*/HEAD | main-worktree/HEAD | refs/rewritten/*)
			# In its end a rebase moves the branch, and all of it is judged then.
			! is_replaying || continue
			;;
		refs/*) others=yes ;;
		*) continue ;; # ORIG_HEAD, CHERRY_PICK_HEAD: never pushed, and soon gone
		esac
		# Neither is a deletion, nor a symbolic ref: what that names was judged before.
		case $new in "$old" | ref:* | *[!0-9a-f]*) continue ;; *[!0]*) ;; *) continue ;; esac
		case $oids in *"$new"*) ;; *) oids="$oids $new" ;; esac
		case $ref,$old in
		refs/heads/*,*[!0]*) forward="$forward $new ^$old" ;;
		refs/heads/*) fresh="$fresh $new" ;;
		esac
		moved="$moved$old $new $ref
"
		count=$((count + 1))
		[ "$count" -lt 64 ] || return 1
	done
}

# Git calls these several times per commit of a rebase, and mostly there is nothing to do:
# that is found here, without a process, before sh has read the rest of this file.
if [ "$run" = ours ] || { [ "$where" = beside ] && [ ! -f "${0%/*}/$hook.before-git-model" ]; }; then
	case $when,$1 in
	moving,prepared)
		read_moves
		are_read=$?
		# A fetch that sets no ref moves none (git 2.55), and brings something all the same.
		[ "$are_read" != 0 ] || [ -n "$moved" ] || [ -z "$told" ] || exit 0
		;;
	moving,*) exit 0 ;;
	waiting,*) ! nothing_waits "$@" || exit 0 ;;
	esac
fi

# A rebase commits without pre-commit, and then there is nothing to do after it.
nothing_judged() {
	find_git_dir
	is_expected && return
	is_replaying && [ ! -s "$git_dir/git-model-judged" ]
}

# pre-commit has signed it, and nothing is left to be done.
is_expected() {
	[ -f "$git_dir/git-model-signed" ] && [ ! -f "$git_dir/git-model-pending" ] || return 1
	[ -s "$git_dir/git-model-judged" ] || return 1
	read -r word oid <"$git_dir/git-model-judged"
	# Another hook may have stopped that commit, and this be a later one.
	[ "$word" = made ] && [ "$oid" = "$(git rev-parse --verify --quiet HEAD)" ] || return 1
	: >"$git_dir/git-model-judged"
}

# What a rebase begins with is nothing to stay at: its end is verified. Files that are checked
# out meanwhile come from somewhere.
nothing_settled() {
	[ "$3" != 0 ] || return 1
	find_git_dir
	is_replaying
}

# What was amended pre-commit has signed. Of most rebases reference-transaction has said all
# there is to say, when the branch got their end.
nothing_rebased() {
	[ "$1" = rebase ] || return 0
	find_git_dir
	[ -s "$git_dir/git-model-told" ] && [ ! -f "$git_dir/git-model-pending" ] || return 1
	read -r oid <"$git_dir/git-model-told"
	[ "$oid" = "$(git rev-parse --verify --quiet HEAD)" ] || return 1
	: >"$git_dir/git-model-told"
}

# What cannot be told here git-model is asked, and gets $moved.
nothing_moves() {
	[ "$1" = prepared ] || return 0
	if [ -z "${are_read:-}" ]; then
		read_moves
		are_read=$?
	fi
	[ "$are_read" = 0 ] || return 1
	[ -n "$moved" ] || [ -z "$told" ] || return 0
	[ -n "$told" ] || return 1
	[ -z "$arrived" ] || return 1
	[ -z "$others" ] || are_commits || return 1
	# shellcheck disable=SC2086 # words
	is_judged $oids || is_known
}

# A tag may name a file, or a tree, that no commit has.
are_commits() {
	kinds=$(for oid in $oids; do echo "$oid^{}"; done |
		GIT_NO_REPLACE_OBJECTS=1 git cat-file --batch-check='%(objecttype)') || return 1
	for kind in $kinds; do [ "$kind" = commit ] || return 1; done
}

# What pre-commit has judged: tree and parents, as the commit names them.
is_judged() {
	[ -s "$git_dir/git-model-judged" ] || return 1
	judged=
	while IFS= read -r line; do judged="$judged$line
"; done <"$git_dir/git-model-judged"
	judged=$judged$line
	# It counts once.
	: >"$git_dir/git-model-judged"
	[ $# = 1 ] || return 1
	# A merge brings in what others made, and that is told.
	case $judged in *"
parent "*"
parent "*) return 1 ;; esac
	case $(GIT_NO_REPLACE_OBJECTS=1 git cat-file commit "$1") in
	"$judged"*) echo "made $1" >"$git_dir/git-model-judged" ;;
	*) return 1 ;;
	esac
}

# No commit that no ref has yet, a stash apart, of which less is asked; and no branch comes to hold what others made.
is_known() {
	export GIT_NO_REPLACE_OBJECTS=1
	# shellcheck disable=SC2086 # words
	found=$(GIT_GRAFT_FILE=/dev/null git -c core.commitGraph=false -c advice.graftFileDeprecated=false \
		rev-list --max-count=1 $oids --not \
		--exclude='refs/rewritten/*' --exclude=refs/stash --glob='*') || return 1
	[ -z "$found" ] || return 1
	# shellcheck disable=SC2086 # words
	[ -z "$forward" ] || found=$(git rev-list --max-count=1 $forward) || return 1
	[ -z "$found" ] || return 1
	# shellcheck disable=SC2086 # words
	[ -z "$fresh" ] || found=$(git rev-list --max-count=1 $fresh --not --branches --tags) ||
		return 1
	[ -z "$found" ]
}

run_ours() {
	case $when in
	waiting) ! nothing_waits "$@" || return 0 ;;
	judged) ! nothing_judged || return 0 ;;
	settled) ! nothing_settled "$@" || return 0 ;;
	rebased) ! nothing_rebased "$@" || return 0 ;;
	moving) ! nothing_moves "$@" || return 0 ;;
	esac
	case $hook,$1 in reference-transaction,aborted | reference-transaction,preparing) return 0 ;; esac
	if [ ! -x "$python" ]; then
		lost=$python
	elif [ ! -f "$main" ]; then
		lost=$main
	elif [ "$when" = moving ]; then
		{ printf %s "$moved" && command -p cat; } | "$python" -I -m git_model_security hook "$hook" "$@"
		return
	else
		"$python" -I -m git_model_security hook "$hook" "$@"
		return
	fi
	case $hook in
	post-*)
		echo "git-model: warning: $lost is missing; the $hook hook did nothing" >&2
		return 0
		;;
	pre-receive)
		echo "git-model: error: $lost is missing on the server, so nothing can be checked" >&2
		echo "git-model: hint: nothing was accepted; the administrator installs git-model again" \
			"and runs \`git model install --server\`" >&2
		;;
	*)
		echo "git-model: error: $lost is missing, and $hook cannot check anything without it" >&2
		echo "git-model: hint: install git-model again and run \`git model doctor --fix\`;" \
			"to do without it, remove $0" >&2
		;;
	esac
	return 1
}

# shellcheck disable=SC2329 # invoked as run_$part
run_earlier() {
	"$earlier" "$@"
}

if [ "$run" = ours ]; then
	run_ours "$@"
	exit
fi
if [ "$where" = beside ]; then
	earlier=${0%/*}/$hook.before-git-model
	case $0 in
	*.legacy)
		# The pre-commit framework is running us. An older copy of its hook, kept as the
		# earlier one, would run NAME.legacy again, which is us. (The brackets keep this
		# file from being taken for such a copy.)
		if command -p grep -q 'generated by [p]re-commit' "$earlier" 2>/dev/null; then
			earlier=
		fi
		;;
	esac
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

if [ "$input" = yes ]; then
	text=$(command -p cat && echo .) || exit 1
fi
status=0
for part in $run; do
	if [ "$input" = yes ]; then
		printf %s "${text%.}" 2>/dev/null | "run_$part" "$@"
	else
		"run_$part" "$@"
	fi || {
		status=$?
		# What stops Git stops here; a post hook stops nothing, so the other one runs too.
		case $hook in post-*) ;; *) exit "$status" ;; esac
	}
done
exit "$status"
