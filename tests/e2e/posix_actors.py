# SPDX-License-Identifier: GPL-2.0-or-later
"""Several processes that make system calls (posix_calls) in one another's presence.

`fork p` makes one of the process that the test runs in, with the descriptors it has by then; `@p CALL`
is carried out there, `@p& CALL` begun there, `wait p` is its outcome then. `@p become N` makes it
another user's.
"""
import os
import pickle
import select
import signal
import traceback

import posix_calls

DEADLINE = 30


def begin(what):
    """Calls the function in a process of its own; a function that waits for what it returns."""
    back, up = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            with os.fdopen(up, 'wb') as out:
                pickle.dump(what(), out)
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(up)

    def result():
        with os.fdopen(back, 'rb') as pipe:
            data = pipe.read()
        os.waitpid(pid, 0)
        assert data, 'it failed; see standard error'
        return pickle.loads(data)

    return result


def apart(what):
    """What the function returns in a process of its own."""
    return begin(what)()


def become(number):
    os.setgroups([])
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)


class Actor:
    """A process forked from the one that calls, which knows what that knew."""

    def __init__(self, calls):
        down, self.to = os.pipe()
        self.back, up = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(down)
            os.close(up)
            return
        try:
            os.close(self.to)
            os.close(self.back)
            self.serve(calls, down, up)
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc()
        finally:
            os._exit(0)

    @staticmethod
    def serve(calls, down, up):
        with os.fdopen(down, 'rb') as lines, os.fdopen(up, 'wb') as outcomes:
            while line := pickle.load(lines):
                if line.startswith('become '):
                    become(int(line.split()[1]))
                    outcome = 'ok'
                else:
                    outcome = calls.run(line)
                pickle.dump(outcome, outcomes)
                outcomes.flush()

    def begin(self, line):
        os.write(self.to, pickle.dumps(line))

    def outcome(self):
        assert select.select([self.back], [], [], DEADLINE)[0], 'no outcome in time'
        return pickle.loads(os.read(self.back, 1 << 20))

    def end(self):
        self.begin('')
        os.close(self.to)
        if not select.select([self.back], [], [], DEADLINE)[0]:
            os.kill(self.pid, signal.SIGKILL)
        os.close(self.back)
        os.waitpid(self.pid, 0)


class Company:
    """The test's process and those forked from it."""

    def __init__(self, places):
        self.calls = posix_calls.Calls(places)
        self.actors = {}

    def run(self, line):
        word, _, rest = line.partition(' ')
        if word == 'fork':
            self.actors[rest] = Actor(self.calls)
            return 'ok'
        if word == 'end':
            self.actors.pop(rest).end()
            return 'ok'
        if word == 'wait':
            return self.actors[rest].outcome()
        if not word.startswith('@'):
            return self.calls.run(line)
        actor = self.actors[word.strip('@&')]
        actor.begin(rest)
        return 'begun' if word.endswith('&') else actor.outcome()

    def state(self):
        return self.calls.state()

    def clear(self):
        for name in list(self.actors):
            self.actors.pop(name).end()
        self.calls.clear()
