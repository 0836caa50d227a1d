"""What scripts that check have in common: a line with PASS or FAIL for each thing."""
import json
import sys
import traceback


def read_input():
    """The request that the test wrote."""
    return json.load(sys.stdin)


def check(what, work):
    try:
        work()
        print("PASS " + what)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        print("FAIL %s: %r in line %s of %s" % (what, error, place.lineno, place.name))


def equal(found, expected):
    if found != expected:
        raise AssertionError("%r is not %r" % (found, expected))


def raises(kind, work):
    try:
        work()
    except kind as error:
        return error
    raise AssertionError("no " + kind.__name__)
