/*
 * Runs a command as root of a user namespace of its own, in which a BPF file
 * system is mounted that delegates what there is:
 *
 *     delegate <directory> <any, or nothing to delegate> <command> …
 *
 * The file system must be made in that namespace, and be configured by somebody
 * who has CAP_SYS_ADMIN outside of it. So the child opens it, and the parent
 * takes a duplicate of its descriptor.
 */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/mount.h, asm-generic/unistd.h: headers may be older than the kernel. */
enum { SET_STRING = 1, CREATE = 6, MOVE_MOUNT_F_EMPTY_PATH = 4 };
enum {
	MOVE_MOUNT = 429,
	FSOPEN = 430,
	FSCONFIG = 431,
	FSMOUNT = 432,
	PIDFD_OPEN = 434,
	PIDFD_GETFD = 438,
};

static int to_parent[2], to_child[2];

static void tell(int *pipe, int number)
{
	if (write(pipe[1], &number, sizeof(number)) != sizeof(number))
		err(99, "write");
}

static int hear(int *pipe)
{
	int number;

	if (read(pipe[0], &number, sizeof(number)) != sizeof(number))
		errx(99, "the other ended");
	return number;
}

static void write_map(const char *name, pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0 0 1", 5) != 5)
		err(99, "%s", path);
	close(fd);
}

static void child(char **argv)
{
	int fs, mount;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		err(99, "unshare");
	tell(to_parent, 0);
	hear(to_child);
	fs = syscall(FSOPEN, "bpf", 0);
	if (fs < 0)
		err(99, "fsopen");
	tell(to_parent, fs);
	hear(to_child);
	mount = syscall(FSMOUNT, fs, 0, 0);
	if (mount < 0)
		err(99, "fsmount");
	if (syscall(MOVE_MOUNT, mount, "", AT_FDCWD, argv[1],
	            MOVE_MOUNT_F_EMPTY_PATH))
		err(99, "move_mount");
	execvp(argv[3], argv + 3);
	err(99, "%s", argv[3]);
}

int main(int argc, char **argv)
{
	static const char *const options[] = {
		"delegate_cmds", "delegate_maps", "delegate_progs", "delegate_attachs",
	};
	int pidfd, fs, status;
	pid_t pid;

	if (argc < 4 || pipe2(to_parent, O_CLOEXEC) || pipe2(to_child, O_CLOEXEC))
		errx(99, "arguments");
	pid = fork();
	if (pid < 0)
		err(99, "fork");
	if (pid == 0)
		child(argv);
	close(to_parent[1]);
	hear(to_parent);
	write_map("uid_map", pid);
	write_map("gid_map", pid);
	tell(to_child, 0);
	fs = hear(to_parent);
	pidfd = syscall(PIDFD_OPEN, pid, 0);
	fs = syscall(PIDFD_GETFD, pidfd, fs, 0);
	if (fs < 0)
		err(99, "pidfd_getfd");
	for (int i = 0; argv[2][0] && i < 4; i++)
		if (syscall(FSCONFIG, fs, SET_STRING, options[i], argv[2], 0))
			err(99, "%s", options[i]);
	if (syscall(FSCONFIG, fs, CREATE, 0, 0, 0))
		err(99, "fsconfig");
	tell(to_child, 0);
	if (waitpid(pid, &status, 0) < 0)
		err(99, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
