"""What a file is, told from its first bytes and never from its name."""

from __future__ import annotations

HEAD = 512
PICTURES = "PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF and HEIC"
CLIPS = "MP4, MOV, WebM, Matroska and GIF"

_PAGE = (
    "give the address of the file itself, which a browser shows without a page around it. "
    "Of a Google Drive link that is https://drive.google.com/uc?export=download&id=ID for a file shared with everyone, "
    "of a Dropbox link the one with raw=1 in place of dl=0."
)

_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<!--", b"<script", b"<meta", b"<title")

_PICTURE_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_STILL_BRANDS = _AVIF_BRANDS | _HEIF_BRANDS | {b"crx "}


def picture_format(head: bytes) -> str | None:
    """Name the picture format, as Pillow calls it; None if it is not an allowed one."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    brands = _brands(head)
    if _AVIF_BRANDS & brands:
        return "AVIF"
    if head[8:12] in _HEIF_BRANDS and brands:
        return "HEIF"
    return next((name for magic, name in _PICTURE_MAGIC if head.startswith(magic)), None)


def clip_demuxer(head: bytes) -> str | None:
    """Name the only demuxer that may open the clip, as FFmpeg calls it; None if it is not an allowed kind."""
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    return "mov" if head[4:8] == b"ftyp" and head[8:12] not in _STILL_BRANDS else None


def foreign(head: bytes, wanted: str, allowed: str) -> str:
    """Return a sentence that names the type of an unwanted file and the accepted types."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in start and start.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")):
        return f"The file is an SVG drawing, not a {wanted} we can read: allowed are {allowed}. Export it as PNG."
    if start.startswith(_PAGES) or (start.startswith(b"<?xml") and b"<html" in start):
        return f"The file is a web page, not a {wanted}: {_PAGE}"
    in_xml = start.startswith((b"<error", b"<?xml")) and b"<error" in start
    if in_xml or start.startswith((b"{", b"[")):
        return (
            f"The file is not a {wanted} we can read but a message of a server ({'XML' if in_xml else 'JSON'}). Open "
            "the address that served it to read it: a storage such as S3 often says so that the link has expired or "
            f"that access is denied; make a new link then. Allowed are {allowed}."
        )
    return f"The file is not a {wanted} we can read: allowed are {allowed}."


def _brands(head: bytes) -> set[bytes]:
    """Return the brands of an ISO base media file, the main one and the compatible ones within the head."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12]} | {head[start : start + 4] for start in range(16, end - 3, 4)}
