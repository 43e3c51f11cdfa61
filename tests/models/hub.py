"""A Hugging Face hub on this machine: the few routes that `huggingface_hub` asks for, over local folders."""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
#: The token that opens gated models, one that is valid but opens none, and one that the hub refuses.
OPENS, CLOSED, REFUSED = "hf_opens", "hf_closed", "hf_refused"


@dataclass
class Hub:
    """Folders by model id; ids of gated models; the paths that were asked for; and uploads of the token `OPENS`."""

    models: dict[str, Path]
    gated: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    #: Where new repositories are made; None: nobody may write.
    writable: Path | None = None
    url: str = ""

    def fetched(self, ending: str = "") -> list[str]:
        """Names of the files that were sent."""
        return sorted(path.split("/")[-1] for path in self.asked if path.startswith("GET ") and path.endswith(ending))


@contextmanager
def served(hub: Hub) -> Iterator[Hub]:
    """The hub, listening on a free port of this machine."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_POST(self) -> None:
        """What `huggingface_hub` asks for to upload a folder: every file is small enough for the commit itself."""
        path = unquote(urlsplit(self.path).path).lstrip("/")
        self.hub.asked.append(f"POST {path}")
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "api/validate-yaml":
            return self._send(200, b'{"errors": [], "warnings": []}', True)
        if self._token() == REFUSED:
            return self._send(401, b"{}", True)
        if self._token() != OPENS or self.hub.writable is None:
            return self._send(403, b"{}", True)
        if path == "api/repos/create":
            asked = json.loads(content)
            id = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            self.hub.models.setdefault(id, self.hub.writable / id).mkdir(parents=True, exist_ok=True)
            return self._send(200, json.dumps({"url": f"{self.hub.url}/{id}", "id": id}).encode(), True)
        id, action = "/".join(path.split("/")[2:4]), path.split("/")[4]
        if action == "preupload":
            names = [file["path"] for file in json.loads(content)["files"]]
            modes = [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]
            return self._send(200, json.dumps({"files": modes}).encode(), True)
        for line in map(json.loads, content.splitlines()):
            if line["key"] == "file":
                file = self.hub.models[id] / line["value"]["path"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(b64decode(line["value"]["content"]))
        address = f"{self.hub.url}/{id}/commit/{COMMIT}"
        return self._send(200, json.dumps({"commitUrl": address, "commitOid": COMMIT, "success": True}).encode(), True)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path).lstrip("/")
        self.hub.asked.append(f"{self.command} {path}")
        if self._token() == REFUSED:
            message = {"X-Error-Message": "Invalid credentials in Authorization header"}
            return self._send(401, b"{}", body, message)
        api = path.startswith("api/models/")
        parts = path.removeprefix("api/models/").split("/")
        id, rest = "/".join(parts[:2]), parts[2:]
        if id not in self.hub.models:
            return self._send(401 if self._token() is None else 404, b"{}", body, {"X-Error-Code": "RepoNotFound"})
        revision = rest[1] if len(rest) > 1 else "main"
        if revision not in ("main", COMMIT):
            return self._send(404, b"{}", body, {"X-Error-Code": "RevisionNotFound"})
        return self._api(id, rest, body) if api else self._file(id, rest[2:], body)

    def _token(self) -> str | None:
        header = self.headers.get("Authorization")
        return header.removeprefix("Bearer ") if header else None

    def _api(self, id: str, rest: list[str], body: bool) -> None:
        """What a gated model consists of is public."""
        files = sorted(path for path in self.hub.models[id].iterdir() if path.is_file())
        if rest and rest[0] == "tree":
            entries = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": _etag(f)} for f in files]
            return self._send(200, json.dumps(entries).encode(), body)
        info = {"id": id, "sha": COMMIT, "siblings": [{"rfilename": file.name} for file in files]}
        return self._send(200, json.dumps(info).encode(), body)

    def _file(self, id: str, name: list[str], body: bool) -> None:
        if id in self.hub.gated and self._token() != OPENS:
            return self._send(401 if self._token() is None else 403, b"{}", body, {"X-Error-Code": "GatedRepo"})
        file = self.hub.models[id].joinpath(*name)
        if not file.is_file():
            return self._send(404, b"{}", body, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        return self._send(200, file.read_bytes(), body, {"ETag": f'"{_etag(file)}"', "X-Repo-Commit": COMMIT})

    def _send(self, status: int, content: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


def _etag(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()[:40]
