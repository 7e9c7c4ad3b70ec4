# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that are run, each with a deadline, and mounts, each ended by its own process id."""
import os
import re
import shutil
import signal
import subprocess
import time

DEADLINE_S = 3600
START_S = 60
DROP_CACHES = '/proc/sys/vm/drop_caches'


class Failure(Exception):
    """Something that keeps the benchmark from being true; its text is for the user."""


def run(argv, env=None, deadline_s=DEADLINE_S):
    """Run a program to its end; its standard output."""
    try:
        done = subprocess.run([str(a) for a in argv], env=env, stdin=subprocess.DEVNULL,
                              text=True, capture_output=True, timeout=deadline_s, check=False)
    except subprocess.TimeoutExpired as e:
        raise Failure(f'{argv[0]} took more than {deadline_s} s') from e
    if done.returncode:
        raise Failure(f'{" ".join(map(str, argv))}: exit {done.returncode}: '
                      f'{done.stderr.strip()[:500]}')
    return done.stdout


def timed_count(command, cwd, env=None):
    """Run a shell command that prints a number: (seconds, that number)."""
    # The shell's exit is that of `wc`, so what a program before it said counts as a failure, too. The
    # shell enters the folder: would Popen, it held Python's lock while the mount waits for our proxy.
    start = time.monotonic()
    process = subprocess.Popen(['sh', '-c', f'cd "$1" && {command}', 'sh', str(cwd)], env=env,
                               text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, said = process.communicate(timeout=DEADLINE_S)
    except BaseException as e:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(e, subprocess.TimeoutExpired):
            raise Failure(f'{command} took more than {DEADLINE_S} s') from e
        raise
    seconds = time.monotonic() - start
    if process.returncode or said:
        raise Failure(f'{command} in {cwd}: exit {process.returncode}: {said.strip()[:500]}')
    return seconds, int(out)


def has(program):
    return shutil.which(program, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')


def may_drop_caches():
    return os.access(DROP_CACHES, os.W_OK)


def drop_caches():
    """Make the kernel forget names, attributes and pages: of everything, on the whole machine."""
    os.sync()
    with open(DROP_CACHES, 'w', encoding='ascii') as f:
        f.write('3\n')


def is_mounted(path):
    with open('/proc/self/mountinfo', encoding='utf-8') as mounts:
        return any(line.split()[4] == str(path) for line in mounts)


def file_system_of(path):
    return run(['findmnt', '-no', 'FSTYPE', '-T', path]).strip()


class Service:
    """A program that runs beside, until it is ended."""

    def __init__(self, argv, log, env=None):
        self.argv, self.log_path = [str(a) for a in argv], log
        self.log = open(log, 'w+', encoding='utf-8', errors='replace')
        try:
            self.process = subprocess.Popen(self.argv, env=env, stdin=subprocess.DEVNULL,
                                            stdout=self.log, stderr=self.log)
        except OSError as e:
            self.log.close()
            raise Failure(str(e)) from e

    def said(self):
        self.log.flush()
        with open(self.log_path, encoding='utf-8', errors='replace') as f:
            return f.read(2000).strip()

    def wait_for(self, ready):
        """Until ready() is true; its answer."""
        end = time.monotonic() + START_S
        while not (answer := ready()):
            if self.process.poll() is not None or time.monotonic() > end:
                said = self.said()
                self.end()
                raise Failure(f'{self.argv[0]} did not start: {said}')
            time.sleep(0.001)
        return answer

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(START_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def memory_kib(self, what):
        """Resident memory: VmRSS now, or VmHWM at most."""
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as f:
            return int(re.search(rf'^{what}:\s+(\d+) kB', f.read(), re.M).group(1))


class Mount(Service):
    """A filesystem whose process stays in the foreground."""

    def __init__(self, argv, path, log, env=None):
        self.path = path
        path.mkdir(exist_ok=True)
        super().__init__(argv, log, env)
        self.wait_for(lambda: is_mounted(path))

    def end(self):
        # Busy for a moment is what a mount is when the last program has just gone.
        end = time.monotonic() + START_S
        while is_mounted(self.path) and time.monotonic() < end:
            subprocess.run(['fusermount3', '-u', str(self.path)], capture_output=True, check=False)
            if is_mounted(self.path):
                time.sleep(0.05)
        if is_mounted(self.path):
            subprocess.run(['fusermount3', '-uz', str(self.path)], capture_output=True, check=False)
        try:
            self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            pass  # it is killed
        super().end()


class Server(Service):
    """`storyfs serve` on a port, 0 is any free one."""

    def __init__(self, binary, archive, log, env, port=0):
        super().__init__([binary, 'serve', archive, '--listen', f'127.0.0.1:{port}'], log, env)
        found = self.wait_for(lambda: re.search(r' at http://127\.0\.0\.1:(\d+)/', self.said()))
        self.port = int(found.group(1))
