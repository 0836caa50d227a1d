"""A small client of Nimbus.io, written from the description of its protocol alone: Python's own hmac and http.client, nothing else."""
import base64
import hashlib
import hmac
import http.client
import json
import time
from urllib.parse import quote, unquote_plus, urlencode


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Nimbus:
    def __init__(self, place):
        self.place = place

    def ask(self, method, uri, collection=None, body=None, headers=None, now=None):
        """One request on a connection of its own, which goes to the loopback whatever its host is."""
        place = self.place
        host = place["domain"] if collection is None else collection + "." + place["domain"]
        timestamp = str(int(time.time() if now is None else now))
        text = "\n".join([place["username"], method, timestamp, unquote_plus(uri)])
        digest = hmac.new(place["key"].encode(), text.encode(), hashlib.sha256).hexdigest()
        sent = {
            "Host": "%s:%d" % (host, place["port"]),
            "Authorization": "NIMBUS.IO %d:%s" % (place["keyId"], digest),
            "x-nimbus-io-timestamp": timestamp,
        }
        if body is not None:
            sent["Content-MD5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
        sent.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", place["port"], timeout=20)
        try:
            connection.request(method, uri, body=body if method in ("POST", "PUT") else None, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def manage(self, method, rest=""):
        return self.ask(method, "/customers/%s/collections%s" % (self.place["username"], rest), body=None)

    def archive(self, collection, key, body, **metadata):
        query = urlencode({"__nimbus_io__" + name: value for name, value in metadata.items()}, quote_via=quote)
        return self.ask("POST", path_of(key) + ("?" + query if query else ""), collection, body)

    def retrieve(self, collection, key, headers=None):
        return self.ask("GET", path_of(key), collection, headers=headers)

    def head(self, collection, key):
        return self.ask("HEAD", path_of(key), collection)

    def meta(self, collection, key):
        return dict(self.ask("GET", path_of(key) + "?action=meta", collection).json())

    def delete(self, collection, key):
        return self.ask("DELETE", path_of(key), collection)

    def keys(self, collection, page=2, **query):
        """All keys, page by page."""
        found, marker = [], None
        while True:
            asked = dict(query, max_keys=page, **({} if marker is None else {"marker": marker}))
            answer = self.ask("GET", "/data/?" + urlencode(asked), collection).json()
            found += [row["key"] for row in answer["key_data"]]
            if not answer["truncated"]:
                return found
            marker = found[-1]

    def archive_in_parts(self, collection, key, parts):
        path = "/conjoined/" + quote(key)
        started = self.ask("POST", path + "?action=start", collection, b"").json()
        identifier = started["conjoined_identifier"]
        for number, part in enumerate(parts, 1):
            query = "?conjoined_identifier=%s&conjoined_part=%d" % (identifier, number)
            assert self.ask("POST", path_of(key) + query, collection, part).status == 200, number
        return self.ask("POST", "%s?action=finish&conjoined_identifier=%s" % (path, identifier), collection, b"")


def path_of(key):
    return "/data/" + quote(key)
