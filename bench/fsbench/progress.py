# SPDX-License-Identifier: GPL-2.0-or-later
"""Says how far it is: a bar on a terminal, a line for each step elsewhere."""
import os
import sys
import time

WIDTH = 24


class Progress:
    def __init__(self, n_steps, out=None):
        self.n_steps, self.n_done = n_steps, 0
        self.out = out or sys.stderr
        self.bar = self.out.isatty() and os.environ.get('TERM') != 'dumb'
        self.start = time.monotonic()
        self.step_start = self.start
        self.words = ''

    def begin(self, words):
        self.words, self.step_start = words, time.monotonic()
        if self.bar:
            self.show_bar()

    def done(self, note=None):
        self.n_done += 1
        if self.bar:
            self.show_bar()
        else:
            seconds = time.monotonic() - self.step_start
            print(f'{self.n_done}/{self.n_steps}  {self.words}  {note or f"{seconds:.1f} s"}',
                  file=self.out, flush=True)

    def show_bar(self):
        filled = WIDTH * self.n_done // max(self.n_steps, 1)
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        columns = os.get_terminal_size(self.out.fileno()).columns
        text = (f'[{"#" * filled}{" " * (WIDTH - filled)}] {self.n_done}/{self.n_steps} '
                f'{minutes}:{seconds:02d}  {self.words}')
        print('\r' + text[:columns - 1] + '\x1b[K', end='', file=self.out, flush=True)

    def end(self):
        if self.bar:
            print('\r\x1b[K', end='', file=self.out, flush=True)
