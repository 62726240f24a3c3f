"""A wall clock that a test sets: Debian's libfaketime before the gateway and its Redis. Time that only runs (timers,
deadlines) stays the machine's."""
import pathlib
import subprocess

LIBRARY = "/usr/lib/{}/faketime/libfaketime.so.1"


class FakeTime:
    def __init__(self, folder):
        arch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
        self.library = LIBRARY.format(arch)
        assert pathlib.Path(self.library).exists(), "install Debian's package faketime (make deps)"
        self.file, self.offset = pathlib.Path(folder) / "clock", 0
        self.set(0)

    def set(self, seconds):
        """So many seconds after the real time."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.rename(self.file)
        self.offset = seconds

    def forward(self, seconds):
        self.set(self.offset + seconds)

    @property
    def env(self):
        return {"LD_PRELOAD": self.library, "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
