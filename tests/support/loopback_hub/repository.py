"""A repository of the loopback Hub: commits of files, branches, tags."""

import hashlib
from dataclasses import dataclass, field

LFS_SUFFIXES = (".h5",)


def git_blob_id(content: bytes) -> str:
    """The name that git gives to a file: the ETag of a file outside LFS."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_lfs(path: str) -> bool:
    return path.endswith(LFS_SUFFIXES)


def etag(path: str, content: bytes) -> str:
    if is_lfs(path):
        return hashlib.sha256(content).hexdigest()
    return git_blob_id(content)


@dataclass
class Repository:
    """Files by commit, commits by branch or tag. A commit never changes."""

    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.commit("main", {".gitattributes": b"*.h5 filter=lfs\n"}, message="initial")

    def commit(self, ref: str, files: dict, deleted=(), message: str = "") -> str:
        """A new commit at the end of a branch; its name is 40 hex digits."""
        tree = {**self.commits.get(self.refs.get(ref), {}), **files}
        tree = {path: tree[path] for path in tree if path not in deleted}
        # The number of commits stands for the time, so that no two are the same.
        text = repr((len(self.commits), message, sorted(tree.items())))
        name = hashlib.sha1(text.encode()).hexdigest()
        self.commits[name] = tree
        self.refs[ref] = name
        self.messages.append(message)
        return name

    def find(self, revision: str) -> str | None:
        """The commit of a branch, a tag or a commit."""
        return revision if revision in self.commits else self.refs.get(revision)
