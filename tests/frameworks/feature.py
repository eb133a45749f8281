"""A feature of a framework, and what becomes of it in a clan: a row of a table in the docs."""

import attrs


@attrs.frozen
class Feature:
    """A feature, which a test tries on four ranks.

    Attributes:
        name: Feature, as the framework calls it.
        run: Run of the framework's script that shows it. Several features may share one.
        refusal: Message of the error that refuses it; None if it works.
        warning: Message of a warning, with which it works.
    """

    name: str
    run: str = attrs.field()
    refusal: str | None = None
    warning: str | None = None

    @run.default
    def _named_like_the_feature(self):
        return self.name

    @property
    def in_a_clan(self):
        """What becomes of the feature, in the words of the docs."""
        if self.refusal is not None:
            return f"refused: {self.refusal}"
        return "works" if self.warning is None else f"works, with a warning: {self.warning}"
