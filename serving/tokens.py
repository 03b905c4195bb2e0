"""Entra ID access tokens: signature, audience, issuer, time, and the roles that they carry."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import jwt
from onnxport.artifacts import digest_bytes

from .access import Principal
from .fault import FORBIDDEN, UNAUTHORIZED, Fault, unavailable
from .logs import log

if TYPE_CHECKING:
    from .settings import Entra

_WARNING: Final = 30
_LEEWAY: Final = 60
_MOST: Final = 4_096
_REFRESH_SECONDS: Final = 3600.0
_UNKNOWN_SECONDS: Final = 30.0
_TIMEOUT: Final = 5.0


class Tokens:
    """Validates tokens with keys that a thread fetches: no request ever waits for the directory."""

    def __init__(self, entra: Entra) -> None:
        authority = f"https://login.microsoftonline.com/{entra.tenant}"
        self._issuer = entra.issuer or f"{authority}/v2.0"
        self._audience = entra.audience
        self._roles = entra.roles
        url = entra.keys_url or f"{authority}/discovery/v2.0/keys"
        self._client = jwt.PyJWKClient(url, cache_keys=False, cache_jwk_set=False, timeout=_TIMEOUT)
        self._keys: dict[str, Any] = {}
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._wanted = threading.Event()
        self._fetched = 0.0
        threading.Thread(target=self._keep_fresh, name="entra-keys", daemon=True).start()

    def principal(self, token: bytes) -> Principal | Fault:
        """Who the token is about."""
        digest = digest_bytes(token)
        known = self._known.get(digest)
        if known is not None and known[0] > time.time():
            return known[1]
        try:
            text = token.decode("ascii")
            key = self._keys.get(str(jwt.get_unverified_header(text).get("kid")))
        except (UnicodeDecodeError, jwt.PyJWTError):
            return _refused("the token is malformed")
        if key is None:
            return self._no_key()
        try:
            claims = jwt.decode(
                text,
                key,
                algorithms=["RS256"],
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            return _refused(f"the token is not accepted: {error}")
        return self._remember(digest, claims)

    def _remember(self, digest: str, claims: dict[str, Any]) -> Principal | Fault:
        roles = claims.get("roles")
        models = {
            model
            for role in (roles if isinstance(roles, list) else [])
            for model in self._roles.get(str(role), ())
        }
        name = str(claims.get("azp") or claims.get("appid") or claims.get("sub") or "a token")
        if not models:
            return Fault(status=FORBIDDEN, code="forbidden", message=f"{name} has none of the roles that may ask")
        found = Principal(name=name, models=frozenset(models))
        self._known[digest] = (float(claims["exp"]), found)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return found

    def _no_key(self) -> Fault:
        if self._fetched and time.monotonic() - self._fetched < _UNKNOWN_SECONDS:
            return _refused("the token is signed with a key that the directory does not publish")
        self._wanted.set()
        return unavailable("no-keys", "the directory's keys are being fetched; try again")

    def _keep_fresh(self) -> None:
        while True:
            self._wanted.clear()
            try:
                keys = {str(key.key_id): key.key for key in self._client.get_jwk_set(refresh=True).keys}
            except jwt.PyJWTError as error:
                log(_WARNING, "the directory's keys cannot be fetched", reason=str(error))
            else:
                self._keys, self._fetched = keys, time.monotonic()
            self._wanted.wait(_REFRESH_SECONDS if self._keys else _TIMEOUT)
            time.sleep(1)  # however many unknown keys are named


def _refused(reason: str) -> Fault:
    return Fault(status=UNAUTHORIZED, code="unauthorized", message=reason)
