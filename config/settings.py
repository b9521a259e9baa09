"""All settings of the server, from a TOML file and the environment, checked before anything starts."""

from __future__ import annotations

import difflib
import logging
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from config.attendant import AttendantSettings
from config.capacity import CapacitySettings
from config.dialing import DialingSettings
from config.dot1x import Dot1xSettings
from config.gate import GateSettings
from config.h323 import H323Settings
from config.media import AudioSettings, NetSettings, VideoSettings
from config.portal import PortalSettings
from config.recording import RecordingSettings
from config.registrar import RegistrarSettings
from config.secrets import SecretsSettings
from config.server import ServerSettings
from config.sip import SipSettings
from config.store import StoreSettings
from config.webrtc import WebrtcSettings

logger = logging.getLogger(__name__)

CONFIG_VARIABLE = "DRUMTOWER_CONFIG"
_PREFIX = "DRUMTOWER_"
_MAX_FILE_BYTES = 1 << 20
_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`")


class SettingsError(ValueError):
    """A setting is wrong; the text names the file or variable, the section, the key and what is allowed."""


class Settings(msgspec.Struct, frozen=True):
    """One frozen model a component; each is the table of the same name in the file."""

    server: ServerSettings = ServerSettings()
    secrets: SecretsSettings = SecretsSettings()
    store: StoreSettings = StoreSettings()
    gate: GateSettings = GateSettings()
    capacity: CapacitySettings = CapacitySettings()
    attendant: AttendantSettings = AttendantSettings()
    dialing: DialingSettings = DialingSettings()
    portal: PortalSettings = PortalSettings()
    recording: RecordingSettings = RecordingSettings()
    sip: SipSettings = SipSettings()
    registrar: RegistrarSettings = RegistrarSettings()
    h323: H323Settings = H323Settings()
    webrtc: WebrtcSettings = WebrtcSettings()
    dot1x: Dot1xSettings = Dot1xSettings()
    net: NetSettings = NetSettings()
    video: VideoSettings = VideoSettings()
    audio: AudioSettings = AudioSettings()

    @property
    def data(self) -> Path:
        """The data directory."""
        return Path(self.server.data)

    @property
    def recordings(self) -> Path:
        """The directory of recordings."""
        return Path(self.recording.directory) if self.recording.directory else self.data / "recordings"

    @property
    def has_sip_tls(self) -> bool:
        """Whether terminals can call over TLS."""
        sip = self.sip
        return sip.tls == "on" or (sip.tls == "auto" and (self.server.is_https or bool(sip.tls_certificate)))

    @property
    def database_url(self) -> str:
        """The database's URL; SQLite in the data directory unless another one is set."""
        return self.store.url or f"sqlite:///{self.data / 'drumtower.db'}"


_SECTIONS: dict[str, Any] = get_type_hints(Settings)
_ADDRESSES = {"sip": "listen", "h323": "listen", "net": "addresses"}


def load(path: Path | str | None, environ: Mapping[str, str]) -> Settings:
    """Settings of the file (`path`, else $DRUMTOWER_CONFIG, else none), overridden by the environment.

    DRUMTOWER_<SECTION>_<KEY> sets one key, for example DRUMTOWER_SERVER_HTTP_PORT=8443; lists are separated by commas
    or written as JSON. Raises SettingsError.
    """
    path = path or environ.get(CONFIG_VARIABLE) or None
    tables = _read(Path(path)) if path else {}
    source = str(path) if path else "defaults"
    overrides = _from_environment(environ)
    sections: dict[str, Any] = {}
    for name in _SECTIONS:
        table = {**tables.get(name, {}), **overrides.get(name, {})}
        _complete(name, table, sections, environ)
        sections[name] = _section(name, table, source, overrides.get(name, {}))
    return Settings(**sections)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise SettingsError(f"{path}: larger than {_MAX_FILE_BYTES} bytes, this is no settings file")
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None
    for name, table in document.items():
        if name not in _SECTIONS:
            raise SettingsError(f"{path}: [{name}]: no such section{_near(name, _SECTIONS)}")
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {name}: must be a table, [{name}]")
    if "passphrase" in document.get("secrets", {}):
        raise SettingsError(f"{path}: [secrets] passphrase: only allowed in the environment; use passphrase_file here")
    return document


def _from_environment(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    overrides: dict[str, dict[str, Any]] = {}
    for variable, text in environ.items():
        if not variable.startswith(_PREFIX) or variable == CONFIG_VARIABLE:
            continue
        section, _, key = variable.removeprefix(_PREFIX).lower().partition("_")
        if section not in _SECTIONS:
            logger.debug("environment variable %s names no section", variable)
            continue
        fields = {field.name: field for field in msgspec.structs.fields(_SECTIONS[section])}
        if key not in fields:
            raise SettingsError(f"environment variable {variable}: [{section}] has no key {key}{_near(key, fields)}")
        try:
            value = msgspec.convert(_unfolded(text, fields[key].type), fields[key].type, strict=False)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise SettingsError(f"environment variable {variable}: {_plain(error, fields[key].type)}") from None
        overrides.setdefault(section, {})[key] = msgspec.to_builtins(value)
    return overrides


def _unfolded(text: str, kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is not tuple:
        return text
    if text.lstrip().startswith("["):
        return msgspec.json.decode(text)
    return [part.strip() for part in text.split(",") if part.strip()]


def _complete(name: str, table: dict[str, Any], sections: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Defaults that depend on the machine or on another section."""
    if name == "secrets":
        home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".config")
        table.setdefault("master_key_file", str(Path(home) / "drumtower" / "master.key"))
        credential = Path(environ.get("CREDENTIALS_DIRECTORY") or "/nonexistent") / "drumtower-master-key"
        if credential.is_file():
            table.setdefault("credential_file", str(credential))
    if name == "dot1x":
        parts = (table.get("dynamic"), table.get("listener"), table.get("eap_server"))
        clients = (part.get("clients") for part in parts if isinstance(part, dict))
        _complete_radius(
            (table.get("servers"), table.get("switches"), *clients),
            Path(environ.get("CREDENTIALS_DIRECTORY") or "/nonexistent"),
        )
    if name in _ADDRESSES:
        # SIP and media use the addresses of the server unless their sections say otherwise.
        server: ServerSettings = sections["server"]
        addresses = [{"address": local, "external": _external(server, local)} for local in server.listen]
        table.setdefault(_ADDRESSES[name], addresses)


def _complete_radius(tables: tuple[Any, ...], credentials: Path) -> None:
    """The secrets of RADIUS that systemd holds for us, where no file is named."""
    for entries in tables:
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and not entry.get("secret_file"):
                credential = credentials / f"drumtower-radius-{entry.get('name')}"
                if credential.is_file():
                    entry["secret_file"] = str(credential)


def _external(server: ServerSettings, local: str) -> list[dict[str, Any]]:
    entries = [entry for entry in server.external if entry.local == local]
    return [{"address": entry.external, "networks": list(entry.networks)} for entry in entries]


def _section(name: str, table: dict[str, Any], source: str, overrides: Mapping[str, Any]) -> Any:
    kind = _SECTIONS[name]
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        text = str(error)
        fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
        unknown = _UNKNOWN.match(text)
        if unknown and _path(text) == "":
            key = unknown["field"]
            raise SettingsError(f"{source}: [{name}] {key}: no such key{_near(key, fields)}") from None
        key = re.split(r"[.\[:]", _path(text) or text, maxsplit=1)[0]
        where = f"environment variable {_PREFIX}{name.upper()}_{key.upper()}" if key in overrides else source
        words = _plain(error, fields.get(key))
        path = _path(text)
        raise SettingsError(f"{where}: [{name}] {path + ': ' if path else ''}{words}") from None


def _path(text: str) -> str:
    found = _AT.search(text)
    return found["path"].removeprefix("[...]").lstrip(".") if found else ""


def _plain(error: Exception, kind: Any) -> str:
    words = _AT.sub("", str(error)).replace("`", "")
    if get_origin(kind) is Literal and "enum" in words:
        words += "; allowed: " + ", ".join(map(repr, get_args(kind)))
    return words


def _near(word: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else f"; there are {', '.join(sorted(known))}"
