"""What happens to a skipped test, for every Python test of the project: importing this module is enough.

A skip is noted in the file that MOLGEN3D_SKIP_LIST names, and with MOLGEN3D_NO_SKIP=1 it is a failure, unless
its reason matches the regular expression MOLGEN3D_MAY_SKIP. skips.cpp does the same for GoogleTest.
"""
import os
import re
import unittest

_add_skip = unittest.TextTestResult.addSkip


def _noted(result, test, reason):
    if os.environ.get("MOLGEN3D_SKIP_LIST"):
        with open(os.environ["MOLGEN3D_SKIP_LIST"], "a", encoding="utf-8") as file:
            file.write(f"{test.id()}: {reason}\n")
    allowed = os.environ.get("MOLGEN3D_MAY_SKIP")
    if os.environ.get("MOLGEN3D_NO_SKIP") != "1" or (allowed and re.search(allowed, reason)):
        return _add_skip(result, test, reason)
    message = AssertionError(f"skipped, and MOLGEN3D_NO_SKIP=1: {reason}")
    return result.addFailure(test, (AssertionError, message, None))


unittest.TextTestResult.addSkip = _noted
