"""Where bytes are kept: local folder, Azure Blob, memory."""

from .access import Auth, Patience, StoreAccess, choose_auth, identity_client_id, store_access
from .blobs import Blob, BlobChanged, BlobExists, BlobInfo, BlobNotFound, BlobStore
from .locations import REMOTE_FILES, open_store, stream_file
from .memory import MemoryStore

__all__ = [
    "REMOTE_FILES",
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
    "identity_client_id",
    "open_store",
    "store_access",
    "stream_file",
]
