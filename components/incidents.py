"""Errors that nobody foresaw: a number for the person, the details for the log, picture names for neither."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler

import streamlit as st

from leuk_core.private import make_private
from leuk_core.settings import settings


@st.cache_resource(show_spinner=False)
def incident_log() -> logging.Logger:
    """Return the log of this installation: stderr, and `data_dir`/logs/app.log where that can be written.

    Returns
    -------
    logging.Logger
        One for the whole process. The file is at most 1 MB with three older ones beside it.
    """
    log = logging.getLogger("leuk.app")
    log.setLevel(logging.INFO)
    log.propagate = False
    for handler in tuple(log.handlers):
        log.removeHandler(handler)
        handler.close()
    form = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(form)
    log.addHandler(to_stderr)
    folder = settings().data_dir / "logs"
    try:
        make_private(folder.parent)
        folder.mkdir(exist_ok=True)
        to_file = RotatingFileHandler(folder / "app.log", maxBytes=1_000_000, backupCount=3, encoding="utf-8")
    except OSError as error:
        log.warning("no log file can be written, stderr only (%s)", type(error).__name__)
    else:
        to_file.setFormatter(form)
        log.addHandler(to_file)
    return log


def without_names(text: str, names: Iterable[str]) -> str:
    """Return `text` with every picture's name replaced, so that a log holds none.

    Parameters
    ----------
    text : str
        What is about to be written.
    names : iterable of str
        File names as received. Longer ones are replaced first, for one may be part of another.

    Examples
    --------
    >>> without_names("cannot read Doe.png: truncated", ["Doe.png"])
    'cannot read <picture>: truncated'
    """
    for name in sorted({name for name in names if name}, key=len, reverse=True):
        for form in (name, repr(name)[1:-1]):
            text = text.replace(form, "<picture>")
    return text


def record(error: BaseException, names: Iterable[str] = ()) -> str:
    """Write `error` with its traceback to the log and return the number under which it is found there.

    Parameters
    ----------
    error : BaseException
        What was raised.
    names : iterable of str
        Picture names that must not get into the log.

    Returns
    -------
    str
        Eight hexadecimal digits.
    """
    number = secrets.token_hex(4)
    trace = "".join(traceback.format_exception(error))
    incident_log().error("error %s\n%s", number, without_names(trace, names))
    return number
