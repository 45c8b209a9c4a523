#!/usr/bin/env python3
"""tools/e2e.py [NAME]: runs tests/e2e/test_*.py (or test_NAME.py) with unittest and counts.

Prints one line a test, the output of those that failed, and at the end "e2e: N passed, N failed, N
skipped"; the numbers are added to the file $TEST_COUNTS when it is set. A test has TEST_TIMEOUT
seconds (120); one that takes longer fails where it stands. A module that cannot be loaded counts as
a failed test. Tests may import helper modules that lie beside them.
"""
import os
import signal
import sys
import time
import unittest

LIMIT = int(os.environ.get('TEST_TIMEOUT', '120'))


class TooSlow(Exception):
    """The test was over its time."""


def on_alarm(_signum, _frame):
    raise TooSlow('over %d s' % LIMIT)


class Result(unittest.TestResult):
    """Counts each test once, whatever its subtests do, and prints as it goes."""

    def __init__(self):
        super().__init__()
        self.buffer = True
        self.bad = {}
        self.passed = self.missed = 0
        self.began = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        signal.alarm(LIMIT)

    def stopTest(self, test):
        signal.alarm(0)
        if test.id() in self.bad:
            self.show(test)
        self._mirrorOutput = False  # the report holds the output already
        super().stopTest(test)

    def show(self, test):
        """The report of a failed test, indented."""
        self.line('  FAIL %s' % test.id())
        for text in self.bad[test.id()]:
            for row in text.rstrip().split('\n'):
                self.line('       | ' + row)

    def line(self, text):
        sys.__stdout__.write(text + '\n')
        sys.__stdout__.flush()

    def fault(self, test, err):
        """Remembers a failure; one outside a test (setUpClass, import) is shown at once."""
        test = getattr(test, 'test_case', test)
        outside = not isinstance(test, unittest.TestCase) or self.began == 0.0
        self.bad.setdefault(test.id(), []).append(self._exc_info_to_string(err, test))
        if outside:
            self.show(test)

    def addError(self, test, err):
        super().addError(test, err)
        self.fault(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.fault(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.fault(test, err)

    def addSuccess(self, test):
        super().addSuccess(test)
        if test.id() not in self.bad:
            self.passed += 1
            self.line('  ok   %s (%.1f s)' % (test.id(), time.monotonic() - self.began))

    addExpectedFailure = lambda self, test, err: Result.addSuccess(self, test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.bad.setdefault(test.id(), []).append('passed, though it was expected to fail')

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.missed += 1
        self.line('  skip %s: %s' % (test.id(), reason))


def main():
    signal.signal(signal.SIGALRM, on_alarm)
    where = 'tests/e2e'
    pattern = 'test_%s.py' % (sys.argv[1] if len(sys.argv) > 1 else '*')
    suite = unittest.TestSuite()
    if os.path.isdir(where):
        sys.path.insert(0, os.path.abspath(where))
        sys.dont_write_bytecode = True
        suite = unittest.defaultTestLoader.discover(where, pattern=pattern, top_level_dir=where)
    result = Result()
    suite.run(result)
    line = '%d passed, %d failed' % (result.passed, len(result.bad))
    if result.missed:
        line += ', %d skipped' % result.missed
    if os.environ.get('TEST_COUNTS'):
        with open(os.environ['TEST_COUNTS'], 'a', encoding='ascii') as f:
            f.write('e2e %d %d %d\n' % (result.passed, len(result.bad), result.missed))
    print('e2e: ' + line)
    return 1 if result.bad else 0


if __name__ == '__main__':
    sys.exit(main())
