"""Three hundred connections for some seconds: every answer is whole, or says that the server is busy."""
import asyncio
import os
import sys

from serving import ROOT, ServerTest, main

sys.path.insert(0, os.path.join(ROOT, "bench", "server"))
from load import Load, molecules, resident_mb  # noqa: E402


class LoadTest(ServerTest):
    arguments = ("--max-requests", 64)

    def test_whole_answers_or_429(self):
        load = Load(self.server.port, molecules())
        asyncio.run(load.run(connections=300, seconds=6))
        self.assertEqual(load.broken, [])
        self.assertEqual(set(load.statuses), {200, 429})
        self.assertEqual(load.samples, load.statuses[200])
        first = resident_mb(self.server.process.pid)[1]
        asyncio.run(load.run(connections=300, seconds=6))
        self.assertEqual(load.broken, [])
        # A second round takes no more memory than the first, but for what the allocator keeps.
        self.assertLess(resident_mb(self.server.process.pid)[1], 1.25 * first + 50)


if __name__ == "__main__":
    main()
