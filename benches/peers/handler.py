"""The handler of a dozen lines that a log-on is compared with, as handler.mjs, in Python."""
import json
import os
import time
import urllib.request

import boto3
import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from cryptography.hazmat.primitives.asymmetric import ec

dynamodb = boto3.client("dynamodb", region_name=os.environ["AWS_REGION"])
accounts = os.environ["STACK_NAME"] + "-accounts"
key, hasher = ec.generate_private_key(ec.SECP256R1()), PasswordHasher()


def handler(event):
    credential = json.loads(event["body"])
    item = dynamodb.get_item(TableName=accounts, Key={"email": {"S": credential["email"]}}, ConsistentRead=True).get("Item")
    try:
        hasher.verify(item["password_hash"]["S"], credential["password"])
    except (TypeError, VerifyMismatchError):
        return {"statusCode": 401, "body": '{"ok":false}'}
    token = jwt.encode({"sub": item["sub"]["S"], "exp": int(time.time()) + 43200}, key, algorithm="ES256")
    return {"statusCode": 200, "headers": {"set-cookie": f"session_token={token}; HttpOnly; Secure"}, "body": '{"ok":true}'}


api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as following:
        request_id, event = following.headers["lambda-runtime-aws-request-id"], json.load(following)
    answer = json.dumps(handler(event)).encode()
    urllib.request.urlopen(urllib.request.Request(f"{api}/{request_id}/response", data=answer, method="POST")).close()
