/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard listens at the end of a line, which is cut by whatever ends the other process. */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mountpoint.h"
#include "storyfs/fs.h"

enum {
	TRIES = 200, /* a killed process takes its time to end */
	WAIT_US = 50 * 1000,
};

/* What is sent to all of a terminal, or to all by the name of the program, is not for the guard;
 * and it keeps nothing open. */
static void stand_apart(int *line)
{
	const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "mount-guard");
	setsid();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	*line = dup2(*line, STDERR_FILENO + 1);
	close_range((unsigned)*line + 1, ~0U, 0);
}

/* Did the other process say that it ends? */
static bool ends_well(int line)
{
	char word;
	ssize_t n;

	do
		n = read(line, &word, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

static void stand(int line, const char *mountpoint)
{
	stand_apart(&line);
	if (ends_well(line) || chdir("/") < 0)
		return;
	for (int i = 0; i < TRIES && mountpoint_is_ours(mountpoint, NULL); i++) {
		if (fs_heal(mountpoint))
			return;
		usleep(WAIT_US);
	}
}

int guard_start(const char *mountpoint, struct guard *ret)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid_t pid = fork();

	if (pid == 0) {
		stand(ends[0], mountpoint);
		_exit(0);
	}
	close(ends[0]);
	if (pid < 0) {
		close(ends[1]);
		return -errno;
	}
	*ret = (struct guard){ pid, ends[1] };
	return 0;
}

void guard_end(struct guard *guard)
{
	if (guard->line < 0)
		return;
	send(guard->line, "", 1, MSG_NOSIGNAL);
	close(guard->line);
	waitpid(guard->pid, NULL, 0);
	*guard = GUARD_NONE;
}
