#!/usr/bin/env bash
# Runs the unit tests on every supported Python that is installed, each in an environment of its own below .cache, and says
# which are missing. Further arguments go to pytest. Ends with 1 where a test failed or no Python was found.
set -uo pipefail

supported="3.11 3.12 3.13"
tested=() missing=() failed=()

find_python() {
    local candidate
    for candidate in "python$1" "/usr/bin/python$1" "/usr/local/bin/python$1" \
        "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python "$HOME/.local/bin/python$1"; do
        "$candidate" -c "import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null \
            && echo "$candidate" && return
    done
    return 1
}

for version in $supported; do
    if ! python=$(find_python "$version"); then
        missing+=("$version")
        continue
    fi
    venv=.cache/pythons/$version
    if [ ! -e "$venv/.stamp" ] || [ requirements-dev.txt -nt "$venv/.stamp" ]; then
        PYTHON=$python tools/setup.sh "$venv" && touch "$venv/.stamp" || { failed+=("$version"); continue; }
    fi
    echo "Python $version"
    "$venv/bin/python" -m pytest -q -n "${JOBS:-2}" -p no:cacheprovider tests/unit tests/contract "$@" \
        || failed+=("$version")
    tested+=("$version")
done

echo "tested on: ${tested[*]:-none}; not installed here: ${missing[*]:-none}; failed: ${failed[*]:-none}"
[ ${#tested[@]} -gt 0 ] && [ ${#failed[@]} -eq 0 ]
