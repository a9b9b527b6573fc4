#!/usr/bin/env bash
# Makes clients of the description with the generators that people use most, and compiles those in TypeScript and Python: what
# a generator takes and then makes nonsense of, a validator does not see. Needs Python 3, Node with npm, and Java; what cannot
# be had is skipped, aloud.
#
#   tests/generated_clients.sh DESCRIPTION FOLDER    what is installed and made goes into FOLDER, and stays there
set -euo pipefail

description=$(realpath "$1")
mkdir -p "$2"
cd "$2"
made=$PWD/made
rm -rf "$made"
mkdir "$made"

fails=0
try() {
  local name=$1
  shift
  if "$@" > "$made/log" 2>&1; then
    echo "ok    $name"
  else
    cat "$made/log"
    echo "FAIL  $name"
    fails=$((fails + 1))
  fi
}

typescript() {
  node_modules/.bin/tsc --strict --noEmit --skipLibCheck --target es2022 --module esnext --moduleResolution bundler \
    --lib es2022,dom,dom.iterable "$1"
}

with_orval() {
  cat > "$made/orval.config.cjs" << END
module.exports = { client: { input: '$description', output: { target: '$made/orval/client.ts', client: 'fetch' } } };
END
  node_modules/.bin/orval --config "$made/orval.config.cjs" && typescript "$made/orval/client.ts"
}

with_openapi_typescript() {
  node_modules/.bin/openapi-typescript "$description" --output "$made/openapi-typescript.ts" \
    && typescript "$made/openapi-typescript.ts"
}

with_hey_api() {
  node_modules/.bin/openapi-ts --input "$description" --output "$made/hey-api" && typescript "$made/hey-api/index.ts"
}

with_oazapfts() {
  # It imports its own runtime.
  mkdir -p oazapfts && node_modules/.bin/oazapfts "$description" oazapfts/client.ts && typescript oazapfts/client.ts
}

with_openapi_python_client() {
  python/bin/openapi-python-client generate --path "$description" --meta none --output-path "$made/python_client" \
    && python_imports "$made" python_client
}

with_openapi_generator() {
  local generator=$1
  python/bin/openapi-generator-cli generate --input-spec "$description" --generator-name "$generator" \
    --output "$made/$generator" "${@:2}"
}

with_openapi_generator_typescript() {
  with_openapi_generator typescript-fetch && typescript "$made/typescript-fetch/index.ts"
}

with_openapi_generator_python() {
  with_openapi_generator python --additional-properties=packageName=generated && python_imports "$made/python" generated
}

# Imports every module of a package that lies in a folder.
python_imports() {
  PYTHONPATH=$1 python/bin/python3 - "$2" << 'END'
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
END
}

if command -v npm > /dev/null; then
  [ -f package.json ] || npm init --yes > /dev/null
  npm install --silent --no-audit --no-fund typescript@5.9.3 orval@8.38.0 openapi-typescript@7.13.0 \
    @hey-api/openapi-ts@0.99.0 oazapfts@7.5.0 @oazapfts/runtime@1.2.0
  try "orval 8.38.0" with_orval
  try "openapi-typescript 7.13.0" with_openapi_typescript
  try "@hey-api/openapi-ts 0.99.0" with_hey_api
  try "oazapfts 7.5.0" with_oazapfts
else
  echo "skipped: generators of TypeScript (there is no npm)"
fi

[ -x python/bin/python3 ] || python3 -m venv python
# What the clients import comes with openapi-python-client, or is named here.
python/bin/pip install --quiet --disable-pip-version-check openapi-python-client==0.29.1 openapi-generator-cli==7.26.0 \
  pydantic==2.12.5 python-dateutil==2.9.0.post0 urllib3
try "openapi-python-client 0.29.1" with_openapi_python_client
if command -v java > /dev/null; then
  try "OpenAPI Generator 7.26.0, python" with_openapi_generator_python
  if [ -x node_modules/.bin/tsc ]; then
    try "OpenAPI Generator 7.26.0, typescript-fetch" with_openapi_generator_typescript
  fi
  # Made, and not compiled: each would need its language's packages.
  for generator in csharp go java kotlin rust; do
    try "OpenAPI Generator 7.26.0, $generator (not compiled)" with_openapi_generator "$generator"
  done
else
  echo "skipped: OpenAPI Generator (there is no Java)"
fi

[ "$fails" = 0 ] || { echo "$fails failed" >&2; exit 1; }
