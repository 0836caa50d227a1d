"""What the scripts for Atmos and Ninefold have in common: drivers of Apache Libcloud that point at a server of the tests."""
from libcloud.storage.drivers.atmos import AtmosDriver
from libcloud.storage.drivers.ninefold import NinefoldStorageDriver


class PlainAtmosDriver(AtmosDriver):
    path = ""


def driver_of(place):
    """A driver of Libcloud; `secure` is off, the host is the loopback."""
    kind = NinefoldStorageDriver if place["kind"] == "ninefold" else PlainAtmosDriver
    return kind(place["uid"], place["secret"], secure=False, host="127.0.0.1", port=place["port"])


def body_of(driver, container, name, headers=None):
    """The bytes of an object. Libcloud's own downloads on Python 3 decode them as text, so this asks below them."""
    path = driver._namespace_path(container + "/" + name)
    answer = driver.connection.request(path, raw=True, headers=headers or {})
    return answer.status, answer.response.body
