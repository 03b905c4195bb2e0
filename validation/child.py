"""A child process that answers messages: it knows no secret of this one, and its end is an error here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from fnmatch import fnmatch
from typing import IO, TYPE_CHECKING, Any, Final

from .wire import read_message, write_message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from onnxport.artifacts import Outputs

TIMEOUT: Final = 600.0
"""Seconds that one call may take before the child counts as hung."""
_TAIL: Final = 400
_PASSED_ON: Final = (
    *("PATH", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX"),
    *("PYTHONHOME", "PYTHONHASHSEED", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
    *("OMP_*", "KMP_*", "MKL_NUM_THREADS", "OPENBLAS_*", "GOTO_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_*"),
    *("VECLIB_*", "CUDA_VISIBLE_DEVICES", "ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY"),
)
"""The variables that a child process sees: what it takes to run Python and to compute alike, and nothing else."""


def environment_without_secrets() -> dict[str, str]:
    """What a child process may know of this one's environment, by a list of what it may, not of what it may not.

    Modules that can be imported here can be imported there.
    """
    passed = {
        name: value
        for name, value in os.environ.items()  # ruff: ignore[TID251] - passed on, not read
        if any(fnmatch(name, pattern) for pattern in _PASSED_ON)
    }
    return passed | {"PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)}


class ChildGone(Exception):
    """The child process has ended, hangs, or answered what is no message; it is gone now.

    Attributes:
        hung: Whether it gave no answer in time.
        how: How it ended: `signal 9`, `exit code 3`; with its last line on standard error, if any.
    """

    def __init__(self, how: str, *, hung: bool = False) -> None:
        super().__init__(how)
        self.how = how
        self.hung = hung


class Child:
    """A Python process that runs `main` of a module and answers messages on its standard output.

    Attributes:
        process: The process itself.
    """

    def __init__(
        self,
        module: str,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """The child runs.

        Args:
            module: Whose function `main` it runs.
            environment: More variables, or other values of those that it would see.
            folder: Where it runs; `None`: where this process does.
            timeout: Seconds that one call may take.
        """
        self._timeout = timeout
        self._log = tempfile.TemporaryFile()  # ruff: ignore[SIM115] - lives as long as this object
        self.process = subprocess.Popen(  # ruff: ignore[S603] - our own interpreter and module
            (sys.executable, "-P", "-c", f"from {module} import main; main()"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**environment_without_secrets(), **(environment or {})},
            cwd=folder,
            start_new_session=True,  # so that what it starts ends with it
        )

    def exchange(self, header: Mapping[str, Any], arrays: Outputs) -> tuple[dict[str, Any], Outputs]:
        """The child's answer to a message.

        Raises:
            ChildGone: There is none, and no child any more.
            TypeError: An array cannot be sent; nothing was.
        """
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None or stdin.closed:
            raise ChildGone("it is closed")
        watchdog = threading.Timer(self._timeout, self.process.kill)
        watchdog.start()
        try:
            write_message(stdin, header, arrays)
            return self._answer(stdout)
        except (EOFError, OSError) as error:
            raise self._obituary(hung=watchdog.finished.is_set()) from error
        finally:
            watchdog.cancel()

    def _answer(self, stdout: IO[bytes]) -> tuple[dict[str, Any], Outputs]:
        try:
            return read_message(stdout)
        except (ValueError, LookupError, TypeError, RecursionError, MemoryError, OverflowError) as error:
            self.close()
            raise ChildGone(f"its answer is no message ({type(error).__name__}: {error})") from error

    def close(self) -> None:
        """The child is gone, with all that it started, and its resources are free; closing twice is no error."""
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._log.close()

    def _obituary(self, *, hung: bool) -> ChildGone:
        if hung:
            self.close()
            return ChildGone(f"it gave no answer in {self._timeout:g} s", hung=True)
        code = self._ended()
        size = self._log.seek(0, 2)
        self._log.seek(max(0, size - _TAIL))
        said = self._log.read().decode(errors="replace").strip().splitlines()
        self.close()
        died = f"signal {-code}" if code < 0 else f"exit code {code}"
        return ChildGone(died + (f": {said[-1]}" if said else ""))

    def _ended(self) -> int:
        """How the child ended; one that only closed its pipe is killed."""
        try:
            return self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
