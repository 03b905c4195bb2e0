"""Where a recipe's rows are: a file of this machine, or one in Azure Blob storage that is brought here."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from onnxport.artifacts import IntegrityError, UsageError, digest_file
from onnxport.storage import REMOTE_FILES, BlobChanged, BlobNotFound, stream_file

from .scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Generator

    from onnxport.artifacts import Progress
    from onnxport.storage import StoreAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """A file with rows, on this machine.

    Attributes:
        path: Where it lies.
        location: What the user wrote, without secrets.
        sha256: Digest of its bytes.
    """

    path: Path
    location: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


def is_remote(location: str) -> bool:
    """Whether `location` is a file in Blob storage."""
    scheme, mark, _ = location.partition("://")
    return bool(mark) and scheme in REMOTE_FILES


@contextmanager
def table_file(location: str, folder: Path, access: StoreAccess, progress: Progress) -> Generator[TableFile]:
    """The file at `location`, on this machine while the context lasts; killed at any moment, it leaves nothing.

    Args:
        location: A path, relative to `folder`; a Blob URL; `az://CONTAINER/PATH`, `abfs[s]://CONTAINER@HOST/PATH`.
        folder: Where relative paths start.
        access: Accounts and credentials.
        progress: Told of the MiB that were brought.

    Raises:
        UsageError: There is no such file.
        IntegrityError: It was written while it was brought.
        Unreachable: The storage does not answer or refuses us.
    """
    if not is_remote(location):
        path = folder / location
        if not path.is_file():
            raise UsageError(
                f"there is no file {path}", hint="Correct the recipe's data, or name a file with --data."
            )
        yield TableFile(path=path, location=location, sha256=digest_file(path))
        return
    with scratch_folder() as scratch:
        parts = urlsplit(location)
        path = scratch / Path(unquote(parts.path)).name
        shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
        _bring(location, path, access, progress)
        yield TableFile(path=path, location=shown, sha256=digest_file(path))


def _bring(location: str, path: Path, access: StoreAccess, progress: Progress) -> None:
    sent = 0
    try:
        blocks = stream_file(location, access)
        with path.open("wb") as file:
            for block in blocks:
                sent += file.write(block)
                progress.step("bring the data (MiB)", sent >> 20, None)
    except BlobNotFound as error:
        raise UsageError(
            f"there is no such file: {error.message}", hint="Correct the recipe's data.path."
        ) from error
    except BlobChanged as error:
        raise IntegrityError(error.message, hint="Run the same command again.") from error
    except OSError as error:
        raise UsageError(
            f"the data does not fit on this machine: {error.strerror or error}",
            hint="Make room, or set TMPDIR to a larger disk.",
        ) from error
