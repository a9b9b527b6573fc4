// The handler of a dozen lines that a log-on is compared with: it reads the account, verifies the password and signs a token.
// It counts no attempts, keeps no session and knows no other hash.
import {createPrivateKey, generateKeyPairSync} from 'node:crypto';
import {DynamoDBClient, GetItemCommand} from '@aws-sdk/client-dynamodb';
import {verify} from '@node-rs/argon2';
import jwt from 'jsonwebtoken';

const accounts = `${process.env.STACK_NAME}-accounts`;
const dynamodb = new DynamoDBClient({});
const key = createPrivateKey(generateKeyPairSync('ec', {namedCurve: 'P-256'}).privateKey.export({type: 'pkcs8', format: 'pem'}));

async function handler(event) {
  const {email, password} = JSON.parse(event.body);
  const {Item} = await dynamodb.send(new GetItemCommand({TableName: accounts, Key: {email: {S: email}}, ConsistentRead: true}));
  if (!Item || !(await verify(Item.password_hash.S, password))) return {statusCode: 401, body: '{"ok":false}'};
  const token = jwt.sign({sub: Item.sub.S}, key, {algorithm: 'ES256', expiresIn: '12h'});
  return {statusCode: 200, headers: {'set-cookie': `session_token=${token}; HttpOnly; Secure`}, body: '{"ok":true}'};
}

// Lambda's own client for Node does this loop, in C++.
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
for (;;) {
  const next = await fetch(`${api}/next`);
  const answer = await handler(await next.json());
  await fetch(`${api}/${next.headers.get('lambda-runtime-aws-request-id')}/response`, {method: 'POST', body: JSON.stringify(answer)});
}
