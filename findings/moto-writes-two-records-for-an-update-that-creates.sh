#!/usr/bin/env bash
# moto 5.2.5: an UpdateItem that makes a new item writes two INSERT records into the table's stream, the first of them with the key
# alone. DynamoDB writes one, with the whole item (API Reference, `Record`; DynamoDB Developer Guide, "Change data capture").
#
# A program that sends a mail for each INSERT sends two on moto, or stumbles over an image without its attributes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'moto[dynamodb]==5.2.5' boto3==1.44.8
AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x "$folder/venv/bin/python" - <<'END'
import boto3
from moto import mock_aws

def records(write):
    with mock_aws():
        client = boto3.client("dynamodb")
        # moto knows this address alone.
        streams = boto3.client("dynamodbstreams", endpoint_url="https://streams.dynamodb.us-east-1.amazonaws.com")
        table = client.create_table(
            TableName="t", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]
        write(client)
        arn = table["LatestStreamArn"]
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        found = streams.get_records(ShardIterator=iterator)["Records"]
        return [(record["eventName"], sorted(record["dynamodb"].get("NewImage", {}))) for record in found]

put = records(lambda client: client.put_item(TableName="t", Item={"k": {"S": "a"}, "v": {"S": "b"}}))
update = records(lambda client: client.update_item(
    TableName="t", Key={"k": {"S": "a"}}, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"S": "b"}}))
print(f"moto 5.2.5, PutItem: {put}")
print(f"moto 5.2.5, UpdateItem: {update}")
assert put == [("INSERT", ["k", "v"])], put
assert len(update) == 2 and [name for name, _ in update] == ["INSERT", "INSERT"], update
END
