"""The peer of Spillway's consumer function: the usual batch library, and a conditional put for each record with boto3.

It does less: no schemas, no retry schedule, no dead letters with reasons, no metrics, no traces, no logs.
"""

import json
import os
from datetime import datetime, timezone

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from botocore.exceptions import ClientError

TABLE = os.environ["SPILLWAY_EVENT_STORE"]
REQUIRED = ("specversion", "id", "source", "type")
dynamodb = boto3.client("dynamodb")
processor = BatchProcessor(event_type=EventType.SQS)


def store(record):
    event = json.loads(record.body)
    for name in REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            raise ValueError(f"{name} is missing")
    item = {
        "id": {"S": event["id"]},
        "source": {"S": event["source"]},
        "type": {"S": event["type"]},
        "body": {"S": record.body},
        "message_id": {"S": record.message_id},
        "stored_at": {"S": datetime.now(timezone.utc).isoformat()},
    }
    try:
        dynamodb.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(id)")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise


def handler(event, context):
    return process_partial_response(event=event, record_handler=store, processor=processor, context=context)
