"""Text from outside as Markdown that shows it as it is: what a name holds becomes no link, picture or formula."""

from __future__ import annotations

import re
import unicodedata

_LIVE = re.compile(r"[\\\[\]<$]")
_LINKED = re.compile(r"https?:(?=//)|www(?=\.)", re.IGNORECASE)  # which become links without any sign around them
_APART = "\u2060"  # nobody sees it
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
    '!\\[look\\](http:\u2060//a.example/b.png)'
    >>> plain("cell\u202egnp.exe\n# costs $5$")
    'cellgnp.exe # costs \\$5\\$'
    """
    shown = (sign for sign in text if unicodedata.category(sign) not in _DROPPED)
    kept = (" " if sign < " " or sign == "\x7f" else sign for sign in shown)
    return _LINKED.sub(rf"\g<0>{_APART}", _LIVE.sub(r"\\\g<0>", "".join(kept)))
