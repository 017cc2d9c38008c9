"""Every metric explains itself and is tested: adding one is one file and its test."""

import pkgutil
from pathlib import Path

from domain import metrics, scores
from domain.metrics import all_metrics, rates
from domain.metrics._shape import first_paragraph

TESTS = Path(__file__).parents[1]


def test_every_file_is_a_metric_with_a_definition_and_a_test() -> None:
    names = [module.name for module in pkgutil.iter_modules(metrics.__path__) if not module.name.startswith("_")]
    assert len(all_metrics()) + len(rates()) == len(names)
    for metric in (*all_metrics().values(), *rates().values()):
        assert metric.definition.endswith((".", ")")), metric.key
        assert len(metric.definition) > 60, metric.key
    for name in names:
        assert (TESTS / "metrics" / f"test_{name}.py").exists(), name


def test_every_score_has_a_docstring_and_a_test() -> None:
    for module in pkgutil.iter_modules(scores.__path__):
        if not module.name.startswith("_"):
            assert list(TESTS.rglob(f"test_*{module.name}*.py")), module.name


def test_the_definition_is_the_first_paragraph_on_one_line() -> None:
    assert first_paragraph("Of all,\nsome.\n\nMore.") == "Of all, some."


def test_the_review_and_its_command_keep_their_six_names() -> None:
    assert list(all_metrics()) == [
        "tag_coverage", "segment_engagement", "conversion_completion", "return", "repurchase", "campaign_capture",
    ]  # fmt: skip
