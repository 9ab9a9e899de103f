"""Optional: Presidio's recognisers for names that no field of a record gives (extra `presidio`).

What belongs here: building the analyser that `WOW_PRESIDIO` asks for, and the names that it finds. What does not: replacing
them: they join the names of the record's own fields (`names`), so that all of a conversation's texts are searched for them.
It reads every text in Python, some milliseconds each, and its models take names for what they are not: off unless asked for.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wow_flywheel.conversations.redaction.names import Personal, as_personal
from wow_flywheel.errors import SettingsError

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

ENTITY: Final = "PERSON"
MIN_SCORE: Final = 0.6
"""Below it, Presidio's own patterns and models are mostly wrong about names."""


def analyzer(configuration: str) -> "AnalyzerEngine":
    """The analyser that a Presidio configuration file describes: its NLP engine, recognisers and languages.

    Args:
        configuration: `Settings.presidio`, a YAML file as Presidio's AnalyzerEngineProvider reads it.

    Raises:
        SettingsError: The file is not there, is not one that Presidio reads, or Presidio or its model is not installed.
    """
    if not Path(configuration).is_file():
        raise SettingsError(
            f"WOW_PRESIDIO={configuration!r}: no such file", hint="set it to a Presidio analyser configuration (YAML)"
        )
    try:
        from presidio_analyzer import AnalyzerEngineProvider
    except ImportError as error:
        raise SettingsError(
            "WOW_PRESIDIO is set but Presidio is not installed", hint="pip install 'wow-flywheel[presidio]'"
        ) from error
    try:
        return AnalyzerEngineProvider(analyzer_engine_conf_file=configuration).create_engine()
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SettingsError(
            f"WOW_PRESIDIO={configuration!r}: Presidio cannot be set up ({type(error).__name__})",
            hint="check the file against Presidio's documentation, and that the spaCy model it names is installed",
        ) from error


def presidio_names(engine: "AnalyzerEngine", texts: Iterable[str], *, language: str = "en") -> list[Personal]:
    """The names that Presidio finds in the texts of one conversation, each once, in order.

    Args:
        engine: As `analyzer` gives it.
        texts: What was said; not tool JSON.
        language: Two letters; texts in a language that the analyser has no recogniser for give none.
    """
    if language not in engine.supported_languages:
        return []
    found: dict[Personal, None] = {}
    for text in texts:
        for result in engine.analyze(text, language=language, entities=[ENTITY], score_threshold=MIN_SCORE):
            if personal := as_personal(text[result.start : result.end]):
                found[personal] = None
    return list(found)
