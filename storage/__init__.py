"""Where bytes are kept: local folder, Azure Blob, memory."""

from .access import Auth, Patience, StoreAccess, choose_auth, store_access
from .blobs import Blob, BlobChanged, BlobExists, BlobInfo, BlobNotFound, BlobStore
from .locations import open_store
from .memory import MemoryStore

__all__ = [
    "Auth",
    "Blob",
    "BlobChanged",
    "BlobExists",
    "BlobInfo",
    "BlobNotFound",
    "BlobStore",
    "MemoryStore",
    "Patience",
    "StoreAccess",
    "choose_auth",
    "open_store",
    "store_access",
]
