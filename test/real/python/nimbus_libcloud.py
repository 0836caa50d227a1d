"""
Why Apache Libcloud's driver of Nimbus.io is no client to check anything with. On Python 3 it cannot sign; it takes the number of the key for the
name of the user; and it knows collections only, in the form that old servers answer.
"""
import hashlib
import hmac

from checks import check, equal, raises, read_input
from libcloud.common.types import InvalidCredsError
from libcloud.storage.drivers.nimbus import NimbusConnection, NimbusStorageDriver

place = read_input()


def driver_of(user):
    return NimbusStorageDriver(
        user["username"], user["key"], user_id=user["keyId"], secure=False, host="127.0.0.1", port=place["port"]
    )


def constructor():
    error = raises(KeyError, lambda: NimbusStorageDriver(place["user"]["username"], place["user"]["key"]))
    equal(error.args, ("user_id",))


def signature():
    driver = driver_of(place["user"])
    error = raises(TypeError, driver.list_containers)
    equal("bytes" in str(error), True)


def objects():
    driver = driver_of(place["user"])
    raises(NotImplementedError, lambda: driver.get_container("media"))
    raises(NotImplementedError, lambda: driver.get_object("media", "name"))
    raises(NotImplementedError, lambda: driver.upload_object_via_stream(iter([b"x"]), None, "name"))


def sign_with_bytes():
    """Lets the driver sign."""

    def calculate(self, user_id, method, params, path, timestamp, key):
        from libcloud.utils.py3 import urlencode

        uri = path + "?" + urlencode(params) if params else path
        text = "\n".join([user_id, method, timestamp, uri])
        return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()

    NimbusConnection._calculate_signature = calculate


def key_as_user():
    driver = driver_of(place["user"])
    raises(InvalidCredsError, driver.list_containers)


def old_form():
    # Of a user who is called as the number of the key, on a server that answers arrays.
    user = place["numbered"]
    found = {one.name: one.extra["date_created"] for one in driver_of(user).list_containers()}
    equal(sorted(found), sorted(["dd-" + user["username"], "media"]))
    equal(found["media"].endswith(" GMT"), True)


check("its constructor needs what django-storages does not give", constructor)
check("it cannot sign on Python 3", signature)
check("it knows no objects", objects)
sign_with_bytes()
check("it takes the number of the key for the user", key_as_user)
check("with its signature repaired it lists the collections of such a user on an old server", old_form)
