"""Text from outside as Markdown that shows it as it is: what a name holds becomes no link, picture or formula."""

from __future__ import annotations

import re
import unicodedata

_LIVE = re.compile(r"[\\\[\]<$]")
_DROPPED = {"Cf", "Cs"}  # turns of direction, signs that nobody sees, halves of signs


def plain(text: str) -> str:
    r"""Return a name, path or sentence from outside for a Streamlit call that takes Markdown.

    Parameters
    ----------
    text : str
        As received; its backticks still set code, as this program's own sentences have them.

    Examples
    --------
    >>> plain("![look](http://a.example/b.png)")
    '!\\[look\\](http://a.example/b.png)'
    >>> plain("cell\u202egnp.exe\n# costs $5$")
    'cellgnp.exe # costs \\$5\\$'
    """
    shown = (sign for sign in text if unicodedata.category(sign) not in _DROPPED)
    kept = (" " if sign < " " or sign == "\x7f" else sign for sign in shown)
    return _LIVE.sub(r"\\\g<0>", "".join(kept))
