#!/usr/bin/env bash
# dynalite 4.0.0 takes `ReturnValuesOnConditionCheckFailure: ALL_OLD` without a word, and sends no item with the condition that
# failed. DynamoDB sends it (API Reference, `UpdateItem`, `ConditionalCheckFailedException`).
#
# A program that tells "somebody was quicker" from "there is no such item" by the item takes every refusal for the second. An
# unknown parameter would have been an error; this one is passed over.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund dynalite@4.0.0 @aws-sdk/client-dynamodb@3.940.0
cat > run.mjs <<'END'
import dynalite from 'dynalite';
import {CreateTableCommand, DescribeTableCommand, DynamoDBClient, PutItemCommand, UpdateItemCommand} from '@aws-sdk/client-dynamodb';

const server = dynalite({createTableMs: 0});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const credentials = {accessKeyId: 'x', secretAccessKey: 'x'};
const client = new DynamoDBClient({endpoint: `http://127.0.0.1:${server.address().port}`, region: 'us-east-1', credentials});
await client.send(new CreateTableCommand({
  TableName: 'table', BillingMode: 'PAY_PER_REQUEST', KeySchema: [{AttributeName: 'k', KeyType: 'HASH'}],
  AttributeDefinitions: [{AttributeName: 'k', AttributeType: 'S'}],
}));
while ((await client.send(new DescribeTableCommand({TableName: 'table'}))).Table.TableStatus !== 'ACTIVE');
await client.send(new PutItemCommand({TableName: 'table', Item: {k: {S: 'a'}, v: {N: '1'}}}));
const update = {
  TableName: 'table', Key: {k: {S: 'a'}}, UpdateExpression: 'SET v = :new', ConditionExpression: 'v = :old',
  ExpressionAttributeValues: {':new': {N: '3'}, ':old': {N: '2'}}, ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
};
const error = await client.send(new UpdateItemCommand(update)).then(() => null, (error) => error);
server.close();
console.log(`dynalite 4.0.0: ${error?.name}, with the item ${JSON.stringify(error?.Item)}`);
process.exit(error?.name === 'ConditionalCheckFailedException' && error.Item === undefined ? 0 : 1);
END
node run.mjs
