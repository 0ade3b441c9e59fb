"""Runs one case, in one delivery, against one program under test."""
import re
import socket
import time

import pptp
from wire import PATIENCE, Connection, Gre, Wrong, matches, reset, show, value

ALIVE = 0x7C0F0000  # identifiers of the Echo-Requests that "alive" sends


def pairs(words):
    """NAME=VALUE words as a dictionary."""
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise Wrong(f"\"{word}\" is not NAME=VALUE")
        found[name] = text
    return found


class Run:
    def __init__(self, case, delivery, sut, address):
        self.case, self.delivery, self.sut, self.address = case, delivery, sut, address
        self.variables, self.connections, self.sent = {}, {}, set()
        self.lines, self.marks, self.probes = [], {}, 0
        self.gre = self.listener = self.before = None
        self.began = time.monotonic()

    def trace(self, line):
        self.lines.append(f"{time.monotonic() - self.began:7.3f} {line[:400]}")

    def go(self):
        """Raises Wrong where the program under test, or a step, is wrong."""
        verbs = {step.verb for step in self.case.steps}
        try:
            if self.sut.listens_to_us or "accept" in verbs:
                self.listener = socket.create_server((self.address, pptp.PORT))
            if any(verb.startswith("gre") for verb in verbs):
                self.gre = Gre(self.address, self.sut.address, self.trace)
            self.sut.begin(self)
            if "counts" in verbs:
                self.before = self.sut.stats()
            self.log_from = self.sut.log_size()
            if not self.listener:
                self.connect("a")
            elif self.sut.listens_to_us:
                self.accept("a")
            for index, step in enumerate(self.case.steps):
                self.step(index, step)
            for name, connection in self.connections.items():
                if connection.buffer:
                    raise Wrong(f"at the end of the case there is more on {name}: {connection.buffer.hex()}")
        finally:
            for connection in self.connections.values():
                connection.socket.close()
            for sock in (self.listener, self.gre and self.gre.socket):
                if sock:
                    sock.close()

    def step(self, index, step):
        try:
            if step.verb == ">":
                self.say(index, step)
            else:
                getattr(self, STEPS[step.verb])(step)
        except ValueError as error:
            raise Wrong(f"{step}: {error}") from None
        except Wrong as error:
            raise Wrong(f"{step}: {error}") from None

    # control connections

    def connect(self, name):
        sock = socket.socket()
        sock.bind((self.address, 0))
        sock.settimeout(PATIENCE)
        sock.connect((self.sut.address, pptp.PORT))
        self.connections[name] = Connection(sock, self.trace, name)
        self.mark(name)

    def accept(self, name):
        self.listener.settimeout(PATIENCE * 2)
        try:
            sock, peer = self.listener.accept()
        except socket.timeout:
            raise Wrong("it does not connect") from None
        self.trace(f"{name}: accepted from {peer[0]}")
        self.connections[name] = Connection(sock, self.trace, name)
        if not self.sut.listens_to_us and peer[0] != self.sut.address:
            raise Wrong(f"it dials from {peer[0]}, not from {self.sut.address}, where it listens")
        self.mark(name)

    def mark(self, name):
        self.marks[name] = time.monotonic()

    def connection(self, step):
        if step.connection not in self.connections:
            raise Wrong(f"there is no connection {step.connection}")
        return self.connections[step.connection]

    def octets(self, step):
        """Of a ">" step."""
        name, words = step.words[0], step.words[1:]
        if name == "hex":
            return bytes.fromhex("".join(words))
        if name == "zeros":
            return bytes(int(words[0]))
        if name == "text":
            return value(words[0], True, self.variables)
        if name not in pptp.MESSAGES:
            raise Wrong(f"there is no message {name}")
        texts = {f[0] for f in pptp.MESSAGES[name][2] if f[1].endswith("s")}
        return pptp.encode(name, {field: value(text, field in texts, self.variables)
                                  for field, text in pairs(words).items()})

    def say(self, index, step):
        if index in self.sent:
            return
        connection = self.connection(step)
        data = self.octets(step)
        self.trace(f"{step.connection} > {' '.join(step.words)}")
        if self.delivery == "joined":
            data += self.following(index, step)
        connection.send(data, self.delivery == "bytes")
        self.mark(step.connection)

    def following(self, index, first):
        """The octets of what the case says next and that needs nothing of what is still to come."""
        data, awaited = b"", set()
        for i in range(index + 1, len(self.case.steps)):
            step = self.case.steps[i]
            if step.connection != first.connection:
                break
            if step.verb == ">":
                used = {word.partition("=$")[2].split("+")[0] for word in step.words if "=$" in word}
                if used & awaited:
                    break
                data += self.octets(step)
                self.sent.add(i)
            elif step.verb == "<" and step.words[0] not in ("close", "end"):
                if self.sut.listens_to_us:
                    break  # it asks, we answer: nobody answers beforehand
                awaited |= {word.partition("=:")[2] for word in step.words if "=:" in word}
            else:
                break
        if data:
            self.trace(f"{first.connection} > and all up to step {max(self.sent) + 1} in the same segment")
        return data

    def hear(self, step):
        connection, name = self.connection(step), step.words[0]
        patterns = pairs(step.words[1:])
        within = patterns.pop("within", None)
        if name in ("close", "end"):
            self.hear_end(connection, name == "end")
        else:
            self.hear_message(connection, name, patterns)
        if within:
            took = time.monotonic() - self.marks[step.connection]
            low, high = (float(v) for v in within.split(".."))
            if not low <= took <= high:
                raise Wrong(f"after {took:.2f} s, not within {within}")
            self.mark(step.connection)

    def hear_end(self, connection, anything_before):
        deadline = time.monotonic() + PATIENCE
        while (got := connection.receive(deadline)) is not None:
            if got == "late":
                raise Wrong("the connection stays open")
            if not anything_before:
                raise Wrong(f"{got[0]} came instead: {show(got[1])}")

    def hear_message(self, connection, name, patterns):
        got = connection.receive(time.monotonic() + PATIENCE)
        if got is None or got == "late":
            raise Wrong("nothing came" if got else "the connection was closed instead")
        if got[0] != name:
            raise Wrong(f"{got[0]} came instead: {show(got[1])}")
        self.fits(patterns, got[1])

    def fits(self, patterns, fields):
        bound = {}
        for field, pattern in patterns.items():
            if field not in fields:
                raise Wrong(f"there is no field {field}")
            if not matches(pattern, fields[field], self.variables, bound):
                raise Wrong(f"{field} is {fields[field]!r}, not {pattern}")
        self.variables.update(bound)

    def alive(self, step):
        """An Echo-Request is answered, and by nothing else: what came before it was ignored."""
        self.probes += 1
        connection = self.connection(step)
        connection.send(pptp.encode("echo-request", {"identifier": ALIVE + self.probes}), False)
        self.hear_message(connection, "echo-reply", {"identifier": str(ALIVE + self.probes), "result": "1"})
        self.mark(step.connection)

    def silence(self, step):
        connection = self.connection(step)
        got = connection.receive(time.monotonic() + float(step.words[0]))
        if got != "late":
            raise Wrong(f"{got[0] if got else 'the end'} came")

    def close(self, step):
        self.connection(step).socket.close()
        del self.connections[step.connection]

    def reset(self, step):
        reset(self.connection(step).socket)
        del self.connections[step.connection]

    def half_close(self, step):
        self.connection(step).socket.shutdown(socket.SHUT_WR)
        self.mark(step.connection)

    def do_connect(self, step):
        self.connect(step.connection)

    def do_accept(self, step):
        self.accept(step.connection)

    # GRE

    def gre_fields(self, step):
        """The payload that a "gre>" says, and its other words."""
        words = pairs(step.words)
        data = words.pop("data", "")
        data = value(data, False, self.variables) if data.startswith("$") else bytes.fromhex(data)
        payload = bytes.fromhex(words.pop("payload", ""))
        if "lcp" in words:
            payload = pptp.lcp(value(words.pop("lcp"), False, self.variables),
                               value(words.pop("id", "1"), False, self.variables), data)
        return payload, words

    def gre_send(self, step):
        payload, words = self.gre_fields(step)
        cut, stranger = int(words.pop("cut", "0")), words.pop("from", None)
        numbers = {k.replace("-", "_"): value(v, False, self.variables) for k, v in words.items()}
        packet = pptp.gre(payload=payload, **numbers)
        self.gre.send(packet[:len(packet) - cut], stranger)
        self.mark(step.connection)

    def gre_pattern(self, step):
        """(a function that judges a packet and binds, seconds)"""
        words = pairs(step.words)
        seconds = float(words.pop("within", PATIENCE))

        def judge(packet):
            bound, fields = {}, dict(packet)
            payload = fields["payload"]
            start = 4 if payload[:2] == b"\xff\x03" else 2
            if payload[start - 2:start] == b"\xc0\x21" and len(payload) >= start + 4:
                fields.update(lcp=payload[start], id=payload[start + 1], data=payload[start + 4:])
            for field, pattern in words.items():
                if pattern == "none" and field not in fields:
                    continue
                if field not in fields or not matches(pattern, fields[field], self.variables, bound):
                    return False
            self.variables.update(bound)
            return True

        return judge, seconds

    def gre_hear(self, step):
        judge, seconds = self.gre_pattern(step)
        if self.gre.expect(judge, time.monotonic() + seconds) is None:
            raise Wrong("no such packet came")

    def gre_none(self, step):
        """Nothing like it comes from now on, for so long."""
        judge, seconds = self.gre_pattern(step)
        end = time.monotonic() + min(seconds, 0.4) if seconds == PATIENCE else time.monotonic() + seconds
        while (packet := self.gre.packet(end)) is not None:
            if judge(packet):
                raise Wrong(f"such a packet came: {packet['payload'].hex()}")
            self.gre.kept.append(packet)

    # the program under test

    def ends(self, step):
        status, reason, text = self.sut.ended()
        self.trace(f"it ended with status {status}, reason {reason}: {text}")
        want = pairs(step.words)
        if not matches(want["status"], status, self.variables, {}):
            raise Wrong(f"its status is {status}")
        if "reason" in want and reason != want["reason"]:
            raise Wrong(f"its reason is {reason}: {text}")
        if "text" in want and not re.search(want["text"], text or ""):
            raise Wrong(f"its text is: {text}")

    def signal(self, step):
        self.sut.signal(step.words[0])
        for name in self.connections:
            self.mark(name)

    def counts(self, step):
        """A counter has grown since the case began."""
        deadline = time.monotonic() + PATIENCE
        before = self.counter(self.before, step.words[0])
        while self.counter(self.sut.stats(), step.words[0]) <= before:
            if time.monotonic() > deadline:
                raise Wrong(f"it stays {before}")
            time.sleep(0.05)

    def counter(self, stats, path):
        for part in path.split("."):
            if not isinstance(stats, dict) or part not in stats:
                raise Wrong(f"there is no counter {path}")
            stats = stats[part]
        return stats

    def log(self, step):
        """A line that matches came into the log since the case began, about our address if it names one."""
        deadline = time.monotonic() + PATIENCE
        pattern = step.words[0].replace("{address}", re.escape(self.address))
        while not re.search(pattern, self.sut.log_text(self.log_from)):
            if time.monotonic() > deadline:
                raise Wrong("no such line")
            time.sleep(0.05)

    def gone(self, step):
        """The server has no session with us any more."""
        deadline = time.monotonic() + PATIENCE
        while self.address in self.sut.sessions():
            if time.monotonic() > deadline:
                raise Wrong("there is a session left")
            time.sleep(0.05)


STEPS = {"<": "hear", "gre>": "gre_send", "gre<": "gre_hear", "gre!": "gre_none", "alive": "alive",
         "silence": "silence", "close": "close", "reset": "reset", "half-close": "half_close",
         "connect": "do_connect", "accept": "do_accept", "ends": "ends", "signal": "signal",
         "counts": "counts", "log": "log", "gone": "gone"}
