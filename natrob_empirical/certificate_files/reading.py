"""Reads certificate files, and says by name what is wrong with one."""

import json
from pathlib import Path
from typing import Any, Never, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from natrob_empirical.names.near_names import near_files, unknown_name
from natrob_empirical.norms import CertificateNorm
from natrob_empirical.records.schema import CERTIFICATE_VERSION, CertificateFile, SmoothingFile

Form = TypeVar("Form", bound=BaseModel)


def read_certificates(path: Path) -> CertificateFile:
    """The file at this path, its form checked; its numbers are believed by no one.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is cut off, no JSON, of another version, or has fields that are missing, unknown or no numbers.
    """
    content = _content_of(path, "certificate file")
    _require_known(content, path)
    return _formed(content, CertificateFile, path, "certificate file")


def read_smoothing(path: Path) -> SmoothingFile:
    """The file of `natrob smooth --output` at this path, its form and its shares checked.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is cut off, no JSON, or has fields that are missing, unknown or no numbers.
    """
    return _formed(_content_of(path, "smoothing file"), SmoothingFile, path, "smoothing file")


def _content_of(path: Path, what: str) -> Any:
    """The JSON of a file."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no {what} {path}{near_files(path, suffix='.json')}")
    try:
        return json.loads(
            path.read_text(encoding="utf-8"), parse_constant=_no_number, object_pairs_hook=_without_doubles
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is cut off or no JSON: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no {what}: {error}") from error


def _formed(content: Any, form: type[Form], path: Path, what: str) -> Form:
    """The content as what it should be."""
    try:
        return form.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"{path} is no {what}: {_first_of(error)}") from error


def _require_known(content: Any, path: Path) -> None:
    """Refuses other versions and norms before the fields are looked at."""
    if not isinstance(content, dict):
        raise ValueError(f"{path} is no certificate file: it must be a JSON object, got a {type(content).__name__}")
    if "schema_version" not in content:
        raise ValueError(
            f"{path} has no `schema_version`: it holds radii without hashes of images and network, which cannot be "
            f"checked; certify the model again with --output to get a file that can"
        )
    version = content["schema_version"]
    if type(version) is not int or version != CERTIFICATE_VERSION:
        newer = isinstance(version, int) and version > CERTIFICATE_VERSION
        advice = "a newer natrob wrote it; install that" if newer else "no natrob wrote such a file"
        raise ValueError(f"{path} has schema_version {version!r}, known is {CERTIFICATE_VERSION}: {advice}")
    norm = content.get("norm")
    if isinstance(norm, str) and norm not in get_args(CertificateNorm):
        raise ValueError(f"{path}: {unknown_name('norm', norm, get_args(CertificateNorm))}")


def _no_number(text: str) -> Never:
    raise ValueError(f"{text} is no number of JSON")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object; of two entries of one name nobody could say which counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"`{next(name for name in names if names.count(name) > 1)}` is there twice")
    return found


def _first_of(error: ValidationError) -> str:
    """The first fault, with the field's name."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"`{place}`: {message}" if place else message
