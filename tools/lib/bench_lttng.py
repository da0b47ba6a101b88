"""A session of LTTng's for one benchmark: a flight recorder in memory, by a session daemon of our own."""
import contextlib
import os
import shutil
import subprocess
import tempfile
import time


class NoSession(Exception):
    """Why there can be none, in a few words."""


def control(*arguments):
    """Whether lttng did it, and what it said; it never starts a daemon that we would not end."""
    try:
        ran = subprocess.run(["lttng", "--no-sessiond", *arguments], capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return False, "no answer"
    said = (ran.stderr or ran.stdout).strip().splitlines()
    return ran.returncode == 0, said[-1] if said else ""


def begin(name, events, daemon):
    until = time.monotonic() + 10
    while not control("list")[0]:
        if daemon.poll() is not None or time.monotonic() > until:
            raise NoSession("a session of LTTng's (its daemon does not start)")
        time.sleep(0.05)
    for command in (f"create {name} --snapshot --no-output", f"enable-event --userspace {events} --session {name}",
                    f"start {name}"):
        done, said = control(*command.split())
        if not done:
            raise NoSession(f"a session of LTTng's (lttng {command}: {said})")


@contextlib.contextmanager
def session(events):
    """Programs started within it have `events` recorded. Raises NoSession."""
    if not (shutil.which("lttng") and shutil.which("lttng-sessiond")):
        raise NoSession("lttng-tools")
    name, before = f"apm_bench_{os.getpid()}", dict(os.environ)
    with tempfile.TemporaryDirectory() as home:
        # Programs wait until the session knows them, so that none runs past it.
        os.environ |= {"LTTNG_HOME": home, "LTTNG_UST_REGISTER_TIMEOUT": "5000"}
        try:
            if control("list")[0]:
                raise NoSession("a session of LTTng's (a daemon that is not ours is running)")
            command = ["lttng-sessiond", "--no-kernel", "--quiet"]
            daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                begin(name, events, daemon)
                yield
            finally:
                control("destroy", name)
                daemon.terminate()                       # and with it its consumers
                daemon.wait()
        finally:
            os.environ.clear()
            os.environ.update(before)
