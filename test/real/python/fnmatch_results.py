"""Says which names match which patterns, for the test of ignore patterns: [[pattern, [name, ...]], ...] to [[boolean, ...], ...]."""

import fnmatch
import json
import sys

print(json.dumps([[fnmatch.fnmatchcase(name, pattern) for name in names] for pattern, names in json.load(sys.stdin)]))
