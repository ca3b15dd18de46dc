"""The routes of the loopback Hub."""

import base64
import gzip
import hashlib
import io
import json
import re
from functools import cache
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from loopback_hub.faults import ATTACKS, STATUS
from loopback_hub.repository import Repository, etag, git_blob_id, is_lfs

ID = r"(?P<id>[^/]+/[^/]+)"
ROUTES = [
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "validate_yaml"),
    ("POST", rf"/api/models/{ID}/preupload/(?P<rev>[^/]+)", "preupload"),
    ("POST", rf"/{ID}\.git/info/lfs/objects/batch", "lfs_batch"),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "lfs_put"),
    ("POST", r"/lfs/verify", "lfs_verify"),
    ("POST", rf"/api/models/{ID}/commit/(?P<rev>[^/]+)", "commit"),
    ("POST", rf"/api/models/{ID}/branch/(?P<branch>[^/]+)", "branch"),
    ("POST", rf"/api/models/{ID}/tag/(?P<rev>[^/]+)", "tag"),
    ("GET", rf"/api/models/{ID}/revision/(?P<rev>[^/]+)", "info"),
    ("GET", rf"/api/models/{ID}/tree/(?P<rev>[^/]+)", "tree"),
    ("GET", rf"/api/models/{ID}", "info"),
    ("HEAD", rf"/{ID}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve"),
    ("GET", rf"/{ID}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve"),
]


class Refused(Exception):
    """An answer that is an error: status and X-Error-Code."""

    def __init__(self, status: int, code: str | None = None):
        self.status, self.code = status, code


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self):
        return self.server.hub

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        url = urlsplit(self.path)
        path = url.path
        self.query = parse_qs(url.query)
        self.hub.requests.append((self.command, path))
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        if self.hub.stopping.is_set():  # A connection that outlived the server.
            self.close_connection = True
            return
        if "Range" in self.headers:
            self.hub.ranges.append(self.headers["Range"])
        self.fault = self.hub.faults.take(self.command, path)
        if self.fault in STATUS:
            status, code, headers = STATUS[self.fault]
            self.answer(b"", status, {**headers, **error_code(code)})
            return
        if self.fault in ("drop", "stall"):
            self.hub.stopping.wait(60 if self.fault == "stall" else 0)
            self.close_connection = True
            return
        if self.fault == "slow":
            self.hub.stopping.wait(0.3)
        for method, pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command:
                values = {key: unquote(x) for key, x in match.groupdict().items()}
                try:
                    getattr(self, name)(**values)
                except Refused as error:
                    self.answer(b"", error.status, error_code(error.code))
                return
        self.answer(b"", 404, error_code("EntryNotFound"))

    do_HEAD = do_POST = do_PUT = do_GET

    # === Answers ===
    def json(self, content, status=200):
        body = json.dumps(content).encode()
        self.answer(body, status, {"Content-Type": "application/json"})

    def answer(self, body: bytes, status=200, headers=(), length=None):
        if self.fault in ATTACKS and self.attack(body, status, dict(headers)):
            return
        self.send_response(status)
        for key, value in dict(headers).items():
            self.send_header(key, value)
        length = len(body) if length is None else length
        if self.fault == "wrong_bytes" and body:
            body = bytes([body[0] ^ 1]) + body[1:-1] + bytes([body[-1] ^ 1])
        if self.fault == "wrong_length" and body:
            body, length = body[:-1], length - 1
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fault in ("cut", "hang") and body:
            body = body[: len(body) // 2]
            self.close_connection = True
        if self.fault == "hang":  # The last bytes come apart: less than any buffer.
            self.wfile.write(body[:-100])
            self.hub.stopping.wait(0.1)
            body = body[-100:]
        self.wfile.write(body)
        if self.fault == "hang":
            self.hub.stopping.wait(60)

    # === Attacks ===
    def attack(self, body: bytes, status: int, headers: dict) -> bool:
        """Answers as an attacker would; returns whether that was possible here."""
        is_json = headers.get("Content-Type") == "application/json"
        kind, self.fault = self.fault, None
        if kind == "path_as_sha" and is_json:
            body = re.sub(rb'"sha": "[^"]*"', self.evil_entry("sha"), body)
        elif kind == "path_as_oid" and is_json:
            body = re.sub(rb'"oid": "[^"]*"', self.evil_entry("oid"), body)
        elif kind == "path_in_headers":
            evil = {name: self.hub.evil for name in ("X-Repo-Commit", "X-Linked-ETag")}
            headers = {**headers, **evil, "ETag": f'"{self.hub.evil}"'}
        elif kind in ("endless_pages", "page_elsewhere") and is_json:
            here = kind == "endless_pages"
            start = self.hub.endpoint if here else "http://127.0.0.1:9"
            headers["Link"] = f'<{start}{self.path}>; rel="next"'
            body = b"[]"
        elif kind == "deep_json" and is_json:
            body = b"[" * 200_000 + b"]" * 200_000
        elif kind == "gzip_bomb":
            body = gzip_bomb()
            headers["Content-Encoding"] = "gzip"
        elif kind in ("flood", "flood_redirect"):
            self.flood(body, status, headers, redirect=kind == "flood_redirect")
            return True
        elif kind in ("drip", "drip_headers"):
            self.drip(in_headers=kind == "drip_headers")
            return True
        self.answer(body, status, headers)
        return True

    def evil_entry(self, key: str) -> bytes:
        return f'"{key}": "{self.hub.evil}"'.encode()

    def flood(self, body: bytes, status: int, headers: dict, redirect: bool):
        self.send_response(302 if redirect else status)
        if redirect:
            self.send_header("Location", self.path)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for block in (body, *[bytes(2**20)] * 1000):
            if self.command != "HEAD" and block:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
                self.hub.sent += len(block)

    def drip(self, in_headers: bool):
        self.send_response(200)
        if not in_headers:
            self.send_header("Content-Length", "1000000")
            self.end_headers()
        self.flush_headers()
        while not self.hub.stopping.wait(0.05):
            self.wfile.write(b"x")

    # === Access ===
    @property
    def may_write(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return token in self.hub.tokens

    def repository(self, name: str, write: bool = False) -> Repository:
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not self.may_write):
            # The Hub does not tell what is private from what is missing.
            raise Refused(401, "RepoNotFound")
        if repository.gated and not self.may_write and "resolve" in self.path:
            raise Refused(403, "GatedRepo")
        if write and not self.may_write:
            raise Refused(403)
        return repository

    def commit_of(self, repository: Repository, revision: str) -> str:
        commit = repository.find(revision)
        if commit is None:
            raise Refused(404, "RevisionNotFound")
        return commit

    # === Reading ===
    def info(self, id, rev="main"):
        repository = self.repository(id)
        commit = self.commit_of(repository, rev)
        files = [{"rfilename": path} for path in repository.commits[commit]]
        self.json(
            {"id": id, "modelId": id, "sha": commit, "siblings": files, "tags": []}
            | {"private": repository.private, "gated": False, "downloads": 0}
        )

    def tree(self, id, rev):
        repository = self.repository(id)
        files = repository.commits[self.commit_of(repository, rev)]
        entries = []
        for path, content in files.items():
            entry = {"type": "file", "path": path, "size": len(content)}
            entry["oid"] = git_blob_id(content)
            if is_lfs(path):
                sha256 = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 130}
            entries.append(entry)
        self.json([] if self.fault == "empty_tree" else entries)

    def resolve(self, id, rev, path):
        repository = self.repository(id)
        commit = self.commit_of(repository, rev)
        content = repository.commits[commit].get(path)
        if content is None:
            raise Refused(404, "EntryNotFound")
        headers = {
            "X-Repo-Commit": commit,
            "ETag": f'"{etag(path, content)}"',
            "Accept-Ranges": "bytes",
        }
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted is None:
            self.answer(content, 200, headers)
            return
        start, end = int(wanted[1]), len(content) - 1
        if start > end:
            raise Refused(416)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        self.answer(content[start:], 206, headers)

    # === Writing ===
    def create(self):
        if not self.may_write:
            raise Refused(401)
        request = json.loads(self.body)
        name = f"{request['organization']}/{request['name']}"
        status = 409 if name in self.hub.repositories else 200
        if status == 200:
            private = request.get("visibility") == "private" or request.get("private")
            self.hub.repositories[name] = Repository(private=bool(private))
        self.json({"url": f"{self.hub.endpoint}/{name}", "id": name}, status)

    def validate_yaml(self):
        text = json.loads(self.body)["content"]
        front = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
        try:
            yaml.safe_load(front[1] if front else "")
        except yaml.YAMLError as error:
            message = str(error).partition("\n")[0]
            self.json({"errors": [{"message": message}], "warnings": []}, 400)
            return
        self.json({"errors": [], "warnings": []})

    def preupload(self, id, rev):
        repository = self.repository(id, write=True)
        self.commit_of(repository, rev)
        self.json(
            {
                "files": [
                    {
                        "path": file["path"],
                        "uploadMode": "lfs" if is_lfs(file["path"]) else "regular",
                        "shouldIgnore": False,
                    }
                    for file in json.loads(self.body)["files"]
                ]
            }
        )

    def lfs_batch(self, id):
        self.repository(id, write=True)
        objects = []
        for entry in json.loads(self.body)["objects"]:
            oid = entry["oid"]
            if oid not in self.hub.objects:
                upload = {"href": f"{self.hub.endpoint}/lfs/{oid}"}
                verify = {"href": f"{self.hub.endpoint}/lfs/verify"}
                entry["actions"] = {"upload": upload, "verify": verify}
            objects.append(entry)
        self.json({"transfer": "basic", "objects": objects})

    def lfs_put(self, oid):
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise Refused(400)
        self.hub.objects[oid] = self.body
        self.answer(b"")

    def lfs_verify(self):
        request = json.loads(self.body)
        content = self.hub.objects.get(request["oid"])
        if content is None or len(content) != request["size"]:
            raise Refused(404)
        self.json({})

    def commit(self, id, rev):
        repository = self.repository(id, write=True)
        lines = [json.loads(line) for line in self.body.splitlines()]
        header, files, deleted = {}, {}, []
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                header = value
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    raise Refused(400)
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                deleted.append(value["path"])
        parent = header.get("parentCommit")
        if parent and parent != repository.find(rev):
            raise Refused(412)
        answer, ref = {}, rev
        if self.query.get("create_pr"):
            ref = (
                f"refs/pr/{1 + sum(r.startswith('refs/pr/') for r in repository.refs)}"
            )
            repository.refs[ref] = self.commit_of(repository, rev)
            answer["pullRequestUrl"] = (
                f"{self.hub.endpoint}/{id}/discussions/{ref.rpartition('/')[2]}"
            )
        commit = repository.commit(ref, files, deleted, header["summary"])
        url = f"{self.hub.endpoint}/{id}/commit/{commit}"
        self.json({"success": True, "commitOid": commit, "commitUrl": url, **answer})

    def branch(self, id, branch):
        repository = self.repository(id, write=True)
        if branch in repository.refs:
            raise Refused(409)
        start = json.loads(self.body or b"{}").get("startingPoint", "main")
        repository.refs[branch] = self.commit_of(repository, start)
        self.json({})

    def tag(self, id, rev):
        repository = self.repository(id, write=True)
        name = json.loads(self.body)["tag"]
        if name in repository.refs:
            raise Refused(409)
        repository.refs[name] = self.commit_of(repository, rev)
        self.json({})


@cache
def gzip_bomb() -> bytes:
    """100 million blanks."""
    file = io.BytesIO()
    with gzip.open(file, "wb") as packed:
        for _ in range(100):
            packed.write(b" " * 10**6)
    return file.getvalue()


def error_code(code: str | None) -> dict:
    return {} if code is None else {"X-Error-Code": code}
