"""Connections to a Swift of the tests, by its form of login: Libcloud's drivers and swiftclient. Secrets are those of the tests."""
import os
import tempfile
import urllib.error
import urllib.request

from libcloud.storage.drivers.cloudfiles import CloudFilesStorageDriver, OpenStackSwiftStorageDriver
from swiftclient.service import SwiftService, _default_global_options, get_conn, process_options


def driver_of(place):
    """Libcloud's driver. With auth v1 it does not find the URL of the storage, so it gets it."""
    kind, url = place["kind"], place["url"]
    if kind == "rackspace":
        return CloudFilesStorageDriver(
            place["user"], place["key"], region=place.get("region", "ord"), ex_force_auth_url=url
        )
    if kind == "v1":
        return OpenStackSwiftStorageDriver(
            place["user"],
            place["key"],
            ex_force_auth_url=place["authUrl"],
            ex_force_auth_version="1.0",
            ex_force_base_url=place["storageUrl"],
        )
    more = {}
    if kind == "v3":
        more = {"ex_tenant_domain_id": "default", "ex_domain_name": "Default"}
    return OpenStackSwiftStorageDriver(
        place["user"],
        place["key"],
        region="RegionOne",
        ex_force_auth_url=url,
        ex_force_auth_version={"v2": "2.0_password", "v3": "3.x_password"}[kind],
        ex_tenant_name=place["project"],
        **more
    )


def client_options(place):
    """The options of swiftclient's commands."""
    kind = place["kind"]
    if kind == "v1":
        return {"auth_version": "1", "auth": place["authUrl"], "user": place["user"], "key": place["key"]}
    if kind == "credential":
        return {
            "auth_version": "3",
            "os_auth_url": place["url"] + "/v3",
            "os_auth_type": "v3applicationcredential",
            "os_application_credential_id": place["user"],
            "os_application_credential_secret": place["key"],
            "os_region_name": "RegionOne",
        }
    common = {
        "os_username": place["user"],
        "os_password": place["key"],
        "os_region_name": "RegionOne",
        "os_project_name": place["project"],
        "os_tenant_name": place["project"],
    }
    if kind == "v2":
        return {"auth_version": "2", "os_auth_url": place["url"] + "/v2.0", **common}
    return {
        "auth_version": "3",
        "os_auth_url": place["url"] + "/v3",
        "os_user_domain_name": "Default",
        "os_project_domain_name": "Default",
        **common,
    }


def service_of(place, **more):
    """The service behind the command `swift`, which makes large objects."""
    return SwiftService(options={**client_options(place), **more})


def connection_of(place):
    """The plain connection of swiftclient."""
    options = {**_default_global_options, **client_options(place)}
    process_options(options)
    return get_conn(options)


def with_file(data, work):
    """Calls `work` with the path of a file that has these bytes."""
    handle, path = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return work(path)
    finally:
        os.unlink(path)


def fetch(url, method="GET"):
    """Status and body of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""
