"""The errors a user can act on; the command line prints their message and exits with 2."""

from __future__ import annotations


class SearchkbdError(Exception):
    """Base of every error whose message tells the user what happened and what to do next."""


class IndexNotFoundError(SearchkbdError):
    """The directory holds no index."""


class IndexExistsError(SearchkbdError):
    """The directory already holds an index, or something that is not one."""


class IndexBusyError(SearchkbdError):
    """Another process is writing to the index."""


class IndexDamagedError(SearchkbdError):
    """A file of the index is missing, truncated or not what the database says it is."""


class EncoderMismatchError(SearchkbdError):
    """The index was built with another encoder than the one at hand."""


class NothingToBuildError(SearchkbdError):
    """No sentence was accepted, so there is nothing to build."""
