# SPDX-License-Identifier: GPL-2.0-or-later
"""What was measured: lists of numbers by (stories, subject, measure, state), and facts."""
import collections
import statistics


class Results:
    def __init__(self):
        self.values = collections.defaultdict(list)
        self.counts = {}   # (stories, subject, measure, state) -> {name: number}
        self.facts = collections.defaultdict(dict)  # stories -> {name: number}
        self.missing = {}  # what -> why
        self.was_interrupted = False

    def add(self, key, value):
        self.values[key].append(value)

    def median(self, *key):
        """None when it was not measured."""
        return statistics.median(self.values[key]) if self.values.get(key) else None

    def runs(self, *key):
        return len(self.values.get(key, ()))

    def ratio(self, of, to):
        """Of two medians, keys as in median; None when one is missing."""
        a, b = self.median(*of), self.median(*to)
        return a / b if a is not None and b else None

    def subjects(self, n_stories):
        return {key[1] for key in self.values if key[0] == n_stories}

    def as_json(self):
        return {
            'values': [dict(zip(('stories', 'subject', 'measure', 'state'), key), values=values)
                       for key, values in self.values.items()],
            'counts': [dict(zip(('stories', 'subject', 'measure', 'state'), key), counts=counts)
                       for key, counts in self.counts.items()],
            'facts': self.facts, 'missing': self.missing}
