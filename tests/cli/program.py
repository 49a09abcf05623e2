"""What the tests of the command line share: the program under test and a way to run it."""
import subprocess
import sys
import unittest

PROGRAM = "build/sluice"


def sluice(*args, stdin=None, env=None, timeout=30):
    return subprocess.run([PROGRAM, *args], input=stdin, env=env, timeout=timeout, text=True,
                          capture_output=True)


def main():
    global PROGRAM
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        PROGRAM = sys.argv.pop(1)
    unittest.main()
