# SPDX-License-Identifier: Apache-2.0
"""How much memory the program took at most, over all its processes of a scenario."""
import re
import threading

from tailgate import Tailgate

DEFAULT_LIMIT = "24MiB"
BESIDE_IT = 20_000_000  # what a process may take beside memory_limit


class Watched:
    """Asks the kernel five times a second for the most that was resident: VmHWM in proc(5)."""

    def __init__(self, program: Tailgate):
        self.program = program
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self):
        self._over.set()
        self._thread.join()
        self._look()

    @property
    def allowed(self) -> int:
        given = re.fullmatch(r"(\d+)MiB", self.program.settings.get("memory_limit", DEFAULT_LIMIT))
        return int(given[1]) * (1 << 20) + BESIDE_IT

    def _watch(self):
        while not self._over.wait(0.2):
            self._look()

    def _look(self):
        try:
            self.peak = max(self.peak, self.program.process.peak_rss_bytes() if self.program.process else 0)
        except OSError:
            pass  # it has ended
