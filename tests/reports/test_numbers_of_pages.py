"""Every number on README, docs and the other pages by hand stands in a generated block, or measures nothing."""

import re

import pytest

from reports.blocks import ROOT, pages, without_blocks

PAGES = {page.relative_to(ROOT).as_posix(): page for page in pages()}
MEASURE_NOTHING = {
    r"\[0, 1\]": "the range of pixels",
    r"arXiv \d{4}\.\d{5}|Python ≥ \d\.\d+|Apache-\d\.\d|\bCoq \d\.\d+": "sources, licences and versions required",
    r"(PGD|TRADES|YOPO|ResNet|CIFAR)-\d+(-\d)*": "names of attacks, networks and data sets",
    r"([Tt]heorem|[Ss]ection|[Tt]able|[Ff]igure) A?\d(\.\d)?": "places in the paper",
    r"\b(L|C|float|bfloat|uint|dopri|TF|RK|Table A)\d+\b|3/8": "names of norms, types and methods",
    r"\b[hTNKμεxtcβλ] ?[=<≤≥] ?−?[\d./]+[⁰¹²³⁴-⁹⁻]*( … [\d⁰¹²³⁴-⁹⁻]+)?": "settings",
    r"\border \d": "orders of methods",
    r"\d×\d|below 0": "shapes and signs",
    r"SHA-256": "a hash",
    r"\b1 − α": "a probability, a formula",
    r"\b2ε": "twice the radius, a formula",
    r"\b(NeurIPS|ICML|ICLR|ECCV) \d{4}": "years of sources",
}
"""Pattern → why such a number is neither measured nor computed. What else has a digit must be code or generated."""
SPELLED_OUT = re.compile(
    r"\b(one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|fifty|sixty|hundred|half an?) "
    r"(percent|points|times|seconds|minutes|hours?|GB|MB|images)\b"
)


def prose(text: str) -> str:
    """A page without code, generated blocks, links' targets and comments; a number alone is no code."""
    text = re.sub(r"^```.*?^```", "", without_blocks(text), flags=re.M | re.S)
    text = re.sub(r"`([^`]+)`", lambda code: code[1] if re.fullmatch(r"[\d.,%/ ·–-]+", code[1]) else "", text)
    return re.sub(r"(?<=\])\([^)]*\)|<[^>]*>", "", text)


def measured_looking(text: str) -> list[str]:
    """The numbers that nothing says to be no measurement."""
    for pattern in MEASURE_NOTHING:
        text = re.sub(pattern, "", text)
    return re.findall(r"\S*\d\S*(?: ?%)?", text) + [found[0] for found in SPELLED_OUT.finditer(text)]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_no_number_outside_its_generated_blocks(page: str) -> None:
    assert measured_looking(prose(PAGES[page].read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "sentence",
    ["It keeps 93.6 % of them.", "It keeps `0.97`.", "An accuracy of 0.97.", "It is 12 times faster.", "n = 100 images",
     "It took five minutes.", "A bound of 3·10⁴.", "Of 1,000 images 12 were kept."],
)  # fmt: skip
def test_a_measured_number_is_seen(sentence: str) -> None:
    assert measured_looking(prose(sentence)) != []


def test_a_number_in_a_block_is_left_to_the_block() -> None:
    assert prose("<!-- generated: x -->\nIt keeps 93 %.\n<!-- end -->\n").strip() == ""
