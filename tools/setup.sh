#!/bin/sh
# Make this checkout ready to run: Debian packages, virtual environment, binaries
# and image. Safe to run again; a second run changes nothing and takes a moment.
#
#   sh tools/setup.sh            everything that a learner needs
#   sh tools/setup.sh venv       only what `make lint` needs: Python and all packages
#   sh tools/setup.sh tests      only what `make test` needs beside: a browser and fonts
#   sh tools/setup.sh full       the same, with user-mode Linux, Firefox and Node, for `make full`
#   sh tools/setup.sh machines   the same, and QEMU for `make machines`
#   sh tools/setup.sh site       only what `make site` needs beside: Sphinx
#   sh tools/setup.sh lock       only write the lock files anew, for `make lock`
#
# PYTHON=… names the interpreter to build the environment with. PACKAGES=… says which
# versions go into it: `lock`, those that were tested, the default for a Python that CI
# has; `ranges`, the newest that requirements.txt allows; `lowest`, the oldest of each.
set -eu

cd "$(dirname "$0")/.."
# An ordinary user's PATH on Debian lacks the directories of runc and nft.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
stamp=.venv/setup-stamp
# settings and extension of JupyterLab, and what IPython loads; a wheel has them, too
jupyter=helpers/data/jupyter
# what the programs write that are called here, from the first step of this run on
log=build/setup.log
minimum='import sys; sys.exit(sys.version_info < (3, 11))'
tested='import sys; sys.exit(sys.version_info >= (3, 15))'
uv_version=uv==0.13.9
tab=$(printf '\t')
apt_command='sudo apt-get update && sudo apt-get install -y --no-install-recommends'

# In Korean where the lessons are: of LAB_LANG, else of the locale.
case ${LAB_LANG:-${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}} in
[Kk][Oo] | [Kk][Oo][!A-Za-z]*) translations=locale/ko/setup.tsv ;;
*) translations='' ;;
esac

text() {
    # Print a text for people: a format of printf, and its values.
    format=$1
    shift
    if [ -n "$translations" ] && [ -r "$translations" ]; then
        while IFS=$tab read -r english korean; do
            [ "$english" != "$format" ] || { format=$korean && break; }
        done <"$translations"
    fi
    # shellcheck disable=SC2059  # the format is one of ours
    printf "$format" "$@"
}

say() { printf 'setup: %s\n' "$(text "$@")" >&2; }
die() { say "$@"; exit 1; }
linux() { [ ! -d /System/Library ]; } # what macOS has, and Linux has not
have() { command -v "$1" >/dev/null 2>&1; }

case ${PACKAGES:-lock} in
lock | ranges | lowest) ;;
*) die 'unknown PACKAGES=%s. Known: lock, ranges, lowest.' "$PACKAGES" ;;
esac

step() {
    # Run the command after $1, which is its name for a person: one line, and how long it
    # took. If it fails, the end of what it wrote, as nobody reads 300 lines of pip.
    [ -n "${wrote:-}" ] || { mkdir -p build && : >"$log"; }
    wrote=$(($(wc -l <"$log") + 1))
    printf 'setup: %s ... ' "$(text '%s (output: %s)' "$1" "$log")" >&2
    shift
    began=$(date +%s)
    code=0
    "$@" >>"$log" 2>&1 || code=$?
    took="$(($(date +%s) - began)) s"
    if [ "$code" = 0 ]; then
        echo "$took" >&2
    else
        echo "$(text 'failed after %s. The end of %s:' "$took" "$log")" >&2
        tail -n "+$wrote" "$log" | tail -n 20 | sed 's/^/  /' >&2
    fi
    return "$code"
}

root_with_apt() { [ "$(id -u)" = 0 ] && have apt-get; }

apt_install() {
    step "$(text 'installing with apt-get: %s' "$*")" apt_install_or_update "$@"
}

apt_install_or_update() {
    # A fresh container has no package lists and an old one has stale lists: both
    # show as a failed install, and only then is the slow update worth its time.
    apt_get install "$@" || { apt_get update && apt_get install "$@"; }
}

apt_get() {
    word=$1
    shift
    set -- "$word" -y -q "$@"
    [ "$word" = update ] || set -- "$@" --no-install-recommends
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@"
}

tell_of_windows() {
    # WSL shows the disks of Windows by 9p or virtiofs, as other machines show others.
    findmnt --noheadings --output FSTYPE,SOURCE,OPTIONS --target . 2>/dev/null |
        grep -qE '^(drvfs |9p .*aname=drvfs|virtiofs +drvfs)' || return 0
    say '%s is on a disk of Windows, where Linux makes no sockets, keeps no '\
'permissions and reads several times more slowly. '\
'Clone below your home in Linux, and run `make setup` there; going on here.' "$(pwd)"
}

# --- Debian packages ----------------------------------------------------------

compiles() {
    # The compiler alone is not enough: linking needs the C library's headers.
    echo 'int main(void) { return 0; }' | cc -x c -o /dev/null - 2>/dev/null
}

list_missing() {
    # One line each: packages, what they are for. Nothing here is needed to go on:
    # what a learner's cluster cannot do without is asked for, by name, by the step
    # that needs it, because ready-made binaries or a cached image may do as well.
    # Only an environment of Python is: so that is in the same command.
    ! have apt-get || list_missing_for_python
    linux || have jq || echo "jq|$(text 'shell cells')"
    linux || return 0 # all else is in the container engine
    archive || list_missing_without_archive
    have nft || echo "nftables|$(text 'Services other than kubernetes and DNS')"
    have newuidmap || echo "uidmap|$(text 'pods that run as another user')"
    [ -n "${SSL_CERT_FILE:-}" ] || authorities ||
        echo "ca-certificates|$(text 'downloads')"
}

list_missing_for_python() {
    # Debian has what makes an environment in a package of its own for each version.
    [ ! -x .venv/bin/python ] || return 0
    if ! have "${PYTHON:-python3}"; then
        echo "python3 python3-venv|.venv"
    elif python=$(find_python) && ! makes_environments "$python"; then
        echo "$(venv_package "$python")|.venv"
    fi
}

makes_environments() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

venv_package() {
    "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}

archive() {
    # Whether an archive is in question: then its contents are not missing yet. Where it
    # is, cluster/programs/releases.py decides.
    [ "${LAB_BUNDLE:-}" != none ] || return 1
    [ -z "${LAB_BUNDLE:-}" ] || return 0
    [ -e .git ] && git remote get-url origin 2>/dev/null | grep -q '[/@]github\.com[:/]'
}

list_missing_without_archive() {
    have runc || echo "runc|$(text 'pods with a seccomp profile')"
    have mmdebstrap || does_without_apt ||
        echo "mmdebstrap|$(text 'the toolbox image: no pods without one')"
    have curl || echo "curl|$(text 'shell cells')"
    have jq || echo "jq|$(text 'shell cells')"
    compiles || echo "gcc libc6-dev|$(text 'building runc')"
}

does_without_apt() {
    # An engine runs mmdebstrap in a container of Debian.
    ! have apt-get && { have docker || have podman; }
}

authorities() {
    # Debian, Arch, Alpine and NixOS; Fedora; openSUSE.
    for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
        /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/ca-bundle.pem; do
        [ ! -s "$file" ] || return 0
    done
    return 1
}

take_archive() {
    # Ask for its contents only if it does not come, and for it only once.
    archive || return 0
    .venv/bin/python -m cluster.cli.fetch || {
        packages list_missing_without_archive
        LAB_BUNDLE=none
        export LAB_BUNDLE
    }
}

list_missing_for_tests() {
    # 300 MB that nobody needs to learn; without them those tests are skipped.
    have chromium || have google-chrome || echo 'chromium|tests in a browser'
    glyph 25ba || echo 'fontconfig fonts-dejavu-core|diagrams in a browser'
    glyph d55c || echo 'fontconfig fonts-nanum|Korean in a browser'
    have cpio || echo 'cpio|a test of what boots on arm64'
}

list_missing_for_full() {
    list_missing_for_tests
    [ -d /usr/lib/uml/modules ] || no_user_mode ||
        echo 'user-mode-linux|tests of its node'
    have slirp4netns || echo 'slirp4netns|tests of its node'
    have node || echo 'nodejs|tests of an API server for browsers'
    have npm || echo 'npm|Python for browsers'
    have firefox-esr || have firefox || ubuntu || echo 'firefox-esr|tests in it'
    have mkfs.ext4 || echo 'e2fsprogs|tests on other machines'
    have ssh || echo 'openssh-client|tests on other machines'
    have mksquashfs || echo 'squashfs-tools|tests of its node'
}

list_missing_for_machines() {
    list_missing_for_full
    have qemu-system-aarch64 || echo 'qemu-system-arm|tests on arm64'
    have qemu-aarch64 || echo 'qemu-user|tests on arm64'
    have modprobe || echo 'kmod|tests on arm64'
}

no_user_mode() {
    # Debian alone has the package, for x86-64.
    [ "$(uname -m)" != x86_64 ] || ubuntu
}

ubuntu() { grep -qE '^ID(_LIKE)?=.*ubuntu' /etc/os-release 2>/dev/null; }

raise_limits() {
    # Each cluster takes 19 instances, each worker of the tests has up to two, and
    # the usual 128 of a user are few for two runs at a time.
    raise_limit fs.inotify.max_user_instances 1024
}

raise_limits_for_machines() {
    raise_limits
    # Each page of a program in user-mode Linux may be a mapping of its own: 65530, the
    # kernel's default, are few for a kube-apiserver that has served every lesson.
    raise_limit vm.max_map_count 262144
}

raise_limit() { # name, value
    limit=/proc/sys/$(echo "$1" | tr . /)
    [ "$(id -u)" = 0 ] && [ "$(cat "$limit")" -lt "$2" ] || return 0
    if echo "$2" 2>/dev/null >"$limit"; then
        say '%s is %s until the next start of this machine' "$1" "$2"
    fi
}

glyph() {
    fc-list ":charset=$1" 2>/dev/null | grep -q .
}

packages() {
    # Install what the function $1 lists.
    missing=$($1)
    [ -n "$missing" ] || return 0
    if ! have apt-get; then
        # Other managers have other names, and the table of those is in Python.
        say '%s' "$(echo "$missing" | .venv/bin/python -m cluster.packages)"
        return
    fi
    names=$(echo "$missing" | cut -d '|' -f 1 | tr '\n' ' ')
    if root_with_apt; then
        # shellcheck disable=SC2086  # the names are words, one package each
        apt_install $names && missing=$($1)
        [ -n "$missing" ] || return 0
    fi
    reasons=$(echo "$missing" | sed 's/\(.*\)|\(.*\)/\1 (\2)/' | paste -s -d ',' -)
    set -- "$(echo "$reasons" | sed 's/,/, /g')" "$apt_command ${names% }"
    case $missing in
    *'|.venv'*) die 'these packages are missing: %s. Run: %s' "$@" ;;
    *) say 'going on without %s. Run: %s' "$@" ;;
    esac
}

# --- Python -------------------------------------------------------------------

find_python() {
    # A name that was asked for is taken or refused, never replaced by another.
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.14 python3.13 python3.12 python3.11
    fi
    for name; do
        have "$name" && "$name" -c "$minimum" 2>/dev/null && echo "$name" && return
    done
    return 1
}

no_python() {
    name=${PYTHON:-python3}
    found=$("$name" -V 2>&1) || found='none'
    die 'Python 3.11 or newer is needed; %s here is: %s. '\
'Install one, or name one: make setup PYTHON=/path/to/python3' "$name" "$found"
}

usable() {
    # `-m pip` fails on an environment whose making was interrupted, and all of it
    # when the interpreter it was made from is gone. Scripts in .venv/bin hold their
    # own full path, so an environment that was moved is of no use either.
    grep -qF "$(pwd)/.venv" .venv/pyvenv.cfg 2>/dev/null &&
        .venv/bin/python -c "$minimum" 2>/dev/null &&
        .venv/bin/python -m pip --version >/dev/null 2>&1
}

versions() {
    default=ranges
    ! .venv/bin/python -c "$tested" || default=lock
    echo "${PACKAGES:-$default}"
}

fingerprint() {
    [ -x .venv/bin/python ] || return 0
    # Contents, not times: a `git checkout` touches files that it does not change.
    pwd
    .venv/bin/python -V
    versions
    cksum requirements.txt ./requirements-lock*.txt pyproject.toml tools/left-out.txt \
        "$jupyter"/*.* "$jupyter"/exercises/*
}

make_environment() {
    if ! have "${PYTHON:-python3}" && root_with_apt; then
        apt_install python3 python3-venv || true # what is missing is told below
    fi
    python=$(find_python) || no_python
    if ! makes_environments "$python"; then
        have apt-get ||
            die '%s lacks venv or ensurepip, and cannot make an environment. '\
'Name another one: make setup PYTHON=/path/to/python3' "$python"
        name=$(venv_package "$python")
        if ! root_with_apt || ! apt_install "$name"; then
            die '%s cannot make a virtual environment. Run: %s' "$python" \
                "$apt_command $name"
        fi
    fi
    # The link that a dev container made, to an environment that is in it alone.
    [ ! -L .venv ] || rm .venv
    set -- "$("$python" -V 2>&1)" "$(command -v "$python")"
    step "$(text 'making .venv with %s (%s)' "$@")" "$python" -m venv --clear .venv
}

venv() {
    # Packages of a learner; with `-test` also those of tests and `make lint`, 250 MB.
    if [ "$(fingerprint 2>/dev/null)" = "$(cat "$stamp$1" 2>/dev/null)" ] &&
        [ -s "$stamp$1" ]; then
        return 0
    fi
    rm -f "$stamp" "$stamp-test"
    usable || make_environment
    packages=$(versions)
    step "$(text 'installing Python packages into .venv (%s)' "$packages")" \
        install_packages "$1" || no_packages "$1"
    extension=.venv/share/jupyter/labextensions/kubernetes-api-notebooks
    mkdir -p .venv/share/jupyter/lab/settings .venv/etc/ipython/startup "$extension"
    cp "$jupyter"/exercises/* "$extension"
    cp "$jupyter/overrides.json" .venv/share/jupyter/lab/settings/overrides.json
    cp "$jupyter/startup.ipy" .venv/etc/ipython/startup/lessons.ipy
    fingerprint >"$stamp"
    [ -z "$1" ] || cp "$stamp" "$stamp$1"
}

no_packages() {
    # By the words of Python and of uv, in what this step wrote.
    if tail -n "+$wrote" "$log" | grep -qE 'Errno 28|os error 28|No space left'; then
        needed=500
        [ -z "$1" ] || needed=800
        free=$(df -Pm . | awk 'NR == 2 { print $4 }')
        die 'the packages need %s MB of disk, and %s has %s MB free: make room, and run the same again.' \
            "$needed" "$(pwd)" "$free"
    fi
    die 'the packages could not be installed; the reason is above. '\
'Other versions: make setup PACKAGES=ranges'
}

site() {
    venv -test
    ! cmp -s "$stamp" .venv/site-stamp || return 0
    step 'installing what makes the site into .venv' install --editable '.[site]' ||
        die 'the packages could not be installed; the reason is above.'
    cp "$stamp" .venv/site-stamp
}

install_packages() {
    ours=.${1:+[test]}
    case $packages in
    # A package that is built from a directory has no hash, so ours comes by itself. A lock
    # is whole but for tools/left-out.txt.
    lock)
        locks='--requirement requirements-lock.txt'
        [ -z "$1" ] || locks="$locks --requirement requirements-lock$1.txt"
        # shellcheck disable=SC2086  # options
        install --no-deps --require-hashes $locks && install --no-deps --editable .
        ;;
    ranges) install --editable "$ours" ;;
    # pip knows no way to ask for the oldest.
    lowest)
        get_uv &&
            uv pip install --python .venv --resolution lowest-direct --editable "$ours"
        ;;
    esac
}

install() {
    # uv takes a fifth of pip's time, but reads none of pip's settings, such as those for
    # another index. Neither compiles: nearly all modules are never imported.
    if usual_index && get_uv; then
        uv pip install --python .venv "$@" && return
        echo 'uv could not install them; pip tries it.'
    fi
    .venv/bin/python -m pip install --no-input --no-compile --progress-bar off "$@"
}

usual_index() {
    case $(.venv/bin/python -m pip config list) in
    *index*) return 1 ;;
    esac
}

get_uv() {
    # Beside the environment: what it makes must not depend on what is in it.
    [ -x "build/$uv_version/bin/uv" ] ||
        .venv/bin/python -m pip install --no-input --progress-bar off \
            --only-binary=:all: --target "build/$uv_version" "$uv_version"
}

uv() { UV_EXCLUDE=tools/left-out.txt "build/$uv_version/bin/uv" "$@"; }

lock() {
    # Only names, versions and hashes are written, no index: each machine has its own.
    usable || make_environment
    step 'getting uv' get_uv
    compile requirements-lock.txt requirements.txt
    # Only what the tests add: both files are installed.
    shared=$(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/--no-emit-package \1/p' requirements-lock.txt)
    # shellcheck disable=SC2086  # options
    compile requirements-lock-test.txt --extra test --constraints requirements-lock.txt \
        $shared pyproject.toml
}

compile() {
    file=$1
    shift
    step "writing $file" uv pip compile --upgrade --universal --python-version 3.11 \
        --generate-hashes --no-header --no-annotate --output-file "$file" "$@"
}

# --- One at a time ------------------------------------------------------------

# Two terminals at once would tear one .venv apart. The kernel drops the lock when
# the process ends, so an interrupted set-up leaves nothing to remove. `--close`:
# a service that apt-get starts must not inherit it. Alpine's flock cannot, and has no
# version.
if have flock && flock --version >/dev/null 2>&1 && [ -z "${SETUP_LOCKED:-}" ]; then
    mkdir -p build
    flock --nonblock build/setup.lock true ||
        say 'waiting for another set-up of this checkout to end'
    SETUP_LOCKED=1 exec flock --close build/setup.lock sh tools/setup.sh "$@"
fi

case ${1:-all} in
all)
    tell_of_windows
    ! have apt-get || packages list_missing
    venv ''
    have apt-get || packages list_missing # only now can it name them
    ! linux || take_archive
    .venv/bin/python -m helpers setup
    ;;
venv) venv -test ;;
site) site ;;
lock) lock ;;
tests)
    packages list_missing_for_tests
    raise_limits
    ;;
full | machines)
    packages "list_missing_for_$1"
    raise_limits_for_machines
    ;;
*) die 'unknown part "%s". Known: all, venv, tests, full, machines, site, lock.' "$1" ;;
# The shell reads on below only now, and a `git pull` may have changed this file.
esac; exit
