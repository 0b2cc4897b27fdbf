"""The peer of Spillway's ingest function: takes a CloudEvent from API Gateway and puts it into a queue with boto3.

It does less: no schema of the envelope beyond the required attributes, no batches, no metrics, no traces, no logs.
"""

import base64
import json
import os

import boto3

QUEUE_URL = os.environ["SPILLWAY_QUEUE_URL"]
REQUIRED = ("specversion", "id", "source", "type")
sqs = boto3.client("sqs")


def answer(status, content):
    headers = {"content-type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(content), "isBase64Encoded": False}


def handler(event, context):
    if event["path"] != "/events" or event["httpMethod"] != "POST":
        return answer(404, {"title": "Not found"})
    body = event["body"] or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode("utf-8")
    try:
        content = json.loads(body)
    except ValueError as error:
        return answer(400, {"title": "No JSON", "detail": str(error)})
    for name in REQUIRED:
        if not isinstance(content.get(name), str) or not content[name]:
            return answer(400, {"title": "No CloudEvent", "detail": f"{name} is missing"})
    system = {}
    trace = os.environ.get("_X_AMZN_TRACE_ID")
    if trace:
        system["AWSTraceHeader"] = {"DataType": "String", "StringValue": trace}
    sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=body, MessageSystemAttributes=system)
    return answer(202, {"id": content["id"]})
