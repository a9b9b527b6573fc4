#!/usr/bin/env bash
# @hey-api/openapi-ts 0.99.0: where an operation has two alternatives of `security`, the client that it makes sends both at once.
#
# In OpenAPI a list of security requirements means that one of them is enough (OpenAPI 3.1, section 4.8.2, "security"); an object
# with several schemes means all. The client asks its `auth` for each scheme of the list and sets each that it gets, so a token given
# for both goes out as bearer and as cookie. A server that refuses two credentials which differ, or counts them, sees both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund @hey-api/openapi-ts@0.99.0 typescript@5.9.3 tsx@4.20.6
cat > description.json <<'END'
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": "http://127.0.0.1:1"}],
 "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}, "cookie": {"type": "apiKey", "in": "cookie", "name": "session"}}},
 "paths": {"/a": {"get": {"operationId": "a", "security": [{"cookie": []}, {"bearer": []}], "responses": {"200": {"description": "ok"}}}}}}
END
node_modules/.bin/openapi-ts --input description.json --output made > log 2>&1 || { cat log; exit 1; }
cat > run.ts <<'END'
import {client} from './made/client.gen';
import {a} from './made/sdk.gen';
let sent: Headers | undefined;
client.setConfig({
  auth: () => 'a-token',
  fetch: async (request: Request) => {
    sent = request.headers;
    return new Response('{}', {headers: {'Content-Type': 'application/json'}});
  },
});
await a();
const [authorization, cookie] = [sent?.get('authorization'), sent?.get('cookie')];
console.log(`@hey-api/openapi-ts 0.99.0 sends Authorization: ${authorization} and Cookie: ${cookie}`);
process.exit(authorization === 'Bearer a-token' && cookie === 'session=a-token' ? 0 : 1);
END
node_modules/.bin/tsx run.ts
