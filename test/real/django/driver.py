"""Performs what a test asks of django-storages: a JSON line on stdin is a request, one on stdout its answer."""
import base64
import contextlib
import datetime
import functools
import json
import os
import sys
import time
import types
from unittest import mock

import boto3
import botocore.exceptions
import botocore.session
import django
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.utils.module_loading import import_string
import storages

settings.configure(USE_TZ=True)
django.setup()

# The descriptions of the services are the same for every storage and take long to load.
botocore.session.create_loader = functools.lru_cache(botocore.session.create_loader)

made = {}


def from_json(value):
    if isinstance(value, dict):
        if set(value) == {'$bytes'}:
            return base64.b64decode(value['$bytes'])
        return {name: from_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [from_json(each) for each in value]
    return value


def to_json(value):
    if isinstance(value, (bytes, bytearray)):
        return {'$bytes': base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return {'time': value.timestamp(), 'aware': value.tzinfo is not None}
    raise TypeError(type(value))


@contextlib.contextmanager
def configured(names):
    """Global settings are read at construction, some of them later: they hold for the whole request."""
    before = {name: getattr(settings, name) for name in names if hasattr(settings, name)}
    for name, value in names.items():
        setattr(settings, name, value)
    try:
        yield
    finally:
        for name in names:
            delattr(settings, name)
        for name, value in before.items():
            setattr(settings, name, value)


@contextlib.contextmanager
def frozen(now):
    """The clock of everything that signs."""
    if now is None:
        yield
        return

    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return cls.utcfromtimestamp(now)

    with mock.patch('botocore.auth.datetime', types.SimpleNamespace(datetime=Frozen)), \
            mock.patch('botocore.auth.time', types.SimpleNamespace(time=lambda: now, strftime=time.strftime)), \
            mock.patch('storages.backends.s3boto3.datetime', Frozen):
        yield


def storage_of(request):
    key = json.dumps([request['backend'], request['settings'], request['env']], sort_keys=True)
    if key not in made:
        made[key] = import_string('storages.backends.' + request['backend'])()
    return made[key]


def content_of(content, content_type=None):
    file = ContentFile(content)
    if content_type is not None:
        file.content_type = content_type
    return file


def write(storage, name, mode, chunks):
    file = storage.open(name, mode)
    for chunk in chunks:
        file.write(chunk)
    file.close()


def read(storage, name, mode):
    with contextlib.closing(storage.open(name, mode)) as file:
        return file.read()


OPERATIONS = {
    'make': lambda storage: None,
    'save': lambda storage, name, content, content_type=None, max_length=None:
        storage.save(name, content_of(content, content_type), max_length=max_length),
    'save_file': lambda storage, name, path: storage.save(name, File(open(path, 'rb'))),
    'write': write,
    'read': read,
    'delete': lambda storage, name: storage.delete(name),
    'exists': lambda storage, name: storage.exists(name),
    'listdir': lambda storage, name: storage.listdir(name),
    'size': lambda storage, name: storage.size(name),
    'modified': lambda storage, name: storage.get_modified_time(name),
    'url': lambda storage, name, **more: storage.url(name, **more),
}


def answer(request):
    if request['op'] == 'versions':
        python = '.'.join(map(str, sys.version_info[:2]))
        return {'python': python, 'django': django.__version__, 'storages': storages.__version__,
                'boto3': boto3.__version__, 'path': storages.__file__}
    environment = mock.patch.dict(os.environ, request['env'])
    with environment, configured(from_json(request['settings'])), frozen(request['now']):
        return OPERATIONS[request['op']](storage_of(request), **from_json(request['args']))


def failure(error):
    told = {'type': type(error).__name__, 'message': str(error)}
    if isinstance(error, botocore.exceptions.ClientError):
        told['status'] = error.response['ResponseMetadata']['HTTPStatusCode']
        told['code'] = error.response['Error'].get('Code')
    return told


for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = {'id': request['id'], 'result': answer(request)}
    except Exception as error:
        reply = {'id': request['id'], 'error': failure(error)}
    print(json.dumps(reply, default=to_json), flush=True)
