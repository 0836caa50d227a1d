"""OpenStack's python-swiftclient against a server of the tests: a line with PASS or FAIL for each thing that is checked."""
import hashlib
import io
import json
import time
from urllib.parse import quote

from swiftclient.exceptions import ClientException
from swiftclient.service import SwiftUploadObject
from swiftclient.utils import generate_temp_url

from checks import check, equal, read_input
from swift_places import connection_of, fetch as fetch_url, service_of, with_file

place = read_input()
connection = connection_of(place)
CONTAINER = "swiftclient " + place["kind"]
NAMES = ["plain.txt", "two words & more.txt", "folder/deep/\u00fc \u65e5\u672c.txt", "a+b%20c#d?e='(f)'~!.txt"]
BYTES = bytes((7919 * at) % 256 for at in range(20000))
MD5 = hashlib.md5(BYTES).hexdigest()


def status_of(work):
    try:
        work()
    except ClientException as error:
        return error.http_status
    raise AssertionError("no ClientException")


def containers():
    connection.put_container(CONTAINER, headers={"X-Container-Meta-Colour": "red"})
    connection.put_container(CONTAINER)
    equal(connection.head_container(CONTAINER)["x-container-meta-colour"], "red")
    connection.post_container(CONTAINER, {"X-Container-Meta-Colour": ""})
    equal("x-container-meta-colour" in connection.head_container(CONTAINER), False)
    _headers, rows = connection.get_account(full_listing=True)
    equal(CONTAINER in [row["name"] for row in rows], True)
    equal(status_of(lambda: connection.head_container("missing")), 404)


def uploads():
    for name in NAMES:
        headers = {"X-Object-Meta-Who": "J\u00fcrgen"}
        etag = connection.put_object(CONTAINER, name, BYTES, etag=MD5, content_type="text/x-test", headers=headers)
        equal(etag, MD5)
    equal(status_of(lambda: connection.put_object(CONTAINER, "bad", b"x", etag=MD5)), 422)
    equal(status_of(lambda: connection.head_object(CONTAINER, "bad")), 404)


def chunks():
    equal(connection.put_object(CONTAINER, "chunked", io.BytesIO(BYTES), chunk_size=3000), MD5)
    equal(connection.get_object(CONTAINER, "chunked")[1], BYTES)
    connection.delete_object(CONTAINER, "chunked")


def reads():
    for name in NAMES:
        headers, body = connection.get_object(CONTAINER, name)
        equal(body, BYTES)
        equal((headers["etag"], headers["content-type"]), (MD5, "text/x-test"))
        equal(headers["x-object-meta-who"], "J\u00fcrgen")
    equal(connection.get_object(CONTAINER, "plain.txt", headers={"Range": "bytes=5-104"})[1], BYTES[5:105])
    equal(status_of(lambda: connection.get_object(CONTAINER, "plain.txt", headers={"Range": "bytes=20000-"})), 416)
    equal(status_of(lambda: connection.get_object(CONTAINER, "missing")), 404)


def metadata():
    connection.post_object(CONTAINER, "plain.txt", {"X-Object-Meta-Other": "1"})
    headers = connection.head_object(CONTAINER, "plain.txt")
    equal("x-object-meta-who" in headers, False)
    equal((headers["x-object-meta-other"], headers["content-type"]), ("1", "text/x-test"))


def listings():
    def names(**query):
        _headers, rows = connection.get_container(CONTAINER, **query)
        return [row.get("name") or row["subdir"] for row in rows]

    everything = sorted(NAMES, key=lambda name: name.encode())
    equal(names(full_listing=True), everything)
    equal(names(full_listing=True, limit=1), everything)
    equal(names(delimiter="/"), sorted([name for name in NAMES if "/" not in name] + ["folder/"]))
    equal(names(prefix="folder/", delimiter="/"), ["folder/deep/"])
    equal(names(marker="plain.txt"), ["two words & more.txt"])
    equal(names(end_marker="b"), ["a+b%20c#d?e='(f)'~!.txt"])
    equal(names(path="folder/deep"), ["folder/deep/\u00fc \u65e5\u672c.txt"])


def copies():
    connection.copy_object(CONTAINER, NAMES[2], "/%s/copied" % CONTAINER, headers={"X-Object-Meta-New": "2"})
    headers, body = connection.get_object(CONTAINER, "copied")
    equal(body, BYTES)
    equal((headers["x-object-meta-who"], headers["x-object-meta-new"]), ("J\u00fcrgen", "2"))
    connection.delete_object(CONTAINER, "copied")


def results(rows):
    found = list(rows)
    bad = [one for one in found if not one["success"]]
    if bad:
        raise AssertionError(repr(bad[0].get("error")) + " in " + repr(bad[0]))
    return found


def large(name, **options):
    with service_of(place, segment_size="6000", segment_container=CONTAINER + " segments", **options) as service:
        with_file(BYTES, lambda path: results(service.upload(CONTAINER, [SwiftUploadObject(path, object_name=name)])))


def static_large_objects():
    large("static.bin", use_slo=True)
    headers, body = connection.get_object(CONTAINER, "static.bin")
    equal(body, BYTES)
    equal((headers["x-static-large-object"].lower(), headers["etag"].startswith('"')), ("true", True))
    equal(connection.head_object(CONTAINER, "static.bin")["content-length"], str(len(BYTES)))
    _headers, manifest = connection.get_object(CONTAINER, "static.bin", query_string="multipart-manifest=get")
    equal([row["bytes"] for row in json.loads(manifest)], [6000, 6000, 6000, 2000])
    _headers, part = connection.get_object(CONTAINER, "static.bin", headers={"Range": "bytes=5990-6010"})
    equal(part, BYTES[5990:6011])
    rows = {row["name"]: row for row in connection.get_container(CONTAINER)[1]}
    equal(rows["static.bin"]["bytes"], len(BYTES))
    wrong = json.dumps([{"path": row["name"], "etag": MD5} for row in json.loads(manifest)])
    put = lambda: connection.put_object(CONTAINER, "wrong", wrong, query_string="multipart-manifest=put")
    equal(status_of(put), 400)


def dynamic_large_objects():
    large("dynamic.bin", use_slo=False)
    headers, body = connection.get_object(CONTAINER, "dynamic.bin")
    equal(body, BYTES)
    equal("x-object-manifest" in headers, True)
    equal(connection.head_object(CONTAINER, "dynamic.bin")["content-length"], str(len(BYTES)))
    rows = {row["name"]: row for row in connection.get_container(CONTAINER)[1]}
    equal(rows["dynamic.bin"]["bytes"], 0)


def large_deletions():
    # The command deletes the segments of both kinds.
    with service_of(place) as service:
        results(service.delete(CONTAINER, ["static.bin", "dynamic.bin"]))
    equal(connection.get_container(CONTAINER + " segments")[1], [])
    connection.delete_container(CONTAINER + " segments")


def fetch(path, method="GET"):
    return fetch_url(connection.url.split("/v1/")[0] + path, method)


def temporary_urls():
    connection.post_account({"X-Account-Meta-Temp-URL-Key": "temp-key"})
    account = "/v1/" + connection.url.split("/v1/")[1]
    for digest in ("sha1", "sha256", "sha512"):
        for name in NAMES:
            path = "%s/%s/%s" % (account, CONTAINER, name)
            signed = generate_temp_url(path, 60, "temp-key", "GET", digest=digest)
            bare, query = signed[: len(path)], signed[len(path) :]
            equal(bare, path)
            equal(fetch(quote(path) + query), (200, BYTES))
            equal(fetch(quote(path) + query, "HEAD")[0], 200)
            equal(fetch(quote(path) + query, "DELETE")[0], 401)
    path = "%s/%s/%s" % (account, CONTAINER, "plain.txt")
    dated = generate_temp_url(path, 60, "temp-key", "GET", iso8601=True, digest="sha256")
    equal(fetch(quote(path) + dated[len(path) :])[0], 200)
    below = "%s/%s/%s" % (account, CONTAINER, "folder/")
    prefixed = generate_temp_url(below, 60, "temp-key", "GET", prefix=True, digest="sha256")
    query = prefixed[prefixed.index("?temp_url_sig") :]
    equal(fetch(quote(below + "deep/\u00fc \u65e5\u672c.txt") + query)[0], 200)
    equal(fetch(quote(path) + query)[0], 401)
    for network, status in (("127.0.0.0/8", 200), ("10.0.0.1", 401)):
        ranged = generate_temp_url(path, 60, "temp-key", "GET", ip_range=network, digest="sha256")
        equal(fetch(quote(path) + ranged[len(path) :])[0], status)
    late = generate_temp_url(path, str(int(time.time()) - 5), "temp-key", "GET", absolute=True, digest="sha256")
    equal(fetch(quote(path) + late[len(path) :])[0], 401)


def public_containers():
    account = "/v1/" + connection.url.split("/v1/")[1]
    equal(fetch(quote("%s/%s/plain.txt" % (account, CONTAINER)))[0], 401)
    connection.post_container(CONTAINER, {"X-Container-Read": ".r:*,.rlistings"})
    equal(connection.head_container(CONTAINER)["x-container-read"], ".r:*,.rlistings")
    equal(fetch(quote("%s/%s/plain.txt" % (account, CONTAINER))), (200, BYTES))
    equal(fetch(quote("%s/%s" % (account, CONTAINER)))[0], 200)
    connection.post_container(CONTAINER, {"X-Container-Read": ""})
    equal(fetch(quote("%s/%s/plain.txt" % (account, CONTAINER)))[0], 401)


def capabilities():
    found = connection.get_capabilities()
    equal(sorted(found["tempurl"]["allowed_digests"]), ["sha1", "sha256", "sha512"])
    equal(found["slo"]["max_manifest_segments"], 1000)


def expiry():
    connection.put_object(CONTAINER, "late", b"x", headers={"X-Delete-After": "1000"})
    at = int(connection.head_object(CONTAINER, "late")["x-delete-at"])
    equal(900 < at - time.time() < 1100, True)
    connection.delete_object(CONTAINER, "late")
    put = lambda: connection.put_object(CONTAINER, "late", b"x", headers={"X-Delete-At": "1000"})
    equal(status_of(put), 400)


def bulk_deletions():
    equal(status_of(lambda: connection.delete_container(CONTAINER)), 409)
    lines = ["/" + quote("%s/%s" % (CONTAINER, name)) for name in NAMES] + [quote("/%s/missing" % CONTAINER)]
    headers = {"Accept": "application/json", "Content-Type": "text/plain"}
    _headers, body = connection.post_account(headers, query_string="bulk-delete", data="\n".join(lines).encode())
    found = json.loads(body)
    equal((found["Response Status"], found["Number Deleted"], found["Number Not Found"]), ("200 OK", len(NAMES), 1))
    equal(found["Errors"], [])
    connection.delete_container(CONTAINER)
    equal(status_of(lambda: connection.delete_container(CONTAINER)), 404)


def wrong_passwords():
    wrong = connection_of({**place, "key": "wrong"})
    wrong.retries = 0
    equal(status_of(wrong.get_account) in (None, 401), True)


check("containers and their metadata", containers)
check("uploads, with a wrong ETag refused", uploads)
check("uploads in chunks", chunks)
check("downloads, whole and in part", reads)
check("metadata is replaced by a POST", metadata)
check("listings by prefix, delimiter, marker, end marker and path", listings)
check("copies on the server", copies)
check("static large objects", static_large_objects)
check("dynamic large objects", dynamic_large_objects)
check("large objects are deleted with their segments", large_deletions)
check("temporary URLs of each digest, with prefix, network and date", temporary_urls)
check("public containers", public_containers)
check("capabilities", capabilities)
check("X-Delete-After and X-Delete-At", expiry)
check("bulk deletions", bulk_deletions)
check("a wrong password is refused", wrong_passwords)
