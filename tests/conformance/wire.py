"""What a case speaks through: control connections and a GRE socket, and the patterns that it expects."""
import re
import select
import socket
import struct
import time

import pptp

PATIENCE = 12.0  # seconds for what must come; under sanitizers, beside other cases


class Wrong(Exception):
    """The program under test did not do what the case says."""


class Connection:
    """A control connection; what is received is checked by the codec in every case."""

    def __init__(self, sock, trace, name):
        self.socket, self.trace, self.name = sock, trace, name
        self.buffer, self.ended, self.dead = b"", False, False
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data, one_by_one):
        """The other end may have closed meanwhile: what comes back tells, not the sending."""
        self.socket.settimeout(PATIENCE)
        try:
            for piece in ([data[i:i + 1] for i in range(len(data))] if one_by_one else [data]):
                self.socket.sendall(piece)
        except socket.timeout:
            raise Wrong("the other end does not read") from None
        except OSError:
            self.dead = True

    def fill(self, deadline):
        """More bytes, or the end; False when the time is over."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.socket], [], [], left)[0]:
            return False
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        self.ended = self.ended or not data
        self.buffer += data
        return True

    def receive(self, deadline):
        """(name, fields) of the next message; None at the end of the connection; "late" when time is over."""
        while True:
            try:
                found = pptp.take(self.buffer)
            except pptp.Malformed as error:
                raise Wrong(f"malformed: {error}") from None
            if found:
                name, fields, self.buffer = found
                self.trace(f"{self.name} < {name} {show(fields)}")
                return name, fields
            if self.ended:
                if self.buffer:
                    raise Wrong(f"it ended amid a message: {self.buffer.hex()}")
                self.trace(f"{self.name} < end")
                return None
            if not self.fill(deadline):
                return "late"


class Gre:
    """Packets to this case's address, which nobody else uses, and from it to the program under test."""

    def __init__(self, own, other, trace):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_GRE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((own, 0))
        self.other, self.trace, self.kept = other, trace, []

    def send(self, packet, stranger=None):
        """From this case's address, or from that of a `stranger`."""
        self.trace(f"gre > {packet.hex()}")
        try:
            if stranger:
                with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_GRE) as sock:
                    sock.bind((stranger, 0))
                    sock.sendto(packet, (self.other, 0))
            else:
                self.socket.sendto(packet, (self.other, 0))
        except ConnectionRefusedError:
            pass

    def packet(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.socket], [], [], left)[0]:
            return None
        packet = self.socket.recv(65535)
        packet = packet[(packet[0] & 15) * 4:]
        self.trace(f"gre < {packet.hex()}")
        try:
            return pptp.gre_parse(packet)
        except pptp.Malformed as error:
            raise Wrong(f"malformed: {error}") from None

    def expect(self, matches, deadline):
        """The first packet that `matches`; the others stay for later steps."""
        for i, packet in enumerate(self.kept):
            if matches(packet):
                return self.kept.pop(i)
        while (packet := self.packet(deadline)) is not None:
            if matches(packet):
                return packet
            self.kept.append(packet)
        return None


def show(fields):
    parts = []
    for name, value in fields.items():
        if name.startswith("reserved") or value == b"" or value == 0:
            continue
        if isinstance(value, bytes):
            value = value.rstrip(b"\0")
            if not value:
                continue
        parts.append(f"{name}={value}")
    return " ".join(parts)


def value(text, is_text, variables):
    """What a data file's word means: a number or a text field's octets."""
    if match := re.fullmatch(r"\$([\w-]+)(?:([+-])(\d+))?", text):
        if match[1] not in variables:
            raise Wrong(f"${match[1]} is not known")
        found = variables[match[1]]
        if not match[2]:
            return found
        return (found + int(match[2] + match[3])) & 0xFFFFFFFF
    if text.startswith("hex:"):
        return bytes.fromhex(text[4:])
    if is_text:
        return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    if match := re.fullmatch(r"(\d+)\.(\d+)", text):
        return int(match[1]) << 8 | int(match[2])
    return int(text, 0)


def matches(pattern, found, variables, bound):
    """Is `found` what `pattern` says? What it binds goes to `bound`."""
    is_text = isinstance(found, bytes)
    if pattern == "*":
        return True
    if pattern.startswith(":") and re.fullmatch(r":[\w-]+", pattern):
        bound[pattern[1:]] = found
        return True
    if pattern.startswith("!"):
        return not matches(pattern[1:], found, variables, {})
    if is_text:
        want = value(pattern, True, variables)
        return found == want or found == want + b"\0" * (len(found) - len(want))
    if ".." in pattern:
        low, high = (value(v, False, variables) for v in pattern.split(".."))
        return low <= found <= high
    return any(found == value(v, False, variables) for v in pattern.split("|"))


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
