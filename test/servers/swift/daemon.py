"""One of OpenStack Swift's servers, or its rings: `daemon.py rings FOLDER PORT PORT PORT` or `daemon.py SERVER FOLDER`."""
import importlib
import os
import sys

PACKAGES = {'proxy': 'swift.proxy', 'account': 'swift.account', 'container': 'swift.container', 'object': 'swift.obj'}


def rings(folder, ports):
    """Writes the rings: each has one device, on one server."""
    from swift.common.ring import RingBuilder

    for name, port in zip(('account', 'container', 'object'), ports):
        builder = RingBuilder(4, 1, 0)
        place = {'ip': '127.0.0.1', 'port': int(port), 'device': 'disk'}
        replication = {'replication_ip': '127.0.0.1', 'replication_port': int(port)}
        builder.add_dev({'id': 0, 'region': 1, 'zone': 1, 'weight': 100.0, 'meta': '', **place, **replication})
        builder.rebalance()
        builder.get_ring().save(os.path.join(folder, name + '.ring.gz'))


def main(what, folder, *ports):
    from swift.common import utils

    utils.set_swift_dir(folder)
    if what == 'rings':
        return rings(folder, ports)
    from swift.common.wsgi import run_wsgi

    importlib.import_module(PACKAGES[what] + '.server')
    # Without `verbose` errors go to syslog only.
    return run_wsgi(os.path.join(folder, what + '.conf'), what + '-server', verbose=True)


sys.exit(main(*sys.argv[1:]))
