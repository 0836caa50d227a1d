"""Runs steps of Django's staticfiles as a test asks: one JSON document on stdin, one on stdout."""
import hashlib
import io
import json
import sys
import types

import django
from django.conf import settings

request = json.load(sys.stdin)
ours = types.ModuleType('holdall_static')
sys.modules['holdall_static'] = ours

names = {'DEBUG': False, 'USE_TZ': True, 'STATIC_URL': '/static/', **request['settings']}
names['INSTALLED_APPS'] = ['django.contrib.staticfiles']
if django.VERSION < (4, 2):
    names['STATICFILES_STORAGE'] = request['storage']
else:
    files = {'BACKEND': 'django.core.files.storage.FileSystemStorage'}
    names['STORAGES'] = {'default': files, 'staticfiles': {'BACKEND': request['storage']}}
settings.configure(**names)
django.setup()

from django.contrib.staticfiles import storage as static_storage  # noqa: E402
from django.core.management import call_command  # noqa: E402


class ModulesStorage(static_storage.ManifestStaticFilesStorage):
    """Names of modules are rewritten too, since Django 4.2."""
    support_js_module_import_aggregation = True


ours.ModulesStorage = ModulesStorage


def collect(**options):
    printed = io.StringIO()
    call_command('collectstatic', interactive=False, stdout=printed, stderr=printed, **options)
    return printed.getvalue()


def urls(names):
    storage = static_storage.ConfiguredStorage()
    return {name: url_or_error(storage, name) for name in names}


def url_or_error(storage, name):
    try:
        return storage.url(name)
    except ValueError as error:
        return 'ValueError: %s' % error


def manifest_hash(paths):
    """The hash of a manifest of version 1.1. (Django 4.2 `ManifestFilesMixin.save_manifest`)"""
    return hashlib.md5(json.dumps(sorted(paths.items())).encode()).hexdigest()[:12]


STEPS = {
    'version': lambda: django.__version__,
    'location': lambda: django.__path__[0],
    'collect': collect,
    'urls': urls,
    'manifest_hash': manifest_hash,
}
results = []
for step in request['steps']:
    try:
        results.append({'result': STEPS[step['do']](**step.get('with', {}))})
    except Exception as error:
        results.append({'error': '%s: %s' % (type(error).__name__, error)})
json.dump(results, sys.stdout)
