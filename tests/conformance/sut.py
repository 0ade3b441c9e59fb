"""The programs under test: servers and clients of greyline, in the namespace that the runner made."""
import json
import os
import signal
import subprocess
import time

NETWORK = "198.18.0.1/15"  # of the namespace's loopback device: all of it is local
START = 20.0  # seconds until a server must be ready


class Failed(Exception):
    """The program cannot be started, or did not end in order."""


class Program:
    """A process with its output in files."""

    def __init__(self, work, name):
        self.base = os.path.join(work, name)
        self.process = self.failure = None

    def spawn(self, arguments, state):
        os.makedirs(state, exist_ok=True)
        environment = dict(os.environ, GREYLINE_STATE=state, GREYLINE_PASSWORD="wonderland", LC_ALL="C")
        with open(self.base + ".out", "ab") as out, open(self.base + ".err", "ab") as err:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=environment)

    def text(self, kind):
        try:
            with open(self.base + kind, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def log_size(self):
        return len(self.text(".err"))

    def log_text(self, start):
        return self.text(".err")[start:]

    def signal(self, name):
        self.process.send_signal(getattr(signal, "SIG" + name))

    def stop(self, seconds=15):
        """Its exit status; None if it had to be killed."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def sanitizer_report(self):
        lines = self.text(".err").split("\n")
        for i, line in enumerate(lines):
            if "runtime error:" in line or "Sanitizer" in line:
                return "\n".join(lines[i:i + 30])
        return None


class Server(Program):
    """`greyline server`; `number` chooses its addresses, outer and inner."""

    listens_to_us = False

    def __init__(self, greyline, work, name, config, number):
        super().__init__(work, f"server-{number}-{name}")
        self.greyline, self.config, self.number = greyline, config, number
        self.address = f"198.18.{200 + number // 250}.{number % 250 + 1}"
        self.socket = self.base + ".sock"

    def begin(self, run):
        """A server that is one case's alone starts with it."""
        if not self.process:
            self.config = self.config.replace("{address}", run.address).replace("{server}", self.address)
            self.start()

    def start(self):
        with open(self.base + ".conf", "w", encoding="utf-8") as f:
            f.write(self.config)
        inner = f"10.{100 + self.number // 250}.{self.number % 250}"
        self.spawn([self.greyline, "server", "-c", self.base + ".conf", "--listen", self.address,
                    "--control", self.socket, "--user", "alice:wonderland", "--local", inner + ".1",
                    "--pool", inner + ".0/24", "--set", "forward=false"], self.base + ".state")
        deadline = time.monotonic() + START
        while "ready" not in self.text(".out"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed("the server does not start: " + self.text(".err")[-1000:])
            time.sleep(0.02)

    def ctl(self, *arguments):
        done = subprocess.run([self.greyline, "ctl", "--control", self.socket, "--json", *arguments],
                              capture_output=True, timeout=15, check=False)
        if done.returncode:
            raise Failed(f"ctl {arguments}: {done.stderr.decode(errors='replace')[-300:]}")
        return json.loads(done.stdout)

    def stats(self):
        return self.ctl("stats")

    def sessions(self):
        return {session.get("peer", "").split(":")[0] for session in self.ctl("sessions")}

    def emptied(self, seconds=10):
        """Waits until it has neither connection nor session; what is left else."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.ctl("status")
            left = {k: status[k] for k in ("connections", "sessions") if status[k]}
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.1)

    def ended(self):
        try:
            return self.process.wait(15), None, None
        except subprocess.TimeoutExpired:
            raise Failed("the server does not end") from None


class Client(Program):
    """`greyline connect`, which dials the case."""

    listens_to_us = True

    def __init__(self, greyline, work, number, arguments):
        super().__init__(work, f"client-{number}")
        self.greyline, self.arguments = greyline, arguments
        self.address = NETWORK.partition("/")[0]  # what the kernel gives whoever dials one of them

    def begin(self, run):
        arguments = [a.replace("{address}", run.address) for a in self.arguments]
        self.spawn([self.greyline, "connect", run.address, "--user", "alice", "--once", "--json",
                    "--control", self.base + ".sock", *arguments], self.base + ".state")

    def stats(self):
        raise Failed("a client's counters are not asked for")

    def ended(self):
        """(exit status, reason, text) of its end."""
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            raise Failed("the client does not end") from None
        reason = text = None
        for line in self.text(".out").split("\n"):
            if line.startswith("{"):
                event = json.loads(line)
                if event.get("event") == "disconnected":
                    reason, text = event.get("reason"), event.get("text")
        return status, reason, text
