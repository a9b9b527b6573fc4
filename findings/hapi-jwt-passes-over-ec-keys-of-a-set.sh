#!/usr/bin/env bash
# @hapi/jwt 3.2.4 passes over the EC keys of a JWK set, and then finds no key for a token of ES256, which it verifies well when it
# is given the same key as PEM.
#
# It does not say that it skips a key; a set of EC keys alone is an error at the start of the server ("JWKS endpoint response
# contained no ... keys"), and in a set that has an RSA key as well, tokens of the EC key are refused one by one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund @hapi/hapi@21.4.4 @hapi/jwt@3.2.4 jose@6.2.17
cat > run.mjs <<'END'
import http from 'node:http';
import Hapi from '@hapi/hapi';
import Jwt from '@hapi/jwt';
import {SignJWT, exportJWK, exportSPKI, generateKeyPair} from 'jose';

const made = async (alg, kid) => {
  const {publicKey, privateKey} = await generateKeyPair(alg, {extractable: true});
  const token = await new SignJWT({}).setSubject('someone').setProtectedHeader({alg, typ: 'JWT', kid}).setIssuedAt().setExpirationTime('1h').sign(privateKey);
  return {token, pem: await exportSPKI(publicKey), jwk: {...await exportJWK(publicKey), kid, use: 'sig', alg}};
};
const [ec, rsa] = [await made('ES256', 'one'), await made('RS256', 'two')];
const endpoint = http.createServer((_, response) => response.end(JSON.stringify({keys: [ec.jwk, rsa.jwk]})));
await new Promise((done) => endpoint.listen(0, '127.0.0.1', done));

const statuses = async (keys) => {
  const server = Hapi.server();
  await server.register(Jwt);
  const verify = {aud: false, iss: false, sub: false};
  server.auth.strategy('jwt', 'jwt', {keys, verify, validate: () => ({isValid: true})});
  server.route({method: 'GET', path: '/', options: {auth: 'jwt', handler: () => 'found'}});
  await server.initialize();
  const ask = async ({token}) => (await server.inject({url: '/', headers: {authorization: `Bearer ${token}`}})).statusCode;
  const found = [await ask(ec), await ask(rsa)];
  await server.stop();
  return found;
};
const bySet = await statuses([{uri: `http://127.0.0.1:${endpoint.address().port}/`, algorithms: ['ES256', 'RS256']}]);
const byPem = await statuses([{key: ec.pem, algorithms: ['ES256'], kid: 'one'}]);
endpoint.close();
console.log(`@hapi/jwt 3.2.4, by the set: ES256 ${bySet[0]}, RS256 ${bySet[1]}; by PEM: ES256 ${byPem[0]}`);
if (String([...bySet, byPem[0]]) !== '401,200,200') process.exit(1);
END
node run.mjs
