"""Azure's management plane, Azure ML's registries and the token endpoint, as far as the SDK asks them."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from .endpoints import GROUP_PATH, INFERENCE_HOST
from .resources import REGISTRY, REGISTRY_FRONT, REGISTRY_PATH, WORKSPACE_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from .resources import AzureMl, Document, Version

_PAGE = 20
_CODES = {401: "InvalidAuthenticationToken", 403: "AuthorizationFailed", 404: "UserError", 409: "Conflict"}
_CODES |= {429: "TooManyRequests", 500: "InternalServerError"}


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong with requests.

    Attributes:
        path: Requests whose method and path match, `GET /subscriptions/…`.
        status: The answer's status; 0: the connection breaks without an answer.
        headers: Further headers of the answer.
        times: How many requests it hits; -1 for all.
        code: Azure's name for the error; the usual one where empty.
        body: The answer's body, HTML; an error document where it is `None`.
        delay_seconds: How long the answer takes to begin; with status 200 the request is answered as usual then.
    """

    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = -1
    code: str = ""
    body: bytes | None = None
    delay_seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class Script:
    """What the emulator does beside its duty, and what it saw.

    Attributes:
        faults: What goes wrong, the first that matches.
        seen: Method and path of each request, in order.
        tenants_refused: Whether the token endpoint refuses everybody.
    """

    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    tenants_refused: bool = False

    def clear(self) -> None:
        self.faults, self.seen, self.tenants_refused = [], [], False

    def fault(self, asked: str) -> Fault | None:
        for fault in self.faults:
            if fault.times != 0 and re.search(fault.path, asked):
                fault.times -= 1
                return fault
        return None


def token(audience: str) -> str:
    """A token as Azure's look: three parts, unexpired, for `audience`; nobody signed it."""
    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": "https://sts.windows.net/tests/",
        "iat": now,
        "nbf": now - 60,
        "exp": now + 3600,
    }
    claims |= {"oid": "11111111-0000-0000-0000-000000000000", "tid": "tests", "ver": "1.0"}
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    return ".".join([*(_base64(json.dumps(part).encode()) for part in parts), _base64(b"nobody")])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_handler(azure: AzureMl, script: Script) -> type[BaseHTTPRequestHandler]:
    """The class that answers for `azure`."""
    return type("Handler", (_Handler,), {"azure": azure, "script": script, **_METHODS})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    azure: AzureMl
    script: Script

    def log_message(self, *_said: Any) -> None:
        """Nothing is printed."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        asked = f"{self.command} {url.path}"
        self.script.seen.append(f"{asked}?{url.query}" if url.query else asked)
        fault = self.script.fault(asked)
        if fault is not None:
            time.sleep(fault.delay_seconds)
            if fault.status != 200 or fault.body is not None:
                self._fail(fault)
                return
        if self.headers["Host"].startswith("login."):
            self._send(*self._log_in(url.path, body))
        elif INFERENCE_HOST.fullmatch(self.headers["Host"].partition(":")[0]):
            self._send(*self.azure.endpoints.score(self.headers, json.loads(body)))
        elif not (self.headers.get("Authorization") or "").startswith("Bearer "):
            self._send(401, _error(401, "InvalidAuthenticationToken", "The access token is missing."))
        else:
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            self._send(*self._route(self.command, url.path, query, json.loads(body) if body else {}))

    def _fail(self, fault: Fault) -> None:
        if fault.status == 0:
            self.close_connection = True
            self.connection.close()
            return
        if fault.body is not None:
            self._send_bytes(fault.status, fault.body, {"Content-Type": "text/html"})
            return
        code = fault.code or _CODES.get(fault.status, "Error")
        self._send(
            fault.status,
            _error(fault.status, code, f"The emulator was told to say {fault.status}."),
            fault.headers,
        )

    def _send(self, status: int, document: Document, headers: dict[str, str] | None = None) -> None:
        self._send_bytes(
            status, json.dumps(document).encode(), {"Content-Type": "application/json", **(headers or {})}
        )

    def _send_bytes(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": len(data), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def _log_in(self, path: str, body: bytes) -> tuple[int, Document]:
        root = "https://login.microsoftonline.com"
        tenant = path.split("/")[1]
        if path.endswith("/openid-configuration"):
            return 200, {
                "issuer": f"{root}/{tenant}/v2.0",
                "authorization_endpoint": f"{root}/{tenant}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/{tenant}/oauth2/v2.0/token",
            }
        if path.endswith("/discovery/instance"):
            names = ["login.microsoftonline.com"]
            known = {"preferred_network": names[0], "preferred_cache": names[0], "aliases": names}
            return 200, {
                "tenant_discovery_endpoint": f"{root}/{tenant}/v2.0/.well-known/openid-configuration",
                "metadata": [known],
            }
        if self.script.tenants_refused:
            said = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 0"
            return 401, {"error": "invalid_client", "error_description": said, "error_codes": [7000215]}
        scope = parse_qs(body.decode()).get("scope", [""])[0].split(" ")[0].removesuffix("/.default")
        return 200, {
            "token_type": "Bearer",
            "expires_in": 3600,
            "ext_expires_in": 3600,
            "access_token": token(scope),
        }

    def _route(self, method: str, path: str, query: dict[str, str], body: Document) -> tuple[Any, ...]:
        if path.endswith("/discovery"):
            if not path.endswith(f"/registries/{REGISTRY}/discovery"):
                return 404, _error(404, "RegistryNotFound", "The registry does not exist.")
            home = {"primaryRegionResourceProviderUri": "https://eastus.api.azureml.ms/", "registryName": REGISTRY}
            names = dict(zip(("subscriptionId", "resourceGroup"), REGISTRY_PATH.split("/")[2:5:2], strict=True))
            return 200, {**home, **names, "registryFqdns": {"eastus": {}}}
        for root, routes in (
            (WORKSPACE_PATH, self._workspace_routes()),
            (REGISTRY_FRONT + REGISTRY_PATH, self._registry_routes()),
            (GROUP_PATH, self.azure.endpoints.group_routes()),
        ):
            if path.lower().startswith(root.lower() + "/") or path.lower() == root.lower():
                for pattern, answer in routes.items():
                    if found := re.fullmatch(pattern, f"{method} {path[len(root) :]}", re.IGNORECASE):
                        document = answer(query, body, *found.groups())
                        if isinstance(document, tuple):
                            return document
                        if isinstance(document, str):
                            return 400, _error(400, "UserError", document)
                        return (
                            (200, document)
                            if document is not None
                            else (404, _error(404, "UserError", "Not found."))
                        )
        return 404, _error(404, "ResourceNotFound", "The Resource was not found.")

    def _workspace_routes(self) -> dict[str, Callable[..., Document | str | None]]:
        azure = self.azure
        return {
            "GET ": lambda _q, _b: {
                "id": WORKSPACE_PATH,
                "name": WORKSPACE_PATH.rpartition("/")[2],
                "location": "eastus",
                "properties": {},
            },
            "GET /datastores": lambda _q, _b: {"value": [azure.datastore()]},
            "GET /datastores/workspaceblobstore": lambda _q, _b: azure.datastore(),
            "POST /datastores/workspaceblobstore/listSecrets": lambda _q, _b: azure.secrets(),
            "GET /models/([^/]+)": lambda _q, _b, name: azure.model(name),
            "GET /models/([^/]+)/versions": lambda q, _b, name: _listing(azure.models, WORKSPACE_PATH, name, q),
            "GET /models/([^/]+)/versions/([^/]+)": lambda _q, _b, *name: _one(
                azure.models, WORKSPACE_PATH, *name
            ),
            "PUT /models/([^/]+)/versions/([^/]+)": lambda _q, b, name, version: azure.put(name, version, b),
            "GET /jobs/([^/]+)": lambda _q, _b, name: azure.jobs.get(name),
            **azure.endpoints.routes(),
        }

    def _registry_routes(self) -> dict[str, Callable[..., Document | str | None]]:
        azure, owner = self.azure, f"azureml://registries/{REGISTRY}"
        return {
            "GET /models/([^/]+)/versions": lambda q, _b, name: _listing(azure.shared, owner, name, q),
            "GET /models/([^/]+)/versions/([^/]+)": lambda _q, _b, *name: _one(azure.shared, owner, *name),
            "POST /datarefs/([^/]+)/versions/([^/]+)": lambda _q, _b, *name: azure.reference(*name),
        }


_METHODS = {f"do_{method}": _Handler.answer for method in ("GET", "PUT", "POST", "HEAD", "DELETE")}


def _error(status: int, code: str, message: str) -> Document:
    return {"error": {"code": code, "message": message, "details": [], "innererror": {"status": status}}}


def _one(versions: list[Version], owner: str, name: str, version: str) -> Document | None:
    found = next((one for one in versions if (one.name, one.version) == (name, version)), None)
    return found.document(owner) if found else None


def _listing(versions: list[Version], owner: str, name: str, query: dict[str, str]) -> Document | None:
    """A page of the versions of `name`: newest first, active ones unless something else is asked for."""
    named = [one for one in versions if one.name == name]
    if not named:
        return None
    view = query.get("listViewType", "ActiveOnly")
    shown = [one for one in named if view == "All" or one.archived == (view == "ArchivedOnly")]
    shown.sort(key=lambda one: -one.created)
    start = int(query.get("$skip", "0"))
    end = start + int(query.get("$top", _PAGE))
    document: Document = {"value": [one.document(owner) for one in shown[start:end]]}
    if end < len(shown) and "$top" not in query:
        document["nextLink"] = (
            f"https://management.azure.com{owner}/models/{name}/versions?$skip={end}&listViewType={view}"
        )
    return document
