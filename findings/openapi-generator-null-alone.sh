#!/usr/bin/env bash
# OpenAPI Generator 7.26.0: a member that is always null, `{"type": "null"}` in OpenAPI 3.1, becomes a type that nothing declares.
#
# A valid description, and JSON Schema's own way to say it. The client for TypeScript names it, imports no such thing, and does not
# compile. `{"type": ["string", "null"]}` is understood.
set -euo pipefail
command -v java > /dev/null || { echo "this needs Java" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openapi-generator-cli==7.26.0
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund typescript@5.9.3
compiles() {
  cat > description.json <<END
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
 "components": {"schemas": {"Thing": {"type": "object", "required": ["gone"], "properties": {"gone": $2}}}},
 "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"\$ref": "#/components/schemas/Thing"}}}}}}}}}
END
  venv/bin/openapi-generator-cli generate --input-spec description.json --generator-name typescript-fetch --output "$1" > log 2>&1 || { cat log; exit 1; }
  node_modules/.bin/tsc --strict --noEmit --skipLibCheck --target es2022 --module esnext --moduleResolution bundler --lib es2022,dom,dom.iterable \
    "$1/index.ts" > "$1.log"
}
compiles either '{"type": ["string", "null"]}'
echo 'OpenAPI Generator 7.26.0, {"type": ["string", "null"]}: compiles'
if compiles alone '{"type": "null"}'; then exit 1; fi
echo "OpenAPI Generator 7.26.0, {\"type\": \"null\"}: $(grep -m1 -o 'error TS.*' alone.log)"
