# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that want a terminal: started in one, and typed into when they show what is waited for."""
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

DEADLINE = 60


def _wait(pid, end):
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError('the program did not end in time')


def _type_along(fd, answers, end):
    """What it wrote until it ended. An answer is typed, once, when what it is to was written, in any
    order; what they are typed after is not looked at again."""
    out, looked, answers = b'', 0, list(answers)
    while time.monotonic() < end:
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b''
        if not data:
            break
        out += data
        for answer in [a for a in answers if re.search(a[0].encode(), out[looked:])]:
            answers.remove(answer)
            looked = len(out)
            os.write(fd, answer[1])
    return out.decode('utf-8', 'replace')


def run(argv, env, cwd, answers=(), deadline=DEADLINE):
    """Run it in a pseudo-terminal; answers are pairs of a pattern to be waited for and of bytes to
    be typed then. Its exit status and all it wrote."""
    end = time.monotonic() + deadline
    pid, fd = pty.fork()
    if pid == 0:
        # Wide enough that no message is cut or wrapped.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 60, 250, 0, 0))
        os.chdir(cwd)
        os.execvpe(argv[0], argv, env)
    try:
        out = _type_along(fd, answers, end)
        return _wait(pid, max(end, time.monotonic() + 1)), out
    except AssertionError as e:
        raise AssertionError(f'{argv}: {e}: {out!r}') from e
    finally:
        os.close(fd)


class Screen:
    """A shell in a tmux of its own: what a person sees is waited for, keys are typed."""

    def __init__(self, cwd, env):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='storyfs-tmux-'))
        self.env = env
        self.tmux('-f', '/dev/null', 'new-session', '-d', '-x', '200', '-y', '60', '-c', str(cwd),
                  'sh')

    def tmux(self, *args):
        done = subprocess.run(['tmux', '-S', self.folder / 'socket', *args], env=self.env,
                              capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout

    def shown(self):
        return self.tmux('capture-pane', '-p')

    def wait_for(self, text, deadline=DEADLINE):
        end = time.monotonic() + deadline
        while text not in (shown := self.shown()):
            assert time.monotonic() < end, f'{text!r} is not shown:\n{shown}'
            time.sleep(0.02)

    def type(self, *keys):
        """Texts are typed as they are; what tmux knows as a key (`Escape`, `C-x`) is such a key."""
        for key in keys:
            if len(key) > 1 and (key in KEYS or key[:2] in ('C-', 'M-')):
                self.tmux('send-keys', key)
            else:
                self.tmux('send-keys', '-l', '--', key)

    def close(self):
        """When it returns the shell is in no directory any more."""
        shell = self.tmux('list-panes', '-F', '#{pane_pid}').strip()
        self.tmux('kill-server')
        end = time.monotonic() + DEADLINE
        while os.path.exists(f'/proc/{shell}/cwd') and time.monotonic() < end:
            time.sleep(0.01)
        shutil.rmtree(self.folder, ignore_errors=True)


KEYS = ('Escape', 'Enter', 'Up', 'Down', 'Home', 'End')
