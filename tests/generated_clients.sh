#!/usr/bin/env bash
# Makes clients of the description with the generators that people use most, compiles those in TypeScript and Python, and has
# them log on: what a generator takes and then makes nonsense of, a validator does not see. Needs Python 3, Node with npm, and
# Java; what cannot be had is skipped, aloud.
#
#   tests/generated_clients.sh DESCRIPTION FOLDER PROGRAM    what is installed and made goes into FOLDER, and stays there;
#                                                            PROGRAM is jea-auth
set -euo pipefail

description=$(realpath "$1")
program=$(realpath "$3")
mkdir -p "$2"
cd "$2"
made=$PWD/made
rm -rf "$made"
mkdir "$made"

# The service that they log on to.
read -r listen dynamodb kms < <(python3 -c 'import socket
sockets = [socket.socket() for _ in range(3)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])')
"$program" serve --memory --listen "127.0.0.1:$listen" --dynamodb "127.0.0.1:$dynamodb" --kms "127.0.0.1:$kms" > serve.log 2>&1 &
trap 'kill $!' EXIT
export BASE="http://127.0.0.1:$listen"
for _ in $(seq 100); do curl -sf "$BASE/users/api/info" > /dev/null && break; sleep 0.1; done

# What the log-on is called in each language.
id=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["paths"]["/users/api/auth"]["post"]["operationId"])' "$description")
snake=$(sed 's/[A-Z]/_\L&/g; s/[^a-z0-9]/_/g; s/^_//' <<< "$id")
camel=$(sed 's/_\(.\)/\U\1/g' <<< "$snake")
body='{email: "demo@example.org", password: "one-machine-demo-only"}'

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

# Compiles and runs lines that end with an answer in `answer`.
logs_on() {
  cat > "$1"
  echo 'if (!JSON.stringify(answer).includes("Logged in successfully!")) { console.log(answer); process.exit(1); }' >> "$1"
  node_modules/.bin/tsx "$1"
}

with_orval() {
  cat > "$made/orval.config.cjs" << END
module.exports = { client: { input: '$description', output: { target: '$made/orval/client.ts', client: 'fetch', baseUrl: '$BASE' } } };
END
  node_modules/.bin/orval --config "$made/orval.config.cjs" && typescript "$made/orval/client.ts" && logs_on "$made/orval/run.mts" << END
import {$camel} from './client';
const answer = await $camel($body);
END
}

with_openapi_typescript() {
  node_modules/.bin/openapi-typescript "$description" --output "$made/openapi-typescript.ts" \
    && typescript "$made/openapi-typescript.ts" && logs_on openapi-typescript-run.mts << END
import createClient from 'openapi-fetch';
import type {paths} from '$made/openapi-typescript';
const answer = await createClient<paths>({baseUrl: '$BASE'}).POST('/users/api/auth', {body: $body});
END
}

with_hey_api() {
  node_modules/.bin/openapi-ts --input "$description" --output "$made/hey-api" && typescript "$made/hey-api/index.ts" \
    && logs_on "$made/hey-api/run.mts" << END
import {client} from './client.gen';
import {$camel} from './sdk.gen';
client.setConfig({baseUrl: '$BASE'});
const answer = await $camel({body: $body});
END
}

with_oazapfts() {
  # It imports its own runtime.
  mkdir -p oazapfts && node_modules/.bin/oazapfts "$description" oazapfts/client.ts && typescript oazapfts/client.ts \
    && logs_on oazapfts/run.mts << END
import {defaults, $camel} from './client';
defaults.baseUrl = '$BASE';
const answer = await $camel($body);
END
}

with_openapi_python_client() {
  python/bin/openapi-python-client generate --path "$description" --meta none --output-path "$made/python_client" \
    && python_imports "$made" python_client && PYTHONPATH=$made python/bin/python3 - "$snake" << 'END'
import importlib, os, pkgutil, sys, typing
import python_client
from python_client import api
modules = pkgutil.walk_packages(api.__path__, "python_client.api.")
# A package is a family of operations, which can be called as one of them.
found = [module.name for module in modules if not module.ispkg and module.name.endswith("." + sys.argv[1])]
operation = importlib.import_module(found[0])
model = typing.get_type_hints(operation.sync_detailed)["body"]
body = model.from_dict({"email": "demo@example.org", "password": "one-machine-demo-only"})
answer = operation.sync_detailed(client=python_client.Client(base_url=os.environ["BASE"]), body=body)
assert answer.parsed.status == "Logged in successfully!", answer
END
}

with_openapi_generator() {
  local generator=$1
  python/bin/openapi-generator-cli generate --input-spec "$description" --generator-name "$generator" \
    --output "$made/$generator" "${@:2}"
}

with_openapi_generator_typescript() {
  with_openapi_generator typescript-fetch && typescript "$made/typescript-fetch/index.ts" && logs_on "$made/typescript-fetch/run.mts" << END
import * as all from './index';
// Node sees what is exported one by one, and the rest below `default`.
const made: any = (all as any).default ?? all;
const api: any = Object.values(made).find((it: any) => it?.prototype && '$camel' in it.prototype);
// The one parameter has a name of the generator's own.
const parameters = new Proxy({}, {get: () => ($body)});
const answer = await new api(new made.Configuration({basePath: '$BASE'})).$camel(parameters);
END
}

with_openapi_generator_python() {
  with_openapi_generator python --additional-properties=packageName=generated && python_imports "$made/python" generated \
    && PYTHONPATH=$made/python python/bin/python3 - "$snake" << 'END'
import os, sys
import generated
api = next(it for it in vars(generated).values() if isinstance(it, type) and hasattr(it, sys.argv[1]))
client = generated.ApiClient(generated.Configuration(host=os.environ["BASE"]))
answer = getattr(api(client), sys.argv[1])({"email": "demo@example.org", "password": "one-machine-demo-only"})
assert answer.status == "Logged in successfully!", answer
END
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
    @hey-api/openapi-ts@0.99.0 oazapfts@7.5.0 @oazapfts/runtime@1.2.0 openapi-fetch@0.15.0 tsx@4.20.6
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
