"""Presidio's names join those of the record's fields; without Presidio or a configuration, the setting is named."""

import sys
from pathlib import Path

import pytest

from wow_flywheel.conversations.redaction.presidio import analyzer, presidio_names
from wow_flywheel.errors import SettingsError


class Engine:
    """Stands for Presidio's analyser: it finds one name by position."""

    supported_languages = ("en",)

    def analyze(self, text: str, **asked: object) -> list[object]:
        assert asked == {"language": "en", "entities": ["PERSON"], "score_threshold": 0.6}
        start = text.find("Ann Lee")
        return [type("Result", (), {"start": start, "end": start + 7})] if start >= 0 else []


def test_what_presidio_finds_becomes_personal_once() -> None:
    texts = ["I am Ann Lee", "Ann Lee again", "nobody"]
    assert presidio_names(Engine(), texts) == [("NAME", "Ann Lee")]
    assert presidio_names(Engine(), texts, language="zh") == []


def test_a_missing_file_or_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        analyzer(str(tmp_path / "none.yaml"))
    (tmp_path / "p.yaml").write_text("supported_languages: [en]\n")
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(SettingsError, match="Presidio is not installed"):
        analyzer(str(tmp_path / "p.yaml"))


def test_a_real_presidio_with_patterns_only() -> None:
    presidio = pytest.importorskip("presidio_analyzer", reason="the extra `presidio` is not installed")
    pattern = presidio.Pattern("staff", r"\bagent [A-Z][a-z]+\b", 0.9)
    registry = presidio.RecognizerRegistry([presidio.PatternRecognizer("PERSON", patterns=[pattern])])
    engine = presidio.AnalyzerEngine(registry=registry, nlp_engine=_NoModel(), supported_languages=["en"])
    assert presidio_names(engine, ["this is agent Smith"]) == [("NAME", "agent Smith")]


class _NoModel:
    """An NLP engine without a model, which patterns do not need."""

    def is_loaded(self) -> bool:
        return True

    def load(self) -> None:
        """Nothing to load."""

    def get_supported_languages(self) -> list[str]:
        return ["en"]

    def get_supported_entities(self) -> list[str]:
        return []

    def process_text(self, text: str, language: str) -> object:
        from presidio_analyzer.nlp_engine import NlpArtifacts

        return NlpArtifacts([], [], [], [], self, language)

    def is_stopword(self, word: str, language: str) -> bool:
        return False

    def is_punct(self, word: str, language: str) -> bool:
        return False
