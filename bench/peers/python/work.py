"""What the endpoints do, whoever serves them: the same as in `gateway-bench serve`."""

import time

HELLO = b"Hello, world\n"
BIG = b"x" * (1024 * 1024)
PIECE = b"x" * 4096
PIECES = 16
WAIT = 0.1
COMPUTE = 0.002


def spin(rounds):
    total = 0
    for n in range(rounds):
        total = (total ^ n) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    return total


def timed(rounds):
    start = time.perf_counter()
    spin(rounds)
    return time.perf_counter() - start


# Rounds that take 2 ms on an idle core, measured once. Python's are others than those in Rust, which the
# measuring program sets.
ROUNDS = int(2000 * COMPUTE / min(timed(2000) for _ in range(20)))


def compute():
    return b"%d\n" % spin(ROUNDS)


def delay(query):
    """The wait that `/delay?s=1.5` asks for; None where it asks for none, or for too long a one."""
    name, _, value = query.partition("=")
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if name == "s" and 0 <= seconds <= 30 else None


def wait(seconds=WAIT):
    time.sleep(seconds)
    return b"waited\n"


def mixed():
    wait()
    return compute()


def drained(body):
    """Reads a request body to its end without keeping it."""
    length = 0
    while chunk := body.read(65536):
        length += len(chunk)
    return b"%d\n" % length


def pieces():
    return (PIECE for _ in range(PIECES))
