"""Reading bodies that are forms with files: every part counts, and a form that was cut off is refused."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from filmgate.adapters.dialects.serving.codec import parse_object
from filmgate.adapters.dialects.serving.inputs import ExtractedInputs, InputFields, take
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.media_fields import is_media_name

_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
MAX_PARTS: Final = 50
"""Parts of a form, at most."""

MAX_TEXT: Final = 64 * 1024
"""Bytes of a text in a form, at most."""

_ANY: Final = "application/octet-stream"
_FILES: Final = ("image/", "video/", _ANY)
_TEXTS: Final = ("text/", "application/json")
_NAME: Final = re.compile(r"(?P<base>[^\[\]]+)(?P<keys>(?:\[[^\[\]]*\]){0,8})")
_KEY: Final = re.compile(r"\[([^\[\]]*)\]")
_BEGINNINGS: Final = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"\x1a\x45\xdf\xa3"),
    *(b"\xff\x0a", b"\0\0\0\x0cJXL "),
)


class FormFile(NamedTuple):
    """A file in a form: its media type as it was sent, and its bytes."""

    type: str
    data: bytes

    @property
    def data_uri(self) -> str:
        """The file as a data URI."""
        return f"data:{self.type};base64,{base64.b64encode(self.data).decode()}"


def is_form(request: Request) -> bool:
    """Return whether the body says that it is a form with parts."""
    return request.headers.get("content-type", "").strip().lower().startswith("multipart/form-data")


def read_inputs(
    request: Request, body: bytes, inputs: InputFields | Callable[[dict[str, Any]], InputFields]
) -> ExtractedInputs:
    """Read a body that is a JSON object or a form, with its pictures and clips in their places.

    What it has places for may depend on the rest of it. Raises InvalidRequest.
    """
    form = is_form(request)
    sent = form_object(parse_form(request, body)) if form else parse_object(body)
    return take(sent, inputs if isinstance(inputs, InputFields) else inputs(sent), form=form)


def parse_form(request: Request, body: bytes) -> list[tuple[str, str | FormFile]]:
    """Read a form with parts that was read to its end already: each part with its name, in their order.

    Raises InvalidRequest for a body that is no form, or lacks its closing boundary.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidRequest("the body is not a valid form: its Content-Type names no boundary")
    reader = _Reader()
    try:
        parser = MultipartParser(boundary, reader.callbacks())  # type: ignore[arg-type]
        parser.write(body)
    except FormParserError as error:
        raise InvalidRequest(f"the body is not a valid form: {error}") from error
    if not reader.closed:
        raise InvalidRequest("the form was cut off: it ends before its closing boundary; send it again, whole")
    return reader.parts


def form_object(parts: list[tuple[str, str | FormFile]]) -> dict[str, Any]:
    """Return the fields of a form as JSON would have them: files as data URIs, `a[b]` as an object, `a[]` as a list.

    Raises InvalidRequest if a field that has one value has two that differ.
    """
    found: dict[str, list[tuple[tuple[str, ...], Any]]] = {}
    for name, value in parts:
        read = _NAME.fullmatch(name)
        base, keys = (name, ()) if read is None else (read["base"], tuple(_KEY.findall(read["keys"])))
        if value != "":
            found.setdefault(base, []).append((keys, _value(base, value)))
    return {base: _join_values(base, values) for base, values in found.items()}


def _value(base: str, value: str | FormFile) -> Any:
    """Return one part as JSON would have it; in the place of a picture there may be JSON in a text."""
    if isinstance(value, FormFile):
        return {"url": value.data_uri}
    if value.lstrip()[:1] in ("{", "[") and is_media_name(base):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
    return value


def _join_values(base: str, values: list[tuple[tuple[str, ...], Any]]) -> Any:
    """Return the value of a field out of all that was sent for it."""
    keyed = [(keys, value) for keys, value in values if any(key and not _is_index(key) for key in keys)]
    if keyed:
        if len(keyed) < len(values):
            raise InvalidRequest(f"{base} was sent both as a value and as an object: send one of them", field=base)
        return _objects(base, keyed)
    if any(keys for keys, _ in values):
        return [value for _, value in sorted(values, key=lambda entry: _order(entry[0]))]
    first = values[0][1]
    if len(values) == 1:
        return first
    if is_media_name(base) or any(isinstance(value, dict) for _, value in values):
        return [value for _, value in values]
    if any(value != first for _, value in values):
        raise InvalidRequest(f"{base} was sent {len(values)} times with different values: send one", field=base)
    return first


def _objects(base: str, values: list[tuple[tuple[str, ...], Any]]) -> Any:
    """Return `a[b]` as an object, `a[0][b]` and `a[][b]` as a list of objects."""
    listed: dict[str, dict[str, Any]] = {}
    for keys, value in values:
        number = keys[0] if not keys[0] or _is_index(keys[0]) else None
        path = keys if number is None else keys[1:]
        holder: Any = listed.setdefault("" if number is None else number or "0", {})
        for key in path[:-1]:
            holder = holder.setdefault(key, {}) if isinstance(holder, dict) else None
        if not path or not isinstance(holder, dict) or holder.setdefault(path[-1], value) != value:
            raise InvalidRequest(f"{base} was sent twice with different values: send one", field=base)
    whole = listed.pop("", None)
    if whole is not None and listed:
        raise InvalidRequest(f"{base} was sent both as a list and as an object: send one of them", field=base)
    return whole if whole is not None else [listed[number] for number in sorted(listed, key=int)]


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= 3


def _order(keys: tuple[str, ...]) -> int:
    return int(keys[0]) if keys and _is_index(keys[0]) else MAX_PARTS


class _Reader:
    """Collects the parts of a form as the parser comes upon them."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, str | FormFile]] = []
        self.closed = False
        self._headers: dict[str, str] = {}
        self._field = self._header = b""
        self._pieces: list[bytes] = []

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._close,
        }

    def _begin(self) -> None:
        if len(self.parts) >= MAX_PARTS:
            raise InvalidRequest(f"the form has too many parts: at most {MAX_PARTS} are read")
        self._headers, self._pieces = {}, []

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_end(self) -> None:
        try:
            value = self._header.decode()
        except UnicodeDecodeError:
            value = self._header.decode("latin-1")
        self._headers[self._field.decode("latin-1").lower()] = value
        self._field = self._header = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])

    def _close(self) -> None:
        self.closed = True

    def _end(self) -> None:
        options = _options(self._headers.get("content-disposition", ""))
        name = _name(options)
        data = b"".join(self._pieces)
        self._pieces = []
        encoding = self._headers.get("content-transfer-encoding", "").strip().lower()
        if encoding in ("base64", "quoted-printable"):
            data = _decode(name, data, encoding)
        kind = self._headers.get("content-type", "").partition(";")[0].strip().lower()
        if data or options.get("filename"):
            self.parts.append((name, _read(name, kind, data, named="filename" in options)))
        else:
            self.parts.append((name, ""))  # a browser sends an empty file where none was chosen


def _options(header: str) -> dict[str, str]:
    """Return the parameters of a Content-Disposition; those in the form of RFC 5987 count where no other is."""
    _, plain = parse_options_header(header.encode("utf-8").decode("latin-1"))
    options = {key.decode("latin-1").strip().lower(): value.decode("utf-8") for key, value in plain.items()}
    for key, value in re.findall(
        r";\s*(name|filename)\*\s*=\s*\"?(?:utf-8|iso-8859-1)?'[^']*'([^;\"]+)", header, re.IGNORECASE
    ):
        options.setdefault(key.lower(), unquote(value))
    return options


def _name(options: dict[str, str]) -> str:
    """Return the name of a part: without quotes, and with brackets that were written as %5B. Raises InvalidRequest."""
    name = options.get("name", "").strip().strip("'\"").strip()
    if re.search(r"%5[bdBD]", name):
        name = unquote(name)
    if not name:
        raise InvalidRequest("the body is not a valid form: a part has no name")
    return name


def _decode(name: str, data: bytes, encoding: str) -> bytes:
    try:
        return base64.b64decode(data) if encoding == "base64" else binascii.a2b_qp(data)
    except binascii.Error as error:
        raise InvalidRequest(f"{name}: this part is not valid {encoding}", field=name) from error


def _read(name: str, kind: str, data: bytes, *, named: bool) -> str | FormFile:
    """Return a part as the file or the text that it is.

    A part with a file name is a file unless it says that it is text; one without is a file by its type or its bytes.
    """
    kind = kind if _TYPE.fullmatch(kind) else ""
    text = kind.startswith(_TEXTS)
    if is_media(data) or (named and not text) or (kind.startswith(_FILES) and not (kind == _ANY and _is_text(data))):
        if not data:
            raise InvalidRequest(f"{name}: the file is empty", field=name)
        return FormFile(kind or _ANY, data)
    if len(data) > MAX_TEXT:
        raise InvalidRequest(
            f"{name}: a text in a form can have {MAX_TEXT} bytes, this one has {len(data)}; a file needs a filename "
            "or the Content-Type of a picture or video",
            field=name,
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"{name}: this part is neither text in UTF-8 nor a picture or video", field=name
        ) from error


def _is_text(data: bytes) -> bool:
    try:
        data[:MAX_TEXT].decode()
    except UnicodeDecodeError:
        return False
    return len(data) <= MAX_TEXT


def is_media(data: bytes) -> bool:
    """Return whether bytes begin as a picture or video does, and not as a text that happens to begin so."""
    head = data[:64]
    riff = head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"AVI ")
    begins = head.startswith(_BEGINNINGS) or head[4:8] == b"ftyp" or riff
    return begins and (b"\0" in head or not _is_text(head))
