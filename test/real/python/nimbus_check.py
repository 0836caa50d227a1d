"""The small client against a server of the tests."""
import os
import time

from checks import check, equal, read_input
from nimbus_client import Nimbus

place = read_input()
nimbus = Nimbus(place)
C = "python-client"


def collections():
    equal(nimbus.manage("POST", "?action=create&name=" + C).status, 201)
    equal(nimbus.manage("POST", "?action=create&name=" + C).status, 409)
    equal(nimbus.manage("POST", "?action=create&name=not--valid").status, 409)
    found = {one["name"]: one["default_collection"] for one in nimbus.manage("GET").json()}
    equal((found[C], found["dd-" + place["username"]]), (False, True))
    equal(nimbus.manage("GET", "/" + C).json()["success"], True)
    equal(nimbus.manage("GET", "/missing").status, 404)


def archives():
    body = os.urandom(100003)
    answer = nimbus.archive(C, "binary.bin", body)
    equal((answer.status, list(answer.json())), (200, ["version_identifier"]))
    equal(nimbus.retrieve(C, "binary.bin").body, body)
    head = nimbus.head(C, "binary.bin")
    equal((head.status, head.headers["Content-Length"], head.headers["Connection"]), (200, "100003", "close"))
    equal(nimbus.retrieve(C, "missing").status, 404)
    equal(nimbus.ask("POST", "/data/empty", C, b"").status, 403)
    wrong = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    equal(nimbus.ask("POST", "/data/wrong", C, b"x", wrong).status, 400)
    equal(nimbus.retrieve(C, "wrong").status, 404)


def names():
    for key in ["two words", "a+b", "50% & more?#", "gr\u00fcn/\u65e5\u672c", "~'()!*;=:@,$"]:
        equal(nimbus.archive(C, "names/" + key, key.encode()).status, 200)
        equal(nimbus.retrieve(C, "names/" + key).body, key.encode())
        equal(("names/" + key) in nimbus.keys(C, prefix="names/"), True)


def metadata():
    nimbus.archive(C, "meta", b"x", colour="gr\u00fcn & blue", sum="1+1")
    equal(nimbus.meta(C, "meta"), {"__nimbus_io__colour": "gr\u00fcn & blue", "__nimbus_io__sum": "1+1"})


def ranges():
    nimbus.archive(C, "range", b"0123456789")
    answer = nimbus.retrieve(C, "range", {"Range": "bytes=2-5"})
    equal((answer.status, answer.body, answer.headers["Content-Range"]), (206, b"2345", "bytes 2-5/10"))
    equal(nimbus.retrieve(C, "range", {"Range": "bytes=-5"}).status, 503)


def listings():
    for key in ["l/a", "l/b/c", "l/b/d", "l/e"]:
        nimbus.archive(C, key, b"x")
    equal(nimbus.keys(C, prefix="l/"), ["l/a", "l/b/c", "l/b/d", "l/e"])
    answer = nimbus.ask("GET", "/data/?prefix=l%2F&delimiter=%2F", C).json()
    equal(answer, {"prefixes": ["l/b/"], "truncated": False})


def parts():
    pieces = [os.urandom(50000), os.urandom(50000), b"end"]
    equal(nimbus.archive_in_parts(C, "parts.bin", pieces).json(), {"success": True})
    equal(nimbus.retrieve(C, "parts.bin").body, b"".join(pieces))
    listed = nimbus.ask("GET", "/conjoined/", C).json()["conjoined_list"]
    equal([(one["key"], one["complete_timestamp"] is None) for one in listed], [("parts.bin", False)])


def credentials():
    equal(nimbus.ask("GET", "/data/", "unknown-one").status, 401)
    equal(nimbus.ask("GET", "/data/", C, now=time.time() - 700).status, 401)
    equal(Nimbus(dict(place, key="wrong")).ask("GET", "/data/", C).status, 401)
    equal(Nimbus(dict(place, keyId=1)).ask("GET", "/data/", C).status, 401)


def deleting():
    equal(nimbus.manage("DELETE", "/" + C).status, 403)
    for key in nimbus.keys(C, page=1000):
        equal(nimbus.delete(C, key).json(), {"success": True})
    equal(nimbus.delete(C, "missing").json(), {"success": True})
    equal(nimbus.manage("DELETE", "/" + C).status, 200)
    equal(nimbus.manage("DELETE", "/dd-" + place["username"]).status, 405)


check("collections are made, listed and found", collections)
check("a key is archived with its MD5 and read back", archives)
check("names of all kinds are signed as they are decoded", names)
check("metadata are kept", metadata)
check("ranges are read", ranges)
check("keys are listed page by page", listings)
check("an archive in parts is one key", parts)
check("wrong credentials are refused", credentials)
check("keys and collections are deleted", deleting)
