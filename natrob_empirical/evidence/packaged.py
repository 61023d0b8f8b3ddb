"""The evidence that comes with natrob: what the committed records and the proofs say, in one small file.

`make evidence` writes it. Settings and environments stand once; what no claim reads is left out. What is read back is
records again, so that folders and package are judged by the same code.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from typing import Any, Final

from natrob_empirical.display.formatting import join_words
from natrob_empirical.evidence.folders import RunsRead
from natrob_empirical.evidence.grouping import runs_of
from natrob_empirical.evidence.proofs import ProofOutcome
from natrob_empirical.records import CellRecord, TheoryResult

FILE: Final = "evidence.json"
_BUDGET: Final = ("attack", "norm", "epsilon")
_UNREAD: Final = {"curves": [], "margins": None, "blocks": []}
"""Fields of theory records that no claim reads, and what stands for them; a test compares the verdicts."""


def packed(read: RunsRead, proofs: Iterable[ProofOutcome]) -> str:
    """Writes runs and proofs as one line of JSON, the same for the same evidence.

    Raises:
        ValueError: a file was left out, or two runs have one name.
    """
    if read.unread:
        names = join_words([f"{each.name} ({each.reason})" for each in read.unread])
        raise ValueError(f"every record must be readable to be packed, got {names}")
    names = [run.name for run in read.runs]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"every run must have a name of its own to be packed, got {join_words(repeated)} twice")
    parts: dict[str, int] = {}

    def index(value: Any) -> int:
        return parts.setdefault(_compact(value), len(parts))

    records: dict[str, list[Any]] = {}
    for run in read.runs:
        own = (*run.records, *run.superseded)
        records.setdefault(run.source, []).extend(_indexed(_slim(record), index) for record in own)
    outcomes = [proof.model_dump(mode="json") for proof in sorted(proofs, key=lambda each: each.path)]
    return f'{{"parts":[{",".join(parts)}],\n"records":{_compact(records)},\n"proofs":{_compact(outcomes)}}}\n'


def packaged_runs() -> RunsRead:
    """Reads the runs that come with the package."""
    content = _content()
    parts = content["parts"]
    return RunsRead(
        runs=tuple(
            run
            for source, records in content["records"].items()
            for run in runs_of([_record(entry, parts) for entry in records], source=source)
        )
    )


def packaged_proofs() -> tuple[ProofOutcome, ...]:
    """Reads the proofs' outcomes that come with the package."""
    return tuple(ProofOutcome.model_validate(outcome) for outcome in _content()["proofs"])


def _content() -> Mapping[str, Any]:
    return json.loads(files("natrob_empirical.evidence").joinpath(FILE).read_text(encoding="utf-8"))


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _slim(record: CellRecord) -> CellRecord:
    """The record without what no claim reads."""
    if not isinstance(record.result, TheoryResult):
        return record
    radii = [each.model_copy(update={"constants": ""}) for each in record.result.certificates]
    result = record.result.model_copy(update={**_UNREAD, "certificates": radii})
    return record.model_copy(update={"result": result})


def _indexed(record: CellRecord, index: Callable[[Any], int]) -> list[Any]:
    """One record as a list: indices of key, settings and environment, then budget, time and result."""
    full = json.loads(record.model_dump_json())
    short = json.loads(record.model_dump_json(exclude_defaults=True))
    budget = [full["cell"].pop(name) for name in _BUDGET]
    environment = short["environment"]  # whose fields with a default came later than most records
    created = environment.pop("created")
    settings = {name: index(value) for name, value in full["settings"].items()}
    result = {"kind": record.result.kind, **short["result"]}
    return [index(full["cell"]), index(settings), index(environment), budget, created, result]


def _record(entry: list[Any], parts: list[Any]) -> CellRecord:
    """The record that `_indexed` wrote."""
    cell, settings, environment, budget, created, result = entry
    return CellRecord.model_validate(
        {
            "cell": {**parts[cell], **dict(zip(_BUDGET, budget, strict=True))},
            "settings": {name: parts[place] for name, place in parts[settings].items()},
            "environment": {**parts[environment], "created": created},
            "result": result,
        }
    )
