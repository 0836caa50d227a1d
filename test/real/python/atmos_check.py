"""Apache Libcloud's drivers of Atmos and Ninefold against a server of the tests: a line with PASS or FAIL for each thing that is checked."""
import base64
import hashlib
import hmac
import http.client
import os
import tempfile
import time
from urllib.parse import quote, urlencode

from libcloud.storage.drivers.atmos import AtmosError
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    ObjectDoesNotExistError,
)

from atmos_places import body_of, driver_of
from checks import check, equal, raises, read_input

place = read_input()
driver = driver_of(place)
CONTAINER = "libcloud-" + place["kind"]


def upload(name, body, **extra):
    container = driver.get_container(CONTAINER)
    return driver.upload_object_via_stream(iter([body]), container, name, extra=extra)


def containers():
    made = driver.create_container(CONTAINER)
    equal(made.name, CONTAINER)
    equal(len(made.extra["object_id"]), 44)
    equal(CONTAINER in [one.name for one in driver.list_containers()], True)
    raises(ContainerAlreadyExistsError, lambda: driver.create_container(CONTAINER))
    raises(ContainerDoesNotExistError, lambda: driver.get_container("missing"))


def chunks():
    body = os.urandom(100003)
    made = upload("chunks.bin", body)
    equal(made.size, len(body))
    equal(made.hash, hashlib.md5(body).hexdigest())
    equal(body_of(driver, CONTAINER, "chunks.bin"), (200, body))


def shorter():
    upload("shorter.bin", b"a" * 30000)
    upload("shorter.bin", b"b" * 9000)
    equal(body_of(driver, CONTAINER, "shorter.bin"), (200, b"b" * 9000))


def whole_file():
    body = os.urandom(20011)
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        made = driver.upload_object(file.name, driver.get_container(CONTAINER), "file.bin")
    equal(made.size, len(body))
    equal(body_of(driver, CONTAINER, "file.bin"), (200, body))


def metadata():
    upload("metadata.txt", b"text", content_type="text/plain", meta_data={"colour": "dark blue", "sum": "1=1"})
    found = driver.get_object(CONTAINER, "metadata.txt")
    equal(found.size, 4)
    equal(found.hash, hashlib.md5(b"text").hexdigest())
    equal(found.meta_data, {"colour": "dark blue", "sum": "1=1"})
    age = time.time() - time.mktime(time.strptime(found.extra["last_modified"], "%a, %d %b %Y %H:%M:%S GMT")) + time.timezone
    equal(abs(age) < 300, True)
    raises(ObjectDoesNotExistError, lambda: driver.get_object(CONTAINER, "missing"))


def listing():
    upload("folder/nested.txt", b"nested")
    upload("two words & more.txt", b"words")
    equal(body_of(driver, CONTAINER, "folder/nested.txt"), (200, b"nested"))
    equal(body_of(driver, CONTAINER, "two words & more.txt"), (200, b"words"))
    names = sorted(one.name for one in driver.get_container(CONTAINER).list_objects())
    # Libcloud gives the objects of one level.
    expected = ["chunks.bin", "file.bin", "metadata.txt", "shorter.bin", "two words & more.txt"]
    equal(names, expected)
    equal([one.name for one in driver.list_container_objects(driver.get_container(CONTAINER), prefix="c")], ["chunks.bin"])


def ranges():
    upload("range.txt", b"0123456789")
    equal(body_of(driver, CONTAINER, "range.txt", {"Range": "bytes=2-5"}), (206, b"2345"))
    equal(body_of(driver, CONTAINER, "range.txt", {"Range": "Bytes=8-20"}), (206, b"89"))
    equal(body_of(driver, CONTAINER, "range.txt", {"Range": "bytes=10-12"})[0], 416)


def fetched(url):
    connection = http.client.HTTPConnection("127.0.0.1", place["port"], timeout=20)
    connection.request("GET", url)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def shared_url(path, expires):
    """What Libcloud's get_object_cdn_url would make if its HMAC took the bytes that Python 3 wants."""
    text = "\n".join(["GET", path.lower(), place["uid"], str(expires)])
    digest = hmac.new(base64.b64decode(place["secret"]), text.encode(), hashlib.sha1).digest()
    query = [("uid", place["uid"]), ("expires", expires), ("signature", base64.b64encode(digest).decode())]
    return driver.path + quote(path) + "?" + urlencode(query)


def shared_urls():
    made = upload("shared file.txt", b"shared")
    raises(TypeError, lambda: driver.get_object_cdn_url(made))
    path = "/rest/namespace/" + CONTAINER + "/shared file.txt"
    url = shared_url(path, int(time.time()) + driver.DEFAULT_CDN_TTL)
    equal(fetched(url), (200, b"shared"))
    equal(fetched(url.replace("shared", "chunks"))[0], 403)
    equal(fetched(shared_url(path, int(time.time()) - 1))[0], 403)


def credentials():
    wrong = driver_of(dict(place, secret=base64.b64encode(b"wrong").decode()))
    equal(raises(AtmosError, wrong.list_containers).code, 1032)
    unknown = driver_of(dict(place, uid="nobody/here"))
    equal(raises(AtmosError, unknown.list_containers).code, 1033)


def not_ascii():
    raises(UnicodeEncodeError, lambda: driver.get_object(CONTAINER, "gr\u00fcn.txt"))


def deleting():
    container = driver.get_container(CONTAINER)
    raises(ContainerIsNotEmptyError, lambda: driver.delete_container(container))
    for name in [one.name for one in container.list_objects()] + ["folder/nested.txt"]:
        equal(driver.get_object(CONTAINER, name).delete(), True)
    raises(ObjectDoesNotExistError, lambda: driver.get_object(CONTAINER, "range.txt"))
    folder = driver.connection.request(driver._namespace_path(CONTAINER + "/folder") + "/", method="DELETE")
    equal(folder.status, 204)
    equal(driver.delete_container(container), True)
    equal(CONTAINER in [one.name for one in driver.list_containers()], False)
    raises(ContainerDoesNotExistError, lambda: driver.delete_container(container))


check("containers are made, listed and found", containers)
check("a stream is uploaded in chunks and read back", chunks)
check("a shorter body leaves no tail of the old one", shorter)
check("a file is uploaded", whole_file)
check("metadata, hash and time are kept", metadata)
check("objects of one level are listed", listing)
check("ranges are read", ranges)
check("a shareable URL is good until it expires", shared_urls)
check("wrong credentials are refused with their codes", credentials)
check("names that are not ASCII end in the client itself", not_ascii)
check("objects and containers are deleted", deleting)
