"""What a run reports: a line of JSON on standard output and in a file, with the seconds since it began."""
import json
import time


class RunLog:
    """Call it with the values of a line. Every line is on disk at once."""

    def __init__(self, path, begun):
        """path: the file, made anew; begun: time.time() when the run began."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._begun = open(path, "w"), begun

    def __call__(self, **values):
        line = json.dumps({**values, "seconds": round(time.time() - self._begun, 1)})
        print(line, flush=True)
        self._file.write(line + "\n")
        self._file.flush()
