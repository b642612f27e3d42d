#!/usr/bin/env bash
# Builds everything of a release into dist/, checks it, and says what to publish where. $1: a Python with
# tools/requirements/release.txt. ANYHOW=1 leaves out the questions about the tree and its tag, for a trial.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1

no() { echo "not released: $1" >&2; exit 1; }
said() { sed -n "s/$1/\\1/p" "$2" | head -1; }

version=$(said '^version = "\(.*\)"$' pyproject.toml)
[ "$(said '^appVersion: "\{0,1\}\([^"]*\)"\{0,1\}$' deploy/helm/sfbridge/Chart.yaml)" = "$version" ] ||
    no "appVersion in deploy/helm/sfbridge/Chart.yaml is not $version, as pyproject.toml has it"
[ "$(said '^ARG VERSION=\(.*\)$' deploy/container/Containerfile)" = "$version" ] ||
    no "VERSION in deploy/container/Containerfile is not $version, as pyproject.toml has it"
if [ -z "${ANYHOW:-}" ]; then
    [ -z "$(git status --porcelain)" ] || no "there are changes that are not committed (git status)"
    grep -q "^## $version" CHANGELOG.md || no "CHANGELOG.md has no heading '## $version …'"
    [ "$(git tag --points-at HEAD --list "v$version")" ] || no "this commit has no tag v$version (git tag -s v$version)"
fi

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
rm -rf dist
for where in dist "$source/again"; do
    rm -rf "$source/tree" && mkdir -p "$source/tree"
    git archive HEAD | tar -x -C "$source/tree"
    "$python" -m build --no-isolation --outdir "$where" "$source/tree" >"$source/log" 2>&1 ||
        { tail -20 "$source/log" >&2; no "it cannot be built"; }
done
cmp dist/*.whl "$source"/again/*.whl || no "two builds of the same commit differ"
"$python" -m twine check --strict dist/*.whl dist/*.tar.gz >"$source/log" 2>&1 || { cat "$source/log" >&2; no "an index would refuse it"; }

tools/sbom.sh "$(dirname "$python")/cyclonedx-py" "dist/salesforce-kafka-bridge-$version.cdx.json"
cp requirements-all.txt "dist/requirements-$version.txt"
if command -v helm >/dev/null; then
    helm package deploy/helm/sfbridge --destination dist >/dev/null
else
    echo "note: helm is not installed, so the chart is not packed" >&2
fi
(cd dist && sha256sum -- * >SHA256SUMS)

echo "dist/ is ready, from $(git rev-parse --short HEAD):"
(cd dist && ls -1)
cat <<TEXT
next:
  gpg --armor --detach-sign dist/SHA256SUMS
  git push origin v$version
  the project's page of releases: everything in dist/
  a registry of images: buildah build -f deploy/container/Containerfile -t …/sfbridge:$version . (then cosign sign)
  a registry of charts: helm push dist/sfbridge-*.tgz oci://…
  the package index, last: twine upload dist/*.whl dist/*.tar.gz
TEXT
