"""What people do to a deployment past Spillway, with boto3. A journey starts it with an action and a JSON document."""

import base64
import json
import sys

import boto3
from botocore.config import Config


def client(service):
    # One endpoint for all services and buckets, so the bucket is part of the path.
    return boto3.client(service, config=Config(s3={"addressing_style": "path"}))


def attributes(document):
    """Message attributes from {name: [type, value]}. The value of a Binary is in base64."""
    made = {}
    for name, (data_type, value) in document.items():
        if data_type.startswith("Binary"):
            made[name] = {"DataType": data_type, "BinaryValue": base64.b64decode(value)}
        else:
            made[name] = {"DataType": data_type, "StringValue": value}
    return made


def send(document):
    sqs = client("sqs")
    ids = []
    for message in document["messages"]:
        sent = sqs.send_message(
            QueueUrl=document["queue"],
            MessageBody=message["body"],
            MessageAttributes=attributes(message.get("attributes", {})),
        )
        ids.append(sent["MessageId"])
    return ids


def purge(document):
    client("sqs").purge_queue(QueueUrl=document["queue"])


def switch(document):
    """Switches the mapping from a queue to a function on or off."""
    functions = client("lambda")
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    mine = [mapping for mapping in mappings if mapping["EventSourceArn"] == document["queue_arn"]]
    for mapping in mine:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=document["on"])
    return len(mine)


def delete_objects(document):
    s3 = client("s3")
    for key in document["keys"]:
        s3.delete_object(Bucket=document["bucket"], Key=key)


def delete_item(document):
    client("dynamodb").delete_item(
        TableName=document["table"],
        Key={"id": {"S": document["id"]}, "source": {"S": document["source"]}},
    )


def keys(document):
    """All keys of a bucket with a prefix."""
    pages = client("s3").get_paginator("list_objects_v2").paginate(
        Bucket=document["bucket"], Prefix=document["prefix"]
    )
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


ACTIONS = {
    action.__name__: action for action in [send, purge, switch, delete_objects, delete_item, keys]
}

print(json.dumps(ACTIONS[sys.argv[1]](json.loads(sys.argv[2]))))
