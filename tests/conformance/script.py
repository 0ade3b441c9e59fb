"""The language of the conformance suite's data files: see README.md beside it.

A file becomes a list of cases; a case is a list of steps with everything in it that the engine needs.
"""
import shlex

import pptp

DELIVERIES = ("whole", "bytes", "joined")


class Bad(Exception):
    """A mistake in a data file, with its place."""


class Step:
    def __init__(self, where, connection, verb, words):
        self.where, self.connection, self.verb, self.words = where, connection, verb, words

    def __str__(self):
        prefix = "" if self.connection == "a" else f"@{self.connection} "
        return f"{self.where}: {prefix}{self.verb} {' '.join(self.words)}"


class Case:
    def __init__(self, where, section, title, against, deliver, address):
        self.where, self.section, self.title = where, section, title
        self.against, self.deliver, self.address = against, deliver, address
        self.steps = []


VERBS = {">", "<", "gre>", "gre<", "gre!", "do", "alive", "silence", "close", "reset", "half-close", "connect",
         "accept", "ends", "signal", "counts", "log", "gone"}


class Suite:
    def __init__(self):
        self.macros, self.configs, self.cases = {}, {}, []

    def read(self, path):
        Reader(self, path).run()


class Reader:
    """One file. Defaults (against, deliver, address) hold from where they are to the end of the file or block."""

    def __init__(self, suite, path):
        self.suite, self.path, self.number = suite, path, 0
        self.defaults = {"against": ["server"], "deliver": list(DELIVERIES), "address": "any"}
        self.case = self.state = None
        with open(path, encoding="utf-8") as f:
            self.lines = f.read().split("\n")

    def bad(self, what):
        return Bad(f"{self.path.rsplit('/', 1)[-1]}:{self.number}: {what}")

    def next(self):
        """The next line, continued ones joined; None at the end."""
        text = ""
        while self.number < len(self.lines):
            text += self.lines[self.number]
            self.number += 1
            if not text.endswith("\\"):
                return text
            text = text[:-1]
        return None

    def words(self, line):
        try:
            return shlex.split(line, comments=True)
        except ValueError as error:
            raise self.bad(str(error)) from None

    def block(self):
        """The lines up to "end"."""
        lines = []
        while (line := self.next()) is not None:
            if line.strip() == "end":
                return lines
            lines.append(line)
        raise self.bad("\"end\" is missing")

    def run(self):
        while (line := self.next()) is not None:
            words = self.words(line)
            if words:
                self.statement(words)
        self.end_state()

    def statement(self, words):
        verb = words[0]
        if verb == "macro":
            self.suite.macros[words[1]] = [self.step(w) for w in map(self.words, self.block()) if w]
        elif verb == "config":
            self.suite.configs[words[1]] = "\n".join(self.block()) + "\n"
        elif verb == "foreach":
            self.foreach(words[1], list(pptp.MESSAGES) if words[2:] == ["all"] else words[2:])
        elif verb == "case":
            self.end_state()
            self.new_case(words[1], words[2])
        elif verb == "state":
            self.end_state()
            self.state = State(words[1], words[2])
            self.case = None
        elif verb == "on" and self.state:
            self.new_case(self.state.section, f"{self.state.title}: {words[1]}")
            self.state.handled.add(words[1])
            self.expand(self.case.steps, self.state.setup)
            self.case.steps.append(self.step([">"] + words[1:]))
        elif verb in self.defaults:
            self.default(verb, words[1:])
        else:
            step = self.step(words)
            if self.case:
                self.expand(self.case.steps, [step])
            elif self.state:
                self.state.setup.append(step)
            else:
                raise self.bad(f"\"{verb}\" belongs into a case")

    def foreach(self, name, values):
        """The block once for each value, {NAME} replaced by it."""
        first, block = self.number, self.block()
        last, lines = self.number, self.lines
        for value in values:
            self.lines = lines[:first] + [line.replace("{" + name + "}", value) for line in block]
            self.number = first
            while (line := self.next()) is not None:
                if words := self.words(line):
                    self.statement(words)
        self.lines, self.number = lines, last

    def default(self, verb, words):
        value = words[0] if verb == "address" else words
        if verb == "deliver" and not set(words) <= set(DELIVERIES):
            raise self.bad("a delivery is whole, bytes or joined")
        if self.case:
            setattr(self.case, verb, value)
        elif self.state:
            self.state.own[verb] = value
        else:
            self.defaults[verb] = value

    def new_case(self, section, title):
        own = {**self.defaults, **(self.state.own if self.state else {})}
        name = self.path.rsplit("/", 1)[-1].removesuffix(".txt")
        self.case = Case(f"{name}:{self.number}", section, title, **own)
        self.suite.cases.append(self.case)

    def end_state(self):
        """A state says what happens on each of the 15 messages, or there is no knowing what was forgotten."""
        if self.state and set(pptp.MESSAGES) - self.state.handled:
            missing = ", ".join(sorted(set(pptp.MESSAGES) - self.state.handled))
            raise self.bad(f"the state \"{self.state.title}\" says nothing about {missing}")
        self.state = self.case = None

    def step(self, words):
        where = f"{self.path.rsplit('/', 1)[-1]}:{self.number}"
        connection = "a"
        if words[0].startswith("@") and len(words) > 1:
            connection, words = words[0][1:], words[1:]
        if words[0] not in VERBS:
            raise self.bad(f"\"{words[0]}\" is no step")
        if words[0] in ("<", ">") and len(words) < 2:
            raise self.bad("which message?")
        return Step(where, connection, words[0], words[1:])

    def expand(self, into, steps):
        for step in steps:
            if step.verb != "do":
                into.append(step)
            elif step.words[0] not in self.suite.macros:
                raise self.bad(f"there is no macro {step.words[0]}")
            else:
                self.expand(into, self.suite.macros[step.words[0]])


class State:
    def __init__(self, section, title):
        self.section, self.title = section, title
        self.setup, self.handled, self.own = [], set(), {}
