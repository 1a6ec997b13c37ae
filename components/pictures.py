"""The pictures of this session: dropped, decoded once, kept across pages, and nothing of the upload kept."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.runtime.scriptrunner import get_script_run_ctx

from components.uploads import left_out
from leuk_core.errors import RejectedPicture
from leuk_core.images import SmearImage, decode
from leuk_core.settings import settings

PICTURES = "leuk.pictures"
REFUSED = "leuk.refused"
ARRIVALS = "leuk.arrivals"
THUMBNAILS = "leuk.thumbnails"
UPLOADER = "leuk.uploader"

MAX_PICTURES = 300
MAX_TOTAL_MEGAPIXELS = 128.0


@dataclass(frozen=True)
class Arrival:
    """One dropped file: a picture, or the sentence that says why it is none.

    Parameters
    ----------
    number : int
        "Picture 3" of this session; kept until all are cleared.
    name : str
        File name as received, for the screen only.
    file_sha256 : str
        Hash of the bytes received.
    picture : SmearImage or None
        None where the file was refused.
    sentence : str
        Why it was refused; empty for a picture.
    """

    number: int
    name: str
    file_sha256: str
    picture: SmearImage | None
    sentence: str = ""


def arrivals() -> list[Arrival]:
    """Return every file of this session in the order given, refused ones too."""
    return st.session_state.setdefault(ARRIVALS, [])


def pictures() -> list[SmearImage]:
    """Return the decoded pictures of this session in the order given."""
    return st.session_state.setdefault(PICTURES, [])


def picture_names() -> list[str]:
    """Return the names of all files of this session, so that a log can leave them out."""
    return [arrival.name for arrival in arrivals()]


def clear() -> None:
    """Forget every picture of this session and all that was answered about them."""
    for key in (PICTURES, REFUSED, ARRIVALS):
        st.session_state[key] = []
    st.session_state[THUMBNAILS] = {}


def take(
    files: Sequence[tuple[str, bytes]],
    progress: Callable[[int], object] | None = None,
) -> int:
    """Decode `files` and add a row for each to the session.

    The same bytes under the same name are taken once. The session holds at most `MAX_PICTURES` files and
    `MAX_TOTAL_MEGAPIXELS` of decoded pictures; what is beyond that is refused with a sentence.

    Parameters
    ----------
    files : sequence of (str, bytes)
        Name and content, in the order given.
    progress : callable, optional
        Called before each file with the number of files done.

    Returns
    -------
    int
        How many were here already and were left out.
    """
    known = {(arrival.file_sha256, arrival.name) for arrival in arrivals()}
    repeated = 0
    for done, (name, content) in enumerate(files):
        if progress:
            progress(done)
        digest = hashlib.sha256(content).hexdigest()
        if (digest, name) in known:
            repeated += 1
            continue
        known.add((digest, name))
        arrival = _arrival(len(arrivals()) + 1, name, digest, content)
        arrivals().append(arrival)
        _publish()
    return repeated


def _arrival(number: int, name: str, digest: str, content: bytes) -> Arrival:
    held = sum(picture.width * picture.height for picture in pictures()) / 1e6
    if number > MAX_PICTURES:
        sentence = f"Not taken: {MAX_PICTURES} files are open already. Clear them, then drop this one again."
        return Arrival(number, name, digest, None, sentence)
    try:
        picture = decode(content, name)
    except RejectedPicture as error:
        return Arrival(number, name, digest, None, str(error))
    if held + picture.width * picture.height / 1e6 > MAX_TOTAL_MEGAPIXELS:
        sentence = (
            f"Not taken: the open pictures hold {held:.0f} of {MAX_TOTAL_MEGAPIXELS:.0f} megapixels. "
            "Clear them, then drop this one again."
        )
        return Arrival(number, name, digest, None, sentence)
    return Arrival(number, name, digest, picture)


def _publish() -> None:
    """Keep the plain lists that other pages read in step with the arrivals."""
    st.session_state[PICTURES] = [arrival.picture for arrival in arrivals() if arrival.picture is not None]
    st.session_state[REFUSED] = [(item.name, item.sentence) for item in arrivals() if item.picture is None]


def drop_zone(label: str = "Drop cell pictures here") -> None:
    """Draw the drop zone; decode what was dropped into the session, then empty the zone.

    Parameters
    ----------
    label : str
        What stands above the zone.
    """
    limits = settings()
    # a file above the limit never leaves the browser, so nothing here can give it a row: it is said beforehand
    turn = st.session_state.setdefault(UPLOADER, 0)
    files = st.file_uploader(
        f"{label} (larger files than {limits.max_upload_mb} MB are left out, without a row)",
        accept_multiple_files=True,
        key=f"{UPLOADER}.{turn}",
        max_upload_size=limits.max_upload_mb,
        help=(
            "PNG, JPEG, BMP, TIFF, WebP, GIF, JPEG 2000 or DICOM, told by content and not by name. "
            f"Up to {limits.max_upload_mb} MB and {limits.max_megapixels:g} megapixels each, {MAX_PICTURES} files and "
            f"{limits.max_session_mb:,} MB at a time. "
            "Pictures stay in this session's memory on this computer and are gone when it ends."
        ),
    )
    if files:
        repeated = take_with_bar([(file.name, file.getvalue()) for file in files])
        let_go([file.file_id for file in files])
        st.session_state[UPLOADER] = turn + 1
        again = f"{repeated} of these files were here already and were left out." if repeated else ""
        if notice := " ".join(filter(None, (again, left_out()))):
            st.session_state["leuk.notice"] = notice
        st.rerun()


def show_notice() -> None:
    """Show once what `drop_zone` has to say about the files that it took."""
    notice = st.session_state.pop("leuk.notice", None)
    if notice:
        st.toast(notice)


def take_with_bar(files: Sequence[tuple[str, bytes]]) -> int:
    """Take files as `take` does, with a bar that says how far it is; return how many were here already."""
    bar = st.progress(0.0, text=f"Reading {len(files)} files")

    def show(done: int) -> None:
        bar.progress(done / len(files), text=f"Reading file {done + 1} of {len(files)}")

    repeated = take(files, show)
    bar.empty()
    return repeated


def let_go(file_ids: Iterable[str]) -> None:
    """Take the uploaded bytes out of Streamlit's store, which would otherwise keep them until the session ends."""
    context = get_script_run_ctx()
    remove = getattr(context.uploaded_file_mgr, "remove_file", None) if context else None
    if context and remove:
        for file_id in file_ids:
            remove(session_id=context.session_id, file_id=file_id)


def small_copy(picture: SmearImage, side: int) -> np.ndarray:
    """Return a copy of a picture whose longest side is at most `side` pixels.

    Parameters
    ----------
    picture : SmearImage
        The picture.
    side : int
        Longest side, in pixels; a smaller picture stays as it is.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        RGB.
    """
    image = Image.fromarray(picture.pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)


def thumbnail_uri(picture: SmearImage, side: int) -> str:
    """Return a small copy of a picture as a data address that an `img` element takes.

    Parameters
    ----------
    picture : SmearImage
        One of this session's pictures.
    side : int
        Longest side, in pixels.

    Notes
    -----
    Kept in the session, so that it ends with it; `clear` empties it.
    """
    held = st.session_state.setdefault(THUMBNAILS, {})
    key = (picture.pixels_sha256, side)
    if key not in held:
        out = io.BytesIO()
        Image.fromarray(small_copy(picture, side)).save(out, "PNG")
        held[key] = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
    return held[key]
