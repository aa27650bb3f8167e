# Sourced by demo and test: makes a virtual environment once, and again when what goes in changes.

# find_python: print an interpreter of version 3.10 or later.
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10 python; do
        if [ -n "$candidate" ] && "$candidate" -c \
            'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    echo "searchkbd needs Python 3.10 or later; install it, or name one: PYTHON=python3.12 $0" >&2
    return 1
}

# environment DIRECTORY PIP-ARGUMENT...: make DIRECTORY and install into it, unless the same
# arguments, pyproject.toml and constraints are installed there already.
environment() {
    local directory=$1 python stamp
    shift
    python=$(find_python)
    stamp=$("$python" - "$@" <<'PYTHON'
import hashlib, pathlib, sys
parts = [sys.version, *sys.argv[1:], str(pathlib.Path.cwd())]
parts += [path.read_text() for path in (pathlib.Path("pyproject.toml"), pathlib.Path("tests/constraints.txt"))]
print(hashlib.sha256("\0".join(parts).encode()).hexdigest())
PYTHON
    )
    if [ "$(cat "$directory/.installed" 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    echo "Making the virtual environment $directory (once; downloads what searchkbd needs) ..."
    rm -rf "$directory"
    if ! "$python" -m venv "$directory"; then
        echo "$python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2
        return 1
    fi
    "$directory/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    printf '%s\n' "$stamp" > "$directory/.installed"
}
