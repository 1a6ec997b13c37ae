"""What can go wrong, said so that a person can act on it.

Each message is one sentence that names the thing, what was received and the way out. Pages and command lines show
the message as it is and never a traceback.
"""


class LeukError(Exception):
    """Base of every error that this project raises on purpose."""


class InvalidParameter(LeukError, ValueError):
    """A parameter is outside its allowed values. The message ends with "Received: ..."."""


class RejectedPicture(LeukError):
    """Uploaded bytes that are not a picture which this program can and will read.

    The message never holds the file's name, which may be a person's: a page says `error.about(name)`, a log
    `error.about("picture 3")`.
    """

    def about(self, which: str) -> str:
        """Return the sentence with `which` picture it is about in front.

        Examples
        --------
        >>> RejectedPicture("This file is empty.").about("picture 3")
        'picture 3: this file is empty.'
        """
        sentence = str(self)
        return f"{which}: {sentence[:1].lower()}{sentence[1:]}"


class TooLarge(RejectedPicture):
    """A picture of more pixels than may be decoded whole; `leuk_core.images.open_tiled` may read it in parts."""


class InvalidData(LeukError):
    """A data set (folder, manifest, archive) that cannot be used as it is."""


class NotAllowed(LeukError):
    """The person who is signed in lacks the role for what was asked, or nobody is signed in."""


class OutOfMemory(LeukError):
    """Too little memory for what was asked; the message says what was tried."""


class ModelUnavailable(LeukError):
    """A model reference that names nothing, or whose files are missing or were changed."""
