/*
 * cli/background.c: a command that goes on without its terminal, as nohup and & did for the old scripts.
 *
 * Happy path: the log is opened, then a child in a session of its own gets it as output and /dev/null as
 * input; its number is in the file before either of them goes on.
 * Fails before there is a child: a log or file that cannot be written, a process of that file that is alive.
 * Invariant: called while the process has one thread and no loop.
 */
#include "cli/background.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "collect/files.h"

/* The process that the file names, when it is alive; 0. */
static int64_t running(const char *pid_file)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(0);
    struct err ignored;
    int64_t pid;
    if (file_read(pid_file, 64, &text, &ignored) < 0 ||
        !str_to_i64(str_trim(buf_view(&text)), &pid) || pid <= 0 || pid > INT32_MAX)
        return 0;
    return kill((pid_t)pid, 0) == 0 || errno == EPERM ? pid : 0;
}

static int become(int log_fd, int null_fd)
{
    if (setsid() < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0 ||
        dup2(log_fd, STDERR_FILENO) < 0)
        return -errno;
    signal(SIGHUP, SIG_IGN);
    close(log_fd);
    close(null_fd);
    return 0;
}

/* The number in the file first: who is told of the child may want to stop it. */
static int part(const char *pid_file, int log_fd, int null_fd, struct err *err)
{
    int gate[2];
    char go = 0;
    if (pipe2(gate, O_CLOEXEC) < 0)
        return err_set(err, -errno, "pipe: %s", err_text(-errno));
    pid_t pid = fork();
    if (pid < 0) {
        int r = err_set(err, -errno, "fork: %s", err_text(-errno));
        close(gate[0]);
        close(gate[1]);
        return r;
    }
    if (pid == 0) {
        close(gate[1]);
        ssize_t n = read(gate[0], &go, 1);
        close(gate[0]);
        if (n != 1) /* the parent could not write the file: nobody is to know of us */
            _exit(1);
        return become(log_fd, null_fd);
    }
    char text[32];
    int length = snprintf(text, sizeof(text), "%d\n", (int)pid);
    int r = file_replace(pid_file, str_of(text, (size_t)length), err);
    if (r >= 0 && write(gate[1], "g", 1) != 1)
        r = err_set(err, -errno, "pipe: %s", err_text(-errno));
    close(gate[0]);
    close(gate[1]);
    return r < 0 ? r : pid;
}

int background_start(const char *pid_file, const char *log, struct err *err)
{
    int64_t other = running(pid_file);
    if (other > 0)
        return err_set(err, E_BUSY, "수집 프로세스 실행 중 (PID: %" PRId64 ")", other);
    int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log_fd < 0)
        return err_set(err, -errno, "%s: %s", log, err_text(-errno));
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fflush(stdout);
    int r = null_fd < 0 ? err_set(err, -errno, "/dev/null: %s", err_text(-errno))
                        : part(pid_file, log_fd, null_fd, err);
    if (r == 0)
        return 0;
    close(log_fd);
    if (null_fd >= 0)
        close(null_fd);
    if (r < 0)
        return r;
    printf("수집 프로세스 실행 중 (PID: %d)\n로그: tail -f %s\n중지: kill $(cat %s)\n", r, log,
           pid_file);
    return 1;
}
