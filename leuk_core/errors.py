"""What can go wrong, said so that a person can act on it.

Each message is one sentence that names the thing, what was received and the way out. Pages and command lines show
the message as it is and never a traceback.
"""


class LeukError(Exception):
    """Base of every error that this project raises on purpose."""


class InvalidParameter(LeukError, ValueError):
    """A parameter is outside its allowed values. The message ends with "Received: ..."."""


class RejectedPicture(LeukError):
    """Uploaded bytes that are not a picture which this program can and will read."""


class InvalidData(LeukError):
    """A data set (folder, manifest, archive) that cannot be used as it is."""


class ModelUnavailable(LeukError):
    """A model reference that names nothing, or whose files are missing or were changed."""
