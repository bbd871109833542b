"""Where Python tests find data that the repository does not hold (tests/data/manifest.json)."""
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_data(name):
    """Path of a file of the manifest: the first folder that holds it, in the order of tests/test_data.h."""
    cache = os.path.join(ROOT, ".cache", "test_data")
    for folder in (os.environ.get("MOLGEN3D_TEST_DATA"), os.path.join(ROOT, "tests", "data"), cache,
                   os.path.join(ROOT, "..", "shared", "data")):
        if folder and os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    return os.path.join(cache, name)


def need(test, name):
    """Path of a file of the manifest; the test is skipped when it is not there."""
    path = test_data(name)
    if not os.path.exists(path):
        test.skipTest(f"test data: {name} is not there (scripts/fetch_test_data.py)")
    return path
