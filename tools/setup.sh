#!/usr/bin/env bash
# Makes the virtual environment given as $1 and installs the locked requirements and the project itself into it.
# Takes the interpreter from $PYTHON, else the first of a list that is new enough and can make environments.
set -euo pipefail

venv=$1
suits='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, int(sys.argv[1])))'

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        "$PYTHON" -c "$suits" 99 2>/dev/null && echo "$PYTHON" && return
        echo "PYTHON=$PYTHON is not a Python 3.11 or later with the venv module." >&2
        return 1
    fi
    for candidate in python3 python3.13 python3.12 python3.11 /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11; do
        "$candidate" -c "$suits" 14 2>/dev/null && echo "$candidate" && return
    done
    python3 -c "$suits" 99 2>/dev/null && echo python3 && return
    echo "Python 3.11 or later with the venv module is needed and was not found (on Debian: apt install python3 python3-venv); name one with: make PYTHON=/path/to/python3.11" >&2
    return 1
}

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi

echo "installing the locked requirements"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
echo "ready: $venv/bin/sfbridge"
