"""OpenStack Keystone: `daemon.py serve PORT`, `daemon.py wal FILE`, or the words of keystone-manage."""
import sqlite3
import sys


def main(what, *words):
    if what == 'serve':
        import waitress
        from keystone.server.wsgi import initialize_public_application

        # Keystone reads its own words from here.
        del sys.argv[1:]
        return waitress.serve(initialize_public_application(), host='127.0.0.1', port=int(words[0]), threads=1)
    if what == 'wal':
        # Else writes beside reads are answered "database is locked".
        return sqlite3.connect(words[0]).execute('PRAGMA journal_mode=WAL').fetchone() and 0
    from keystone.cmd.manage import main as manage

    return manage()


sys.exit(main(*sys.argv[1:]))
