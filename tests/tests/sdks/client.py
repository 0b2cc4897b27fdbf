"""The Python SDK of CloudEvents as a client.

`client.py send URL` sends events in every mode. `client.py read` reads events from the standard input, one on each line. Both
print a JSON array of events as the SDK sees them.
"""

import base64
import datetime
import json
import sys
import urllib.error
import urllib.request

from cloudevents.core.bindings import http
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import conversion
from cloudevents.v1 import http as v1

TIME = datetime.datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=datetime.timezone.utc)
# Each payload with its content type, and what stands for it in a name.
PAYLOADS = [
    ("object", "application/json", {"amount": 12.5, "name": "größe", "list": [1, None, True]}),
    ("text", "text/plain", "a line\nand another"),
    ("bytes", "application/octet-stream", bytes(range(256))),
    ("none", None, None),
]


def attributes(name, content_type):
    named = {
        "id": name,
        "source": "/sdk/python",
        "type": "sdk.event",
        "subject": "größe 100 %",
        "time": TIME,
        "dataschema": "https://example.com/schema",
        "tenant": "a b",
        "tracestate": "",
    }
    return named | ({"datacontenttype": content_type} if content_type else {})


def plain(value):
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def shown(event_attributes, data):
    return {"attributes": {name: plain(value) for name, value in event_attributes.items()}, "data": plain(data)}


def post(url, headers, body):
    request = urllib.request.Request(url, data=body or b"", headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def send(url):
    sent = []
    for name, content_type, data in PAYLOADS:
        for mode, convert in [("structured", http.to_structured_event), ("binary", http.to_binary_event)]:
            event = CloudEvent(attributes(f"{name}-{mode}", content_type), data)
            message = convert(event)
            status, reason = post(url, message.headers, message.body)
            sent.append(shown(event.get_attributes(), event.get_data()) | {"status": status, "reason": reason})
    # The SDK's first interface, which most programs still use. It escapes nothing in headers.
    for mode, convert in [("structured", conversion.to_structured), ("binary", conversion.to_binary)]:
        named = attributes(f"v1-{mode}", "application/json") | {"time": TIME.isoformat(), "subject": "size 100 %"}
        event = v1.CloudEvent(named, {"amount": 1})
        status, reason = post(url, *convert(event))
        sent.append(shown(event.get_attributes(), event.get_data()) | {"status": status, "reason": reason})
    return sent


def read(lines):
    headers = {"content-type": "application/cloudevents+json"}
    events = [http.from_structured_event(http.HTTPMessage(headers, line.encode())) for line in lines]
    return [shown(event.get_attributes(), event.get_data()) for event in events]


if __name__ == "__main__":
    print(json.dumps(send(sys.argv[2]) if sys.argv[1] == "send" else read(sys.stdin)))
