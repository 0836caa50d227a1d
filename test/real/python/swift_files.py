"""Writes, reads, lists or deletes files by Libcloud or swiftclient, as the JSON on the standard input says; the result is JSON."""
import base64
import hashlib
import json

from swiftclient.service import SwiftUploadObject

from checks import read_input
from swift_places import connection_of, driver_of, service_of, with_file

place = read_input()
container = place["container"]


def decoded():
    return {name: base64.b64decode(text) for name, text in place["files"].items()}


def good(rows):
    for row in rows:
        if not row["success"]:
            raise row["error"]


class Libcloud:
    def __init__(self):
        self.driver = driver_of(place)

    def write(self):
        made = self.driver.create_container(container)
        for name, data in decoded().items():
            extra = {"content_type": "text/x-test", "meta_data": {"by": "libcloud"}}
            with_file(data, lambda path: self.driver.upload_object(path, made, name, extra=extra))

    def write_dynamic(self):
        # As `ex_multipart_upload_object`, whose streams raise a wrong mismatch: parts in the same container, below the name.
        made = self.driver.get_container(container)
        for name, data in decoded().items():
            for index in range(0, len(data), place["segment"]):
                part = "%s/%08d" % (name, index // place["segment"])
                with_file(
                    data[index : index + place["segment"]],
                    lambda path: self.driver.upload_object(path, made, part),
                )
            self.driver._upload_object_manifest(made, name, verify_hash=False)

    def read(self):
        found = {}
        for name in place["names"]:
            one = self.driver.get_object(container, name)
            found[name] = (b"".join(self.driver.download_object_as_stream(one)), one.size)
        return {name: [base64.b64encode(data).decode(), size] for name, (data, size) in found.items()}

    def list(self):
        found = self.driver.list_container_objects(self.driver.get_container(container))
        return [[one.name, one.size] for one in found]

    def delete(self):
        for name in place["names"]:
            self.driver.delete_object(self.driver.get_object(container, name))


class Swiftclient:
    def __init__(self):
        self.connection = connection_of(place)

    def write(self):
        self.connection.put_container(container)
        for name, data in decoded().items():
            headers = {"X-Object-Meta-By": "swiftclient"}
            etag = hashlib.md5(data).hexdigest()
            put = self.connection.put_object
            put(container, name, data, etag=etag, content_type="text/x-test", headers=headers)

    def write_large(self, **options):
        more = {"segment_size": str(place["segment"]), "segment_container": container + "_segments", **options}
        with service_of(place, **more) as service:
            for name, data in decoded().items():
                upload = lambda path: good(service.upload(container, [SwiftUploadObject(path, object_name=name)]))
                with_file(data, upload)

    def write_static(self):
        self.write_large(use_slo=True)

    def write_dynamic(self):
        self.write_large(use_slo=False)

    def read(self):
        found = {name: self.connection.get_object(container, name) for name in place["names"]}
        return {
            name: [base64.b64encode(data).decode(), int(headers["content-length"])]
            for name, (headers, data) in found.items()
        }

    def list(self):
        rows = self.connection.get_container(container, full_listing=True)[1]
        return [[row["name"], row["bytes"]] for row in rows]

    def delete(self):
        # With the segments of large objects, as the command does.
        with service_of(place) as service:
            good(service.delete(container, place["names"]))


client = {"libcloud": Libcloud, "swiftclient": Swiftclient}[place["client"]]()
print(json.dumps(getattr(client, place["op"])()))
