"""The estimator: how likely it is that a customer was dissatisfied, or that a demand was not solved.

What belongs here: fitting and scoring. What does not: features (`features`, `words`), where labels come from (`labels`), what a
score is used for (`rank`). It is trained anew each time (seconds on one core) and never stored, so no pickled object is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from wow_flywheel.errors import DatasetError
from wow_flywheel.inspection.triage.features import Observed, features
from wow_flywheel.inspection.triage.meaning import SentenceEncoder, endings
from wow_flywheel.inspection.triage.relative import relative
from wow_flywheel.inspection.triage.words import CommonWords, said_by_customer

Target = Literal["dissatisfied", "unsolved"]
TARGETS: tuple[Target, ...] = ("dissatisfied", "unsolved")
MIN_OF_EACH = 10
TREES = 200
WORDS_COUNT_AS = 4.0
"""Weight of the customer's words beside the four ensembles of trees: half of the mean."""
LIMIT = 1e-3
EVIDENCE_COUNTS = 0.4
"""Weight of the evidence inspectors' log-odds beside the rest, for `unsolved`."""
MEANING_COUNTS = 0.3
"""Weight of the embeddings' log-odds beside the rest; `python -m benchmarks.labels agreement` measures what these do."""

COMPONENTS = 48


@dataclass(frozen=True, slots=True)
class Examples:
    """Conversations as the estimator sees them.

    Attributes:
        names: Of the features.
        numbers: One row of features a conversation.
        relative: The same features relative to the scenario's other conversations; see `relative`.
        texts: What each customer said.
        scenarios: Of each conversation; used only to leave words of single scenarios out.
        meanings: See `meaning.endings`; None where no encoder is configured.
    """

    names: tuple[str, ...]
    numbers: Any
    relative: Any
    texts: list[str]
    scenarios: list[str]
    meanings: Any = None

    @classmethod
    def of(cls, observed: Sequence[Observed], scenarios: Sequence[str], encoder: SentenceEncoder | None = None) -> "Examples":
        """Compute the features of some conversations, and with an encoder their embeddings."""
        import numpy as np

        rows = [features(each) for each in observed]
        names = tuple(rows[0]) if rows else ()
        numbers = np.array([[row[name] for name in names] for row in rows], dtype=float).reshape(len(rows), len(names))
        said = [said_by_customer(each.messages) for each in observed]
        meanings = endings([each.messages for each in observed], encoder) if encoder else None
        return cls(names, numbers, relative(numbers, scenarios), said, list(scenarios), meanings)

    def take(self, rows: Sequence[int]) -> "Examples":
        """Some of them, by position."""
        picked = list(rows)
        texts, scenarios = [self.texts[i] for i in picked], [self.scenarios[i] for i in picked]
        meanings = None if self.meanings is None else self.meanings[picked]
        return Examples(self.names, self.numbers[picked], self.relative[picked], texts, scenarios, meanings)

    def beside(self, others: "Examples") -> "Examples":
        """The same, relative to what is usual among them and others together: a day alone has few of a scenario."""
        import numpy as np

        numbers = np.concatenate([self.numbers, others.numbers])
        among_all = relative(numbers, [*self.scenarios, *others.scenarios])
        return replace(self, relative=among_all[: len(self.numbers)])

    def column(self, name: str) -> Any:
        """One feature of all conversations."""
        return self.numbers[:, self.names.index(name)]


@dataclass(slots=True)
class Estimator:
    """Two ensembles of trees over the features, and two over the features relative to the scenario.

    For `dissatisfied` a logistic regression over the customer's words counts as much as they do. Words are left out for
    `unsolved`: there they told on the scenarios in training, and nothing on others (measured, see
    docs/labelling/calibration.md); instead the evidence inspectors' own verdict, which knows no scenario, adds its log-odds.
    Where examples have embeddings, a logistic regression over their principal components adds its own. The score is the
    logistic of the sum.

    Attributes:
        target: What it estimates.
        seed: Of the trees.
    """

    target: Target
    seed: int = 0
    _trees: list[list[Any]] = field(init=False, default_factory=list)
    _words: CommonWords = field(init=False, default_factory=CommonWords)
    _by_words: Any = field(init=False, default=None)
    _by_meaning: Any = field(init=False, default=None)

    def fit(self, examples: Examples, labels: Sequence[bool]) -> "Estimator":
        """Learn from labelled conversations.

        Args:
            examples: At least ten of each label.
            labels: True where the customer was dissatisfied, or the demand unsolved.

        Raises:
            DatasetError: There are too few of a label.
        """
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        truth = np.asarray(labels, dtype=int)
        if min(truth.sum(), len(truth) - truth.sum()) < MIN_OF_EACH:
            raise DatasetError(
                f"triage of {self.target}: {truth.sum()} of {len(truth)} labels are true",
                hint=f"collect at least {MIN_OF_EACH} of each: decide cases by `wow-flywheel review`, or log ratings",
            )
        views = (examples.numbers, examples.relative)
        self._trees = [[model.fit(view, truth) for model in _ensembles(self.seed)] for view in views]
        if self.target == "dissatisfied":
            matrix = self._words.fit(examples.texts, examples.scenarios)
            self._by_words = LogisticRegression(max_iter=500).fit(matrix, truth)
        if examples.meanings is not None:
            self._by_meaning = _over_embeddings(examples.meanings.shape).fit(examples.meanings, truth)
        return self

    def score(self, examples: Examples) -> list[float]:
        """How likely each is dissatisfied or unsolved, from 0 to 1; a ranking more than a probability."""
        import numpy as np

        views = zip((examples.numbers, examples.relative), self._trees, strict=True)
        parts = [_log_odds(model.predict_proba(view)[:, 1]) for view, models in views for model in models]
        weights = [1.0] * len(parts)
        if self._by_words is not None:
            parts.append(self._by_words.decision_function(self._words.transform(examples.texts)))
            weights.append(WORDS_COUNT_AS)
        odds = np.average(parts, axis=0, weights=weights)
        if self.target == "unsolved":
            odds = odds + EVIDENCE_COUNTS * np.nan_to_num(_log_odds(1 - examples.column("solved_score")))
        if self._by_meaning is not None:
            odds = odds + MEANING_COUNTS * self._by_meaning.decision_function(examples.meanings)
        return [float(value) for value in 1 / (1 + np.exp(-odds))]


def _log_odds(probabilities: Any) -> Any:
    import numpy as np

    clipped = np.clip(probabilities, LIMIT, 1 - LIMIT)
    return np.log(clipped / (1 - clipped))


def _ensembles(seed: int) -> tuple[Any, ...]:
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    shuffled = ExtraTreesClassifier(TREES, min_samples_leaf=5, max_features=0.3, random_state=seed, n_jobs=1)
    boosted = HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.05,
        max_leaf_nodes=6,
        min_samples_leaf=20,
        l2_regularization=5,
        max_features=0.3,
        random_state=seed,
    )
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), shuffled), _Varied(boosted)


def _over_embeddings(shape: tuple[int, int]) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    components = PCA(min(COMPONENTS, *shape), svd_solver="full")
    return make_pipeline(components, StandardScaler(), LogisticRegression(C=0.01, max_iter=500))


class _Varied:
    """Gives a model only the features that vary in training: gradient boosting refuses a feature with one value."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._kept: Any = None

    def fit(self, numbers: Any, truth: Any) -> "_Varied":
        import numpy as np

        self._kept = [i for i in range(numbers.shape[1]) if len(np.unique(numbers[~np.isnan(numbers[:, i]), i])) > 1]
        self._model.fit(numbers[:, self._kept], truth)
        return self

    def predict_proba(self, numbers: Any) -> Any:
        return self._model.predict_proba(numbers[:, self._kept])
