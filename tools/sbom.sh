#!/usr/bin/env bash
# Writes the bill of materials of what runs in the image (requirements-all.txt) as CycloneDX JSON. $1: cyclonedx-py, $2: the file.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHONWARNINGS=ignore "$1" requirements requirements-all.txt --pyproject pyproject.toml --output-reproducible --of JSON --sv 1.6 -o "$2"
