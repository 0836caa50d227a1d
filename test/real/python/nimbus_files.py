"""Files of one collection, by the small client: `write`, `read`, `list` and `delete`, whose result is printed as JSON."""
import base64
import json

from checks import read_input
from nimbus_client import Nimbus

asked = read_input()
nimbus = Nimbus(asked)
op, collection = asked["op"], asked["collection"]
result = None

if op == "write":
    for key, body in asked["files"].items():
        made = nimbus.archive(collection, key, base64.b64decode(body), by="python")
        assert made.status == 200, (key, made.status)
elif op == "read":
    result = {}
    for key in asked["files"]:
        answer = nimbus.retrieve(collection, key)
        assert answer.status == 200, (key, answer.status)
        result[key] = {"body": base64.b64encode(answer.body).decode(), "metadata": nimbus.meta(collection, key)}
elif op == "list":
    result = nimbus.keys(collection)
elif op == "delete":
    for key in asked["files"]:
        assert nimbus.delete(collection, key).status == 200, key

print(json.dumps(result))
