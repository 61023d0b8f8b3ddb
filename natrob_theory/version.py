"""The version of the installed package."""

from importlib.metadata import PackageNotFoundError, version

NOT_INSTALLED = "0+not.installed"


def installed_version() -> str:
    """The version in the metadata of the package natrob; `NOT_INSTALLED` where only its source is there."""
    try:
        return version("natrob")
    except PackageNotFoundError:
        return NOT_INSTALLED


__version__ = installed_version()
