#!/usr/bin/env bash
# Resolves pyproject.toml into requirements.txt (what runs), requirements-all.txt (with every extra), requirements-dev.txt
# (and what tests and checks), tests/requirements (what stands in for Java, Maven and Node.js where they are missing) and
# tools/requirements (what makes pages and releases): for every supported Python at once, pinned and hashed, without the
# address of any package index. What is pinned stays unless a version does not fit any more; with --upgrade everything
# becomes the newest that fits.
set -euo pipefail

tools=.cache/lock
[ -x $tools/bin/uv ] || { .venv/bin/python -m venv $tools && $tools/bin/python -m pip install --quiet 'uv>=0.5'; }

export UV_NATIVE_TLS=true
resolve() {
    $tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' "$@"
}
resolve pyproject.toml --group build "$@" --output-file requirements.txt
resolve pyproject.toml --group dev "$@" --constraint requirements.txt --output-file requirements-dev.txt
resolve pyproject.toml --group build --all-extras "$@" --constraint requirements-dev.txt --output-file requirements-all.txt
resolve --group site "$@" --constraint requirements-dev.txt --output-file tools/requirements/site.txt
resolve --group release "$@" --constraint requirements-dev.txt --output-file tools/requirements/release.txt
for missing in java maven node; do
    resolve --group $missing "$@" --constraint requirements-dev.txt --output-file tests/requirements/$missing.txt
done
