# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that want a terminal: started in a pseudo-terminal, typed into when they are quiet."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

QUIET_S = 0.4


def _read_until_quiet(fd, end, quiet):
    """What it writes until it is silent for a while; None at the end of the program."""
    out = b''
    while time.monotonic() < end:
        ready, _, _ = select.select([fd], [], [], quiet)
        if not ready:
            return out, True
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b''
        if not data:
            return out, False
        out += data
    return out, True


def _wait(pid, end):
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError('the program did not end in time')


def run(argv, env, cwd, keys=(), deadline=30):
    """Type each of the keys when the program is quiet; its exit status and all it wrote."""
    end = time.monotonic() + deadline
    pid, fd = pty.fork()
    if pid == 0:
        # Wide enough that no message is cut or wrapped.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 250, 0, 0))
        os.chdir(cwd)
        os.execvpe(argv[0], argv, env)
    out, running = _read_until_quiet(fd, end, QUIET_S)
    for key in keys:
        if not running:
            break
        os.write(fd, key)
        more, running = _read_until_quiet(fd, end, QUIET_S)
        out += more
    while running and time.monotonic() < end:
        more, running = _read_until_quiet(fd, end, 0.1)
        out += more
    try:
        return _wait(pid, time.monotonic() + 5), out.decode('utf-8', 'replace')
    finally:
        os.close(fd)
