"""Apache Libcloud's Swift and Rackspace drivers against a server of the tests: a line with PASS or FAIL for each thing that is checked."""
import hashlib

from libcloud.common.types import InvalidCredsError
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)

from checks import check, equal, raises, read_input
from swift_places import driver_of, fetch, with_file

place = read_input()
driver = driver_of(place)
CONTAINER = "libcloud " + place["kind"]
# Libcloud does not encode names in the paths of downloads, so `#`, `?` and `%` do not work there.
NAMES = ["plain.txt", "two words.txt", "folder/deep/\u00fc \u65e5\u672c.txt", "a+b&c='(d)'.txt"]
BYTES = bytes((7919 * at) % 256 for at in range(20000))


def upload(name, data, **extra):
    # Uploads of streams raise a wrong mismatch after they have stored: files do not.
    return with_file(data, lambda path: driver.upload_object(path, driver.get_container(CONTAINER), name, extra=extra))


def containers():
    equal(driver.create_container(CONTAINER).name, CONTAINER)
    equal(CONTAINER in [one.name for one in driver.list_containers()], True)
    raises(ContainerAlreadyExistsError, lambda: driver.create_container(CONTAINER))
    raises(ContainerDoesNotExistError, lambda: driver.get_container("missing"))


def uploads():
    for name in NAMES:
        made = upload(name, BYTES, content_type="text/x-test", meta_data={"who": "libcloud"})
        equal(made.hash, hashlib.md5(BYTES).hexdigest())


def heads():
    for name in NAMES:
        found = driver.get_object(CONTAINER, name)
        equal((found.name, found.size), (name, len(BYTES)))
        equal(found.extra["content_type"], "text/x-test")
        equal(found.meta_data.get("who"), "libcloud")
    raises(ObjectDoesNotExistError, lambda: driver.get_object(CONTAINER, "missing"))


def listings():
    container = driver.get_container(CONTAINER)
    found = {one.name: (one.size, one.hash) for one in driver.list_container_objects(container)}
    equal(found, {name: (len(BYTES), hashlib.md5(BYTES).hexdigest()) for name in NAMES})
    below = [one.name for one in driver.list_container_objects(container, prefix="folder/")]
    equal(below, ["folder/deep/\u00fc \u65e5\u672c.txt"])


def downloads():
    for name in NAMES:
        found = driver.get_object(CONTAINER, name)
        equal(b"".join(driver.download_object_as_stream(found, 4096)), BYTES)
    found = driver.get_object(CONTAINER, "plain.txt")
    equal(b"".join(driver.download_object_range_as_stream(found, 5, 105)), BYTES[5:105])


def streams():
    # The error is libcloud's own, the object is stored.
    container = driver.get_container(CONTAINER)
    parts = [BYTES[:7000], BYTES[7000:]]
    raises(ObjectHashMismatchError, lambda: driver.upload_object_via_stream(iter(parts), container, "streamed"))
    found = driver.get_object(CONTAINER, "streamed")
    equal((found.size, found.hash), (len(BYTES), hashlib.md5(BYTES).hexdigest()))


def dynamic_large_objects():
    container = driver.get_container(CONTAINER)

    def send(path):
        return driver.ex_multipart_upload_object(path, container, "large.bin", chunk_size=6000)

    # The parts are streams, which raise after they are stored.
    with_file(BYTES, lambda path: raises(ObjectHashMismatchError, lambda: send(path)))
    for index in range(4):
        upload("large.bin/%08d" % index, BYTES[6000 * index : 6000 * (index + 1)])
    driver._upload_object_manifest(container, "large.bin", verify_hash=False)
    found = driver.get_object(CONTAINER, "large.bin")
    equal(found.size, len(BYTES))
    equal(b"".join(driver.download_object_as_stream(found)), BYTES)


def temporary_urls():
    driver.ex_set_account_metadata_temp_url_key("temp-key")
    found = driver.get_object(CONTAINER, "plain.txt")
    url = driver.ex_get_object_temp_url(found)
    # It writes https and forgets the port, and does not encode the name.
    url = url.replace("https://127.0.0.1/", "http://127.0.0.1:%s/" % driver.connection.port).replace(" ", "%20")
    equal(fetch(url), (200, BYTES))
    equal(fetch(url, "HEAD")[0], 200)
    equal(fetch(url + "0")[0], 401)


def statistics():
    found = driver.ex_get_meta_data()
    equal(found["temp_url_key"], "temp-key")
    # The numbers of a real account come later.
    equal(found["container_count"] >= 0 and found["bytes_used"] >= 0, True)


def websites():
    container = driver.get_container(CONTAINER)
    # The container's name is not encoded; the answer 204 is not among those that it takes for a success.
    equal(driver.ex_enable_static_website(container), False)
    head = driver.connection.request("/" + CONTAINER.replace(" ", "%20"), method="HEAD")
    equal(head.headers["x-container-meta-web-index"], "index.html")


def publication():
    container = driver.get_container(CONTAINER)
    raises(ContainerDoesNotExistError, lambda: driver.get_container_cdn_url(container))
    equal(driver.enable_container_cdn(container, ex_ttl="1000"), True)
    url = driver.get_container_cdn_url(container)
    equal(url.startswith("http://"), True)
    equal(driver.get_container_cdn_url(container, ex_ssl_uri=True).startswith("https://"), True)
    found = driver.get_object(CONTAINER, "plain.txt")
    equal(driver.get_object_cdn_url(found), url + "/plain.txt")
    equal(fetch(driver.get_object_cdn_url(found)), (200, BYTES))
    equal(driver.ex_purge_object_from_cdn(found, email="a@example.com"), True)


def deletions():
    container = driver.get_container(CONTAINER)
    raises(ContainerIsNotEmptyError, lambda: driver.delete_container(container))
    for one in driver.list_container_objects(container):
        equal(driver.delete_object(one), True)
        raises(ObjectDoesNotExistError, lambda: driver.delete_object(one))
    equal(driver.delete_container(container), True)
    raises(ContainerDoesNotExistError, lambda: driver.get_container(CONTAINER))


def wrong_passwords():
    wrong = driver_of({**place, "key": "wrong"})
    raises(InvalidCredsError, lambda: wrong.list_containers())


check("containers are made, listed and not made twice", containers)
check("files are uploaded and their hashes compared", uploads)
check("objects have size, type and metadata", heads)
check("objects are listed, below a prefix too", listings)
check("objects are downloaded, whole and in part", downloads)
check("streams are stored in chunks", streams)
check("dynamic large objects are joined", dynamic_large_objects)
check("temporary URLs are good for GET and HEAD until they are changed", temporary_urls)
check("the account tells its numbers and its key", statistics)
if place["kind"] == "rackspace":
    check("containers are published, and a file is read by its public URL", publication)
else:
    check("a website is switched on", websites)
check("objects and containers are deleted", deletions)
check("a wrong password is refused", wrong_passwords)
