/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A question asked by a child: its answer comes through a pipe, the number first. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storyfs/file.h"

enum { ANSWER_BYTES = 1 << 20 };

static void write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

static void answer(int fd, int (*ask)(void *data, struct buf *ret), void *data)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		dup2(null, i);
	fd = dup2(fd, STDERR_FILENO + 1);
	close_range((unsigned)fd + 1, ~0U, 0);
	int e = ask(data, &text);

	write_all(fd, (const char *)&e, sizeof(e));
	write_all(fd, buf_str(&text), text.len);
}

int probe_start(int (*ask)(void *data, struct buf *ret), void *data, struct probe *ret)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();

	if (pid == 0) {
		answer(ends[1], ask, data);
		_exit(0);
	}
	int e = pid < 0 ? -errno : 0;

	close(ends[1]);
	if (e < 0)
		close(ends[0]);
	else
		*ret = (struct probe){ pid, ends[0] };
	return e;
}

int probe_finish(struct probe *p, int64_t deadline_ms, struct buf *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int answered = -EIO;
	int e = file_read_pipe(p->fd, deadline_ms, ANSWER_BYTES, &text);

	close(p->fd);
	if (e < 0)
		kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, e < 0 ? WNOHANG : 0);
	if (e < 0)
		return e;
	if (text.len < sizeof(answered))
		return -EIO;
	memcpy(&answered, text.data, sizeof(answered));
	buf_add(ret, text.data + sizeof(answered), text.len - sizeof(answered));
	return answered;
}
