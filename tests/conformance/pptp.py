"""PPTP on the wire, typed from RFC 2637 sections 1.4, 2 and 4.1, apart from libpptp.

A misreading there is not repeated here. Used by the conformance suite and by tests/netns/pns.
"""
import struct

COOKIE = 0x1A2B3C4D
PORT = 1723
HEADER = 12  # length, PPTP message type, cookie, control message type, reserved0


class Malformed(Exception):
    """What came is not what RFC 2637 allows to be sent."""


# Each message: number, section, and its fields after the header in order: (name, format, value unless told).
# Formats: B, H, I as in struct; 64s and so on are texts. Reserved fields begin with "reserved".
_START_TAIL = [("framing", "I", 3), ("bearer", "I", 3), ("max-channels", "H", 0), ("firmware", "H", 1),
               ("host", "64s", b"peer.example"), ("vendor", "64s", b"conformance suite")]
MESSAGES = {
    "start-request": (1, "2.1", [("version", "H", 0x0100), ("reserved1", "H", 0)] + _START_TAIL),
    "start-reply": (2, "2.2", [("version", "H", 0x0100), ("result", "B", 1), ("error", "B", 0)] + _START_TAIL),
    "stop-request": (3, "2.3", [("reason", "B", 1), ("reserved1", "B", 0), ("reserved2", "H", 0)]),
    "stop-reply": (4, "2.4", [("result", "B", 1), ("error", "B", 0), ("reserved1", "H", 0)]),
    "echo-request": (5, "2.5", [("identifier", "I", 0)]),
    "echo-reply": (6, "2.6", [("identifier", "I", 0), ("result", "B", 1), ("error", "B", 0),
                              ("reserved1", "H", 0)]),
    "outgoing-call-request": (7, "2.7", [
        ("call-id", "H", 1), ("serial", "H", 1), ("min-bps", "I", 300), ("max-bps", "I", 100000000),
        ("bearer", "I", 3), ("framing", "I", 3), ("window", "H", 64), ("delay", "H", 0),
        ("phone-length", "H", 0), ("reserved1", "H", 0), ("phone", "64s", b""), ("subaddress", "64s", b"")]),
    "outgoing-call-reply": (8, "2.8", [
        ("call-id", "H", 1), ("peer-call-id", "H", 0), ("result", "B", 1), ("error", "B", 0), ("cause", "H", 0),
        ("speed", "I", 64000), ("window", "H", 64), ("delay", "H", 0), ("channel", "I", 0)]),
    "incoming-call-request": (9, "2.9", [
        ("call-id", "H", 1), ("serial", "H", 1), ("bearer", "I", 1), ("channel", "I", 0),
        ("dialed-length", "H", 0), ("dialing-length", "H", 0), ("dialed", "64s", b""), ("dialing", "64s", b""),
        ("subaddress", "64s", b"")]),
    "incoming-call-reply": (10, "2.10", [
        ("call-id", "H", 1), ("peer-call-id", "H", 0), ("result", "B", 1), ("error", "B", 0),
        ("window", "H", 64), ("delay", "H", 0), ("reserved1", "H", 0)]),
    "incoming-call-connected": (11, "2.11", [
        ("peer-call-id", "H", 0), ("reserved1", "H", 0), ("speed", "I", 64000), ("window", "H", 64),
        ("delay", "H", 0), ("framing", "I", 1)]),
    "call-clear-request": (12, "2.12", [("call-id", "H", 1), ("reserved1", "H", 0)]),
    "call-disconnect-notify": (13, "2.13", [
        ("call-id", "H", 1), ("result", "B", 4), ("error", "B", 0), ("cause", "H", 0), ("reserved1", "H", 0),
        ("statistics", "128s", b"")]),
    "wan-error-notify": (14, "2.14", [
        ("peer-call-id", "H", 0), ("reserved1", "H", 0), ("crc", "I", 0), ("framing", "I", 0),
        ("hardware", "I", 0), ("buffer", "I", 0), ("time-out", "I", 0), ("alignment", "I", 0)]),
    "set-link-info": (15, "2.15", [
        ("peer-call-id", "H", 0), ("reserved1", "H", 0), ("send-accm", "I", 0xFFFFFFFF),
        ("receive-accm", "I", 0xFFFFFFFF)]),
}
# The length of a number that is in a text field beside it, filled in unless it is told
_LENGTHS = {"phone-length": "phone", "dialed-length": "dialed", "dialing-length": "dialing"}
NAMES = {number: name for name, (number, _, _) in MESSAGES.items()}
# Values that a sender may use (sections 2.2 to 2.13); an error code belongs to result 2 only
RESULTS = {"start-reply": range(1, 6), "stop-reply": range(1, 3), "echo-reply": range(1, 3),
           "outgoing-call-reply": range(1, 8), "incoming-call-reply": range(1, 4),
           "call-disconnect-notify": range(1, 5)}


def frame(kind, body, length=None, pptp_type=1, cookie=COOKIE, reserved=0):
    """A message of this number with this body; the header can be told to be wrong."""
    size = HEADER + len(body) if length is None else length
    return struct.pack("!HHIHH", size, pptp_type, cookie, kind, reserved) + body


def encode(name, fields=None):
    """The message's octets. `fields` also takes length, pptp-type, cookie, type, reserved0, and cut, pad: so many
    octets less or more than the message has (its length field follows unless it is told)."""
    fields = dict(fields or {})
    number, _, layout = MESSAGES[name]
    kind = fields.pop("type", number)
    header = {"pptp_type": fields.pop("pptp-type", 1), "cookie": fields.pop("cookie", COOKIE),
              "reserved": fields.pop("reserved0", 0), "length": fields.pop("length", None)}
    cut, pad = fields.pop("cut", 0), fields.pop("pad", 0)
    for length, text in _LENGTHS.items():
        if any(f[0] == length for f in layout) and length not in fields:
            fields[length] = min(len(fields.get(text, b"")), 64)
    values = []
    for field, form, default in layout:
        value = fields.pop(field, default)
        if form.endswith("s") != isinstance(value, bytes):
            raise ValueError(f"{name}: {field} cannot be {value!r}")
        values.append(value)
    if fields:
        raise ValueError(f"{name} has no field {', '.join(fields)}")
    body = struct.pack("!" + "".join(form for _, form, _ in layout), *values)
    body = body[:len(body) - cut] + b"\0" * pad
    return frame(kind, body, **header)


def take(buffer):
    """(name, fields, rest) of the first message in `buffer`, None if it is not whole yet. Malformed for what no
    sender may say: header, length, reserved fields, padding, result and error codes out of range."""
    if len(buffer) < 2:
        return None
    size, = struct.unpack("!H", buffer[:2])
    if not 16 <= size <= 220:
        raise Malformed(f"a message of {size} octets")
    if len(buffer) < size:
        return None
    _, pptp_type, cookie, kind, reserved = struct.unpack("!HHIHH", buffer[:HEADER])
    if (pptp_type, cookie, reserved) != (1, COOKIE, 0) or kind not in NAMES:
        raise Malformed(f"the header {buffer[:HEADER].hex()}")
    name = NAMES[kind]
    layout = MESSAGES[name][2]
    form = "!" + "".join(f[1] for f in layout)
    if struct.calcsize(form) != size - HEADER:
        raise Malformed(f"{name} of {size} octets")
    fields = dict(zip((f[0] for f in layout), struct.unpack(form, buffer[HEADER:size])))
    _check(name, fields)
    return name, fields, buffer[size:]


def _check(name, fields):
    for field, value in fields.items():
        if field.startswith("reserved") and value:
            raise Malformed(f"{name}: {field} is {value}, must be 0")
        if isinstance(value, bytes) and field != "subaddress" and value.rstrip(b"\0").count(0):
            raise Malformed(f"{name}: {field} is not filled with 0: {value!r}")
    for length, text in _LENGTHS.items():
        if length in fields and fields[length] != len(fields[text].rstrip(b"\0")):
            raise Malformed(f"{name}: {length} is {fields[length]}, the text {fields[text]!r}")
    if name in RESULTS:
        if fields["result"] not in RESULTS[name]:
            raise Malformed(f"{name}: result {fields['result']}")
        if (fields["result"] == 2) != (fields["error"] in range(1, 7)) or fields["error"] > 6:
            raise Malformed(f"{name}: result {fields['result']} with error {fields['error']}")
    if name == "stop-request" and fields["reason"] not in (1, 2, 3):
        raise Malformed(f"stop-request: reason {fields['reason']}")


# Enhanced GRE, section 4.1

GRE_K, GRE_S, GRE_A, GRE_PPP = 0x2000, 0x1000, 0x0080, 0x880B


def gre(call_id, payload=b"", seq=None, ack=None, flags=None, protocol=GRE_PPP, length=None):
    """A packet; `flags` replaces the first two octets (which fields follow is still told by seq and ack)."""
    if flags is None:
        flags = GRE_K | 1 | (GRE_S if seq is not None else 0) | (GRE_A if ack is not None else 0)
    packet = struct.pack("!HHHH", flags, protocol, len(payload) if length is None else length, call_id)
    for number in (seq, ack):
        if number is not None:
            packet += struct.pack("!I", number & 0xFFFFFFFF)
    return packet + payload


def gre_parse(packet):
    """Fields of a packet that greyline sent; Malformed where section 4.1 leaves no choice."""
    if len(packet) < 8:
        raise Malformed(f"GRE of {len(packet)} octets")
    flags, protocol, length, call_id = struct.unpack("!HHHH", packet[:8])
    if flags & ~(GRE_K | GRE_S | GRE_A) != 1 or not flags & GRE_K or protocol != GRE_PPP:
        raise Malformed(f"the GRE header {packet[:8].hex()}")
    found, offset = {"call-id": call_id, "flags": flags, "length": length}, 8
    for bit, field in ((GRE_S, "seq"), (GRE_A, "ack")):
        if flags & bit:
            if len(packet) < offset + 4:
                raise Malformed(f"GRE without its {field}: {packet.hex()}")
            found[field], = struct.unpack("!I", packet[offset:offset + 4])
            offset += 4
    found["payload"] = packet[offset:]
    if len(found["payload"]) != length:
        raise Malformed(f"GRE payload length {length}, there are {len(found['payload'])} octets")
    if bool(length) != bool(flags & GRE_S):
        raise Malformed(f"GRE with S {'set' if flags & GRE_S else 'clear'} and {length} octets of payload")
    return found


LCP = 0xC021


def lcp(code, identifier, data=b""):
    return struct.pack("!HHBBH", 0xFF03, LCP, code, identifier, 4 + len(data)) + data
