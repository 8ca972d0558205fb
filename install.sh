#!/bin/sh
# Installs git-model for the person who runs it; `./install.sh --help` says how.
#
# Layout: SHARE/envs/N is a virtual environment, SHARE/current a symbolic link to
# the complete one, SHARE/git-model a launcher that goes through that link, and
# BIN/git-model a link to the launcher. The launcher appears on PATH only when all
# behind it is in place, and an upgrade is one rename of a link, so an interrupted
# run leaves what was there before. Git's configuration names the interpreter as
# SHARE/current/bin/python, which stays valid across upgrades.

set -eu
umask 022
# A foreign interpreter's settings, and pip's that do not fit an environment.
unset CDPATH PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV

usage() {
    cat <<'END'
usage: ./install.sh [--prefix DIR]
       ./install.sh [--prefix DIR] --demo [DIR]
       ./install.sh [--prefix DIR] --uninstall
       ./install.sh --test [PYTEST ARGUMENT...]

Installs git-model into an environment of its own and links it into ~/.local/bin.
Needs Python 3.11 or newer with its venv module, git 2.39 or newer, and the
package index; no root. Run it again to upgrade.

  --prefix DIR   install under DIR/share/git-model and DIR/bin
  --demo [DIR]   then show the main job on a small real model, or on a copy of
                 the model in DIR, in a temporary directory
  --uninstall    remove what was installed; keys stay. First run `git model
                 uninstall` in the repositories that shall do without it
  --test         set up the development environment and run the test suite; the
                 other arguments go to pytest
  --help         show this

Environment: GIT_MODEL_PYTHON is the interpreter to use, GIT_MODEL_VENV the
directory of the development environment (default .venv).
END
}

say() { printf '%s\n' "$*"; }

warn() { printf 'install.sh: warning: %s\n' "$*" >&2; }

fail() { # MESSAGE [HINT]
    printf 'install.sh: error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'install.sh: hint: %s\n' "$2" >&2
    exit 1
}

misused() {
    printf 'install.sh: error: %s\ninstall.sh: hint: ./install.sh --help\n' "$1" >&2
    exit 2
}

quoted() { # STRING: one shell word
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

absolute() { # DIR, made if it is not there
    mkdir -p -- "$1" && (cd -- "$1" && pwd)
}

# --- what the machine must have ---------------------------------------------

installed_by() { # APT-PACKAGES [OTHER-PACKAGES]: the command for this system
    if command -v apt-get >/dev/null; then say "apt install $1"
    elif command -v dnf >/dev/null; then say "dnf install ${2:-$1}"
    elif command -v apk >/dev/null; then say "apk add ${2:-$1}"
    elif command -v pacman >/dev/null; then say "pacman -S ${2:-$1}"
    elif command -v zypper >/dev/null; then say "zypper install ${2:-$1}"
    elif command -v brew >/dev/null; then say "brew install ${2:-$1}"
    else say "install ${2:-$1}"
    fi
}

find_python() { # sets python
    without_venv=
    for python in "${GIT_MODEL_PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
            >/dev/null 2>&1 || continue
        # Debian ships Python without ensurepip, and venv then fails half-way.
        if "$python" -I -c 'import ensurepip, venv' >/dev/null 2>&1; then return; fi
        without_venv=${without_venv:-$python}
    done
    [ -z "$without_venv" ] || fail "$without_venv has no venv module" \
        "$(installed_by "$(basename "$without_venv")-venv" python3)"
    fail 'Python 3.11 or newer is needed' "$(installed_by 'python3 python3-venv' python3)"
}

need_git() {
    command -v git >/dev/null || fail 'git is not installed' "$(installed_by git)"
    version=$(git --version | sed 's/^[^0-9]*//')
    major=${version%%.*} rest=${version#*.}
    minor=${rest%%[!0-9]*}
    if [ "$major" -lt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -lt 39 ]; }; then
        fail "git is $version, 2.39 or newer is needed" "$(installed_by git)"
    fi
}

# --- environments -------------------------------------------------------------

pip() { # ENVIRONMENT PIP-ARGUMENT...
    environment=$1
    shift
    "$environment/bin/python" -I -m pip --no-input --disable-pip-version-check "$@"
}

make_environment() { # DIR
    # Without pip: `ensurepip` would compile it, and the setuptools that Python 3.11 has, for
    # longer than all packages take to fetch.
    "$python" -I -m venv --clear --without-pip "$1" || fail "no environment could be made in $1"
}

find_pip() { # prints the pip that Python has, or the wheel of one that it brought
    # One that is installed is compiled already, which saves half of what this pip is needed for.
    "$python" -I - <<'END'
import pathlib, ensurepip, importlib.util, sysconfig
installed = importlib.util.find_spec("pip")
if installed is not None:
    raise SystemExit(print(pathlib.Path(installed.origin).parent))
places = [pathlib.Path(ensurepip.__file__).parent / "_bundled"]
places += map(pathlib.Path, filter(None, [sysconfig.get_config_var("WHEEL_PKG_DIR")]))
print(*[wheel / "pip" for place in places for wheel in place.glob("pip-*.whl")][:1])
END
}

install_lock() { # LOCK RETRIES PIP...: installs what the lock names, by the pip that is named
    # --only-binary: building a source distribution would fetch what no hash names.
    # --no-deps: the lock is whole. A pip before 23.3 would look `name[extra]` up in the
    # index, apart from the pin, and fail as soon as there is a newer release of it.
    # --no-compile: pip compiles one file after the other, where every core could.
    # --ignore-installed: a pip that Python has sees what is installed beside it, too.
    # --timeout: a connection that falls silent is tried anew, however long the machine's
    # configuration would wait for it (15 is pip's own default); with -q, unlike -qq, pip
    # says that it is.
    named=$1 retries=$2
    shift 2
    "$@" --no-input --disable-pip-version-check install -q --require-hashes --no-deps \
        --only-binary :all: --no-compile --ignore-installed --timeout 15 --retries "$retries" \
        --requirement "$named"
}

add_pip() { # ENVIRONMENT
    # The pip that Python has may take twice the time for an index of many releases: it fetches
    # a newer one. Where the index has none, or no wheel is found, it is installed itself.
    found=$(find_pip)
    if [ -z "$found" ] || ! install_lock "$here/requirements-pip.lock" 2 \
        "$1/bin/python" -I "$found"; then
        "$1/bin/python" -I -m ensurepip >/dev/null || fail "no pip could be put into $1"
        # Of the setuptools that comes along each start of Python would import a part, and ask it
        # about every module: 3 % of a hook.
        rm -f "$1"/lib/python3*/site-packages/distutils-precedence.pth
    fi
}

fill() { # ENVIRONMENT LOCK: installs exactly what the lock names
    say "Fetching $(grep -c '^[A-Za-z0-9].*==' "$2") packages, as $(basename "$2") has them"
    add_pip "$1"
    # Its modules are compiled once, and not by each of those that begin together.
    pip "$1" install --help >/dev/null
    # pip fetches one package after the other, so several do, each its part of the lock. By
    # xargs: what sh itself runs beside it would go on after an interruption.
    parts=$1/parts
    mkdir "$parts"
    awk -v to="$parts/" '/^[A-Za-z0-9]/ { part = part % 3 + 1 } part { print >(to part) }' "$2"
    # shellcheck disable=SC2012 # names of ours, a digit each
    ls "$parts" | install_lock "$parts/{}" 10 xargs -P 3 -I '{}' "$1/bin/python" -I -m pip ||
        fail "the packages of $(basename "$2") could not be installed; pip says why above" \
            'mirrors, proxies and certificates are set in the pip configuration'
    rm -r "$parts"
}

compile_packages() { # ENVIRONMENT [PACKAGE...]: those, or all
    # Some packages hold files that are no Python, which pip passes over as well.
    say 'Compiling the packages'
    environment=$1
    shift
    [ $# -gt 0 ] || set -- .
    site=$(printf '%s\n' "$environment"/lib/python3*/site-packages)
    for package; do
        set -- "$@" "$site/$package"
        shift
    done
    "$environment/bin/python" -I -m compileall -qq -j 0 "$@" || :
}

add_project() { # ENVIRONMENT [--editable]: the build backend is in the lock
    environment=$1
    shift
    pip "$environment" install -qq --no-index --no-deps --no-build-isolation --force-reinstall \
        --no-compile "$@" "$here" || fail 'the project could not be built; the lines above say why'
    # Nothing was resolved, so what the packages ask of each other is asked here.
    disagreement=$(pip "$environment" check 2>&1) || fail \
        "the locked packages do not fit together: $disagreement" \
        "please report it, with this: $("$environment/bin/python" -VV)"
}

# --- install ------------------------------------------------------------------

write_launcher() { # FILE
    current=$(quoted "$share/current")
    cat >"$1" <<END
#!/bin/sh
# Written by git-model's install.sh. -I: a repository's own json.py is not imported.
if [ ! -x $current/bin/python ]; then
    echo "git-model: error: its Python environment is gone" >&2
    echo "git-model: hint: run git-model's install.sh again" >&2
    exit 1
fi
exec $current/bin/python -I -m git_model_security "\$@"
END
    chmod 755 "$1"
}

replace() { # FROM TO: one atomic rename, also over a link to a directory
    "$python" -I -c 'import os, sys; os.replace(sys.argv[1], sys.argv[2])' "$1" "$2"
}

is_ours() { [ "$(readlink "$bin/git-model" 2>/dev/null)" = "$share/git-model" ]; }

clean_up() {
    rm -rf "$new" "$share/current.$$" "$share/git-model.$$" "$bin/.git-model.$$"
}

install_program() {
    need_git
    find_python
    if [ -e "$bin/git-model" ] || [ -L "$bin/git-model" ]; then
        is_ours || fail "$bin/git-model is not from this installer" \
            'remove it, or choose another place with --prefix'
    fi
    share=$(absolute "$share") bin=$(absolute "$bin")

    say "Installing git-model into $share"
    new=$share/envs/$$
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' HUP TERM
    make_environment "$new"
    fill "$new" "$here/requirements.lock"
    say 'Building the program'
    add_project "$new"
    # What hooks and most commands import. Python compiles the rest where it is imported first:
    # for a signature with Sigstore, that is.
    compile_packages "$new" git_model_security click cryptography blake3 rich
    "$new/bin/python" -I -m git_model_security --version >/dev/null ||
        fail 'the installed program does not run; the lines above say why'

    # From here all is in place: three renames make it visible.
    write_launcher "$share/git-model.$$"
    replace "$share/git-model.$$" "$share/git-model"
    ln -s "envs/$$" "$share/current.$$"
    new=$share/none # in use from here on: an interruption must not remove it
    replace "$share/current.$$" "$share/current"
    ln -s "$share/git-model" "$bin/.git-model.$$"
    replace "$bin/.git-model.$$" "$bin/git-model"
    # `git model --help` is `man git-model` to Git, which finds pages beside bin.
    mkdir -p "$man" && cp "$here/docs/git-model.1" "$man/git-model.1"
    for old in "$share"/envs/*; do
        [ "$old" = "$share/envs/$$" ] || rm -rf "$old"
    done

    "$bin/git-model" install || fail \
        'git-model is installed, but could not configure Git; the lines above say why' \
        "run $(quoted "$bin/git-model") install"
    say "Installed $("$bin/git-model" --version)"
    case :$PATH: in
        *:"$bin":*) ;;
        *)
            say "$bin is not on your PATH; \`git model\` works once you add it:"
            say "    export PATH=$(quoted "$bin"):\"\$PATH\""
            ;;
    esac
}

uninstall_program() {
    if [ -x "$share/git-model" ]; then
        "$share/git-model" uninstall --global ||
            warn 'git-model could not take back its Git configuration; see above'
    fi
    if is_ours; then rm -f "$bin/git-model" "$man/git-model.1"; fi
    rm -rf "$share/git-model" "$share/current" "$share/envs"
    rmdir "$share" "$man" "${man%/*}" 2>/dev/null || true
    say "Removed git-model from $share and $bin"
    say 'Repositories that were set up still name it, and Git fails there until it is'
    say 'installed again, or until you take it out of them: unset filter.git-model.process,'
    say 'diff.git-model.textconv and the hooks ("git model uninstall" does, before this).'
    say "Left in place: keys and pinned signers in ${XDG_CONFIG_HOME:-$HOME/.config}/git-model, and"
    say 'filter.git-model.required=true in the global Git configuration, without which "git add"'
    say 'would put plaintext into encrypted repositories. To remove that too:'
    say '    git config --global --remove-section filter.git-model'
}

# --- demo and test --------------------------------------------------------------

run_demo() {
    PATH=$bin:$PATH
    export PATH
    [ -z "$model" ] || exec "$here/demo/demo.sh" "$model"
    models=$(mktemp -d)
    new=$models
    pip "$share/current" download -qq --no-deps --require-hashes --dest "$models" \
        --requirement "$here/demo/requirements.lock" ||
        fail 'the small model for the demo could not be fetched' \
            'show it on a model of yours: ./install.sh --demo DIR'
    (cd "$models" && "$share/current/bin/python" -I -m zipfile -e ./*.whl .)
    "$here/demo/demo.sh" "$models"/magika/models/standard_v1
}

add_test_programs() {
    missing=
    for pair in git-lfs:git-lfs git-crypt:git-crypt age:age softhsm2-util:softhsm2 \
        openssl:openssl; do
        command -v "${pair%:*}" >/dev/null || missing="$missing ${pair#*:}"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        say "Installing for the tests:$missing"
        get='apt-get install --yes --quiet --no-install-recommends'
        # shellcheck disable=SC2086  # words, not one word
        { $get $missing || { apt-get update --quiet && $get $missing; }; } \
            >/dev/null </dev/null && return
    fi
    warn "tests that need a missing program are skipped: $(installed_by "${missing# }")"
}

run_tests() { # [PYTEST ARGUMENT...]
    need_git
    add_test_programs
    venv=${GIT_MODEL_VENV:-$here/.venv}
    lock=$here/requirements-dev.lock
    # The stamps are written last: an environment without them is made anew, and
    # so is one whose lock changed or that was moved.
    if ! { echo "$venv"; cat "$lock"; } | cmp -s - "$venv/lock.stamp" ||
        ! "$venv/bin/python" -I -c '' 2>/dev/null; then
        find_python
        if [ -e "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ]; then
            rmdir "$venv" 2>/dev/null || fail "$venv is not a Python environment"
        fi
        say "Making the development environment in $venv"
        make_environment "$venv"
        fill "$venv" "$lock"
        compile_packages "$venv"
        { echo "$venv"; cat "$lock"; } >"$venv/lock.stamp"
    fi
    if ! { echo "$here"; cat "$here/pyproject.toml"; } | cmp -s - "$venv/project.stamp"; then
        add_project "$venv" --editable
        { echo "$here"; cat "$here/pyproject.toml"; } >"$venv/project.stamp"
    fi
    cd "$here"
    unset PYTHONDONTWRITEBYTECODE # else every worker compiles all tests, on every run
    # One worker more than cores: many tests wait, for a server or for a process that ends.
    workers=$(($(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1) + 1))
    exec "$venv/bin/python" -m pytest -n "$workers" --dist worksteal "$@"
}

# --- command line -----------------------------------------------------------------

here=$(cd -- "$(dirname -- "$0")" && pwd -P)
mode=install prefix='' model=''
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) [ $# -gt 1 ] || misused '--prefix needs a directory'; prefix=$2; shift ;;
        --prefix=*) prefix=${1#--prefix=} ;;
        --demo | --uninstall) mode=${1#--} ;;
        --test) shift; run_tests "$@" ;;
        --help | -h) usage; exit ;;
        -*) misused "unknown option $1" ;;
        *)
            { [ "$mode" = demo ] && [ -z "$model" ]; } || misused "unexpected argument $1"
            model=$1
            ;;
    esac
    shift
done
[ -z "$model" ] || [ -d "$model" ] || fail "$model: no such directory"

if [ -n "$prefix" ]; then
    prefix=$(absolute "$prefix")
    share=$prefix/share/git-model bin=$prefix/bin man=$prefix/share/man/man1
else
    : "${HOME:?is not set; use --prefix}"
    data=${XDG_DATA_HOME:-$HOME/.local/share}
    share=$data/git-model bin=$HOME/.local/bin man=$data/man/man1
fi

case $mode in
    install) install_program ;;
    demo) install_program; run_demo ;;
    uninstall) uninstall_program ;;
esac
