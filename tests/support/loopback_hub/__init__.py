"""A Hugging Face Hub on the loopback interface, for tests of the real client."""

from loopback_hub.faults import ATTACKS, DAMAGES, KINDS, STATUS
from loopback_hub.repository import Repository, etag, git_blob_id
from loopback_hub.server import LoopbackHub

__all__ = [
    "ATTACKS",
    "DAMAGES",
    "KINDS",
    "STATUS",
    "LoopbackHub",
    "Repository",
    "etag",
    "git_blob_id",
]
