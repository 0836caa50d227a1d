"""Files of one container, by Apache Libcloud: `write` (which makes it), `overwrite`, `read`, `list` and `delete`, whose result is printed as JSON."""
import base64
import json

from atmos_places import body_of, driver_of
from checks import read_input

asked = read_input()
driver = driver_of(asked)
op, name = asked["op"], asked["container"]
result = None

if op in ("write", "overwrite"):
    container = driver.create_container(name) if op == "write" else driver.get_container(name)
    for file, body in asked["files"].items():
        bytes_ = base64.b64decode(body)
        made = driver.upload_object_via_stream(
            iter([bytes_]), container, file, extra={"meta_data": {"by": "libcloud"}, "content_type": "text/x-test"}
        )
        assert made.size == len(bytes_), file
elif op == "read":
    result = {}
    for file in asked["files"]:
        found = driver.get_object(name, file)
        status, body = body_of(driver, name, file)
        assert status == 200, (file, status)
        result[file] = {
            "body": base64.b64encode(body).decode(),
            "size": found.size,
            "hash": found.hash,
            "metadata": found.meta_data,
        }
elif op == "list":
    result = {
        "containers": [one.name for one in driver.list_containers()],
        "objects": [one.name for one in driver.get_container(name).list_objects()],
    }
elif op == "delete":
    for file in asked["files"]:
        assert driver.get_object(name, file).delete()
    result = driver.delete_container(driver.get_container(name)) if asked.get("container_too") else None

print(json.dumps(result))
