# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of system calls on scratch files, posix/*.table: read, and carried out.

A line is what is called (posix_calls.py, posix_actors.py) and what comes of it on ext4, and in the
mount, too. Where that differs, on purpose, the line says how, and why:

    CALL -> OUTCOME ON EXT4 | OUTCOME IN THE MOUNT  # the reason

d and e are two directories that anybody may write who made them. A row begins with `=` and its
title; [root] or [user] behind it tells for whom it is alone. Lines that begin with # are comments.
"""
import pathlib
import re

import posix_actors

FOLDER = pathlib.Path(__file__).with_name('posix')


class Step:
    """A call; what comes of it elsewhere, and in the mount if that is something else."""

    def __init__(self, where, text):
        found = re.fullmatch(r'(.+?) -> (.+?)(?: \| (.+?)  # (.+))?', text)
        assert found, f'{where} is no call: {text}'
        self.where = where
        self.call, self.outcome, self.here, self.reason = found.groups()
        assert self.here != self.outcome, f'{where}: no difference'

    def expected(self, in_mount):
        return self.here if in_mount and self.here else self.outcome


class Row:
    def __init__(self, title):
        found = re.fullmatch(r'(.+?)(?: \[(root|user)\])?', title)
        self.title, self.whom = found.groups()
        self.steps = []

    def is_for(self, uid):
        return self.whom in (None, 'user' if uid else 'root')

    def is_alike(self):
        """Does the mount do all of it as others do?"""
        return not any(step.here for step in self.steps)

    def run(self, places, in_mount):
        """What was not as expected, a line each; and the state that was left behind."""
        company = posix_actors.Company(places)
        try:
            outcomes = [(step, company.run(step.call)) for step in self.steps]
            state = company.state()
        finally:
            company.clear()
        return [f'{s.where}: {s.call} -> {outcome}, not {s.expected(in_mount)}'
                for s, outcome in outcomes if outcome != s.expected(in_mount)], state


def rows():
    found = []
    for path in sorted(FOLDER.glob('*.table')):
        for number, line in enumerate(path.read_text('utf-8').splitlines(), 1):
            if line.startswith('= '):
                found.append(Row(line[2:]))
            elif line and not line.startswith('#'):
                found[-1].steps.append(Step(f'{path.name}:{number}', line))
    return found
