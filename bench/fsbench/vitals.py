# SPDX-License-Identifier: GPL-2.0-or-later
"""What processes weigh while they run: resident memory, descriptors, threads, and whether that grows."""
import collections
import os
import re

Vitals = collections.namedtuple('Vitals', 'rss_kib fds threads')


def of_process(pid):
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as f:
        status = f.read()
    rss, threads = (int(re.search(rf'^{key}:\s+(\d+)', status, re.M)[1])
                    for key in ('VmRSS', 'Threads'))
    return Vitals(rss, len(os.listdir(f'/proc/{pid}/fd')), threads)


def slope(points):
    """Of the line nearest to the points [(x, y)], by least squares."""
    n = len(points)
    mean_x, mean_y = (sum(p[i] for p in points) / n for i in (0, 1))
    below = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / below if below else 0.0


class Samples:
    """Of one program, which may be another process after a while."""

    def __init__(self, name):
        self.name, self.taken = name, []  # [(seconds, pid, Vitals)]

    def take(self, seconds, pid):
        try:
            self.taken.append((seconds, pid, of_process(pid)))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it is being started anew

    def second_half(self, seconds):
        """Of the last process alone; of all its life, when that is shorter."""
        last = [s for s in self.taken if s[1] == self.taken[-1][1]]
        return [s for s in last if s[0] >= seconds / 2] or last

    def growth(self, key, seconds):
        """By how much it grew in the second half, by the slope; and the middle value there."""
        half = self.second_half(seconds)
        values = [(t, getattr(v, key)) for t, _, v in half]
        middle = sorted(v for _, v in values)[len(values) // 2]
        return slope(values) * seconds / 2, middle
