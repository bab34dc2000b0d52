"""The suite `net`: its figures, their goals, and how they are measured."""

import contextlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

import programs
from figure import Figure

PREFIX = "net/"

FIGURES = [
    Figure("dial_close_vs_asio", "TcpDialer, a numeric address, a timeout for each dial / Asio's `async_connect` with a timer each", "", 0.9),
    Figure("dial_close_vs_raw", "the same / socket, non-blocking connect, poll, close", "", 1.25),
    Figure("dial_close_speedup_go", "Go, `net.DialTimeout` and `Close` / the same", "times", 1.3, True),
    Figure("dial_syscalls", "system calls of one dial and close, beside those that set the socket's options", "calls", 10),
    Figure("tracked_dial_extra_ns", "a dial and a close in a MemoryNetwork through TrackedDialer, less without it, 16 frames", "ns", 300),
    Figure("dead_first_address_ms", "until connected, where the first of two addresses lets nothing through", "ms", 300),
    Figure("pingpong_64b_cpu_vs_asio", "64 bytes to and fro, a deadline for each read / Asio's blocking calls without one", "", 1.1),
    Figure("throughput_64k_vs_asio", "bytes per second one way in pieces of 64 KiB / Asio's, the least of four: reading and writing, "
                                     "by the clock and by processor time", "", 0.98, True),
    Figure("memory_roundtrip_speedup_64b", "64 bytes to and fro in one thread: loopback TCP / MemoryNetwork", "times", 90, True),
    Figure("memory_roundtrip_32k_vs_memcpy", "32 KiB to and fro in a MemoryNetwork / the copies that takes, under a mutex", "", 1.5),
    Figure("deadline_wakeups", "how often a thread wakes for a `set_read_deadline`", "", 0.1),
    Figure("async_dial_vs_async_connect", "TcpAsyncDialer, by a coroutine, a timeout for each dial / Asio's `async_connect` with a timer and the same options", "", 1.1),
    Figure("stream_throughput_vs_socket", "bytes per second in pieces of 64 KiB, by coroutines: Stream / Asio's socket, the less of clock and processor time", "", 0.95, True),
    Figure("tracked_socket_throughput_vs_socket", "the same: TrackedSocket / Asio's socket", "", 0.98, True),
    Figure("stream_pingpong_vs_socket", "64 bytes to and fro by coroutines, processor time: Stream / Asio's socket", "", 1.15),
    Figure("tracked_accept_extra_ns", "an asynchronous accept and a close in a MemoryNetwork through TrackedAsyncBinder, less without it, 16 frames", "ns", 300),
    Figure("tracked_socket_accept_extra_ns", "an accept and a close by TrackedAcceptor / by Asio's, with `local_endpoint` and `remote_endpoint`, 16 frames", "ns", 300),
    Figure("off_socket_extra_instructions", "tracking compiled out: a read and a write of a TrackedSocket, less those of Asio's", "instructions", 0),
    Figure("echo_10000_cpu_vs_asio", "10,000 connections echoed by coroutines, processor time: Stream, tracked / Asio's socket", "", 1.05),
    Figure("bytes_per_tracked_conn", "10,000 connections held, each tracked with its stack, resident, less what Asio's sockets take", "bytes", 400),
]

# Why a goal is missed, where it is: what perf and strace showed.
CAUSES = {
    "dial_close_vs_asio": "the kernel's share of Asio's dial, which both have, is four fifths of it.",
    "pingpong_64b_cpu_vs_asio": "a read that has to wait polls, since it has a deadline: one system call more for each.",
    "throughput_64k_vs_asio": "a wait is a poll besides, and on one core each 64 KiB make both ends wait. Of the four, writing by processor time is "
                              "quicker than Asio's.",
    "tracked_dial_extra_ns": "of the instructions that the dial takes more, half are the tag with its stack, and four tenths the name of the "
                             "connection, two addresses as text.",
    "tracked_accept_extra_ns": "of the instructions that are added, half were the addresses as text before that was made shorter; the rest is handlers, the stream's own handle and the tag.",
    "tracked_socket_accept_extra_ns": "of some 2,000 instructions more, a third is the addresses as text, a quarter the record of the tag, a fifth the stack.",
    "async_dial_vs_async_connect": "a Context with its timer, the text of the address, the plan of the race: 12,000 instructions more, and a system call for the local address.",
    "echo_10000_cpu_vs_asio": "the system calls are the same; the time outside the kernel doubles, spread over many small functions, of leash's none takes a hundredth of the whole.",
    "memory_roundtrip_speedup_64b": "four operations with a lock and a copy each, of some 25 ns; the rest depends on how long the kernel takes.",
}

# What is measured as pairs that take turns: the benchmark, the names of the ratio and of what one operation of ours and theirs takes.
PAIRS = {
    "net_dial_close_asio": ("dial_close_vs_asio", None, "peer/asio_dial_close_ns"),
    "net_dial_close_raw": ("dial_close_vs_raw", "dial_close_ns", "peer/raw_dial_close_ns"),
    "net_pingpong": ("pingpong_64b_cpu_vs_asio", "pingpong_64b_ns", "peer/asio_pingpong_64b_ns"),
    "net_round_trip_64_vs_tcp": ("memory_roundtrip_64b_vs_tcp", "memory_roundtrip_64b_ns", "peer/tcp_roundtrip_64b_ns"),
    "net_round_trip_32k_vs_memcpy": ("memory_roundtrip_32k_vs_memcpy", "memory_roundtrip_32k_ns", "peer/memcpy_roundtrip_32k_ns"),
    "net_echo_64_vs_tcp": ("memory_echo_64b_vs_tcp", "memory_echo_64b_ns", "peer/tcp_echo_64b_ns"),
    "net_round_trip_64_beside_a_rule": ("memory_rule_overhead", None, "memory_roundtrip_64b_alone_ns"),
    "net_write_64k_by_clock": ("write_64k_by_clock_vs_asio", "write_64k_by_clock_ns", "peer/asio_write_64k_by_clock_ns"),
    "net_write_64k_by_processor": ("write_64k_by_processor_vs_asio", "write_64k_by_processor_ns", "peer/asio_write_64k_by_processor_ns"),
    "net_async_dial": ("async_dial_vs_async_connect", "async_dial_close_ns", "peer/asio_async_dial_close_ns"),
    "net_stream_pingpong": ("stream_pingpong_vs_socket", "stream_pingpong_64b_ns", "peer/asio_async_pingpong_64b_ns"),
    "net_tracked_socket_pingpong": ("tracked_socket_pingpong_vs_socket", "tracked_socket_pingpong_64b_ns", None),
    "net_stream_64k_by_clock": ("stream_64k_by_clock_vs_socket", "stream_64k_by_clock_ns", "peer/asio_async_64k_by_clock_ns"),
    "net_stream_64k_by_processor": ("stream_64k_by_processor_vs_socket", "stream_64k_by_processor_ns", "peer/asio_async_64k_by_processor_ns"),
    "net_tracked_socket_64k_by_clock": ("tracked_socket_64k_by_clock_vs_socket", None, None),
    "net_tracked_socket_64k_by_processor": ("tracked_socket_64k_by_processor_vs_socket", None, None),
    "net_read_64k_by_clock": ("read_64k_by_clock_vs_asio", "read_64k_by_clock_ns", "peer/asio_read_64k_by_clock_ns"),
    "net_read_64k_by_processor": ("read_64k_by_processor_vs_asio", "read_64k_by_processor_ns", "peer/asio_read_64k_by_processor_ns"),
}
# What is added to something else: the benchmark, the names of the difference and of what ours takes.
EXTRAS = {
    "net_tracked_dial": ("tracked_dial_extra_ns", "tracked_dial_close_ns"),
    "net_tracked_accept": ("tracked_accept_extra_ns", "tracked_accept_close_ns"),
    "net_tracked_socket_accept": ("tracked_socket_accept_extra_ns", "tracked_socket_accept_close_ns"),
}
THROUGHPUTS = [f"{what}_64k_by_{how}_vs_asio" for what in ["write", "read"] for how in ["clock", "processor"]]

OWN = [
    ("dial_close_ns", "a dial and a close, processor time of the thread"),
    ("dial_close_clock_ns", "the same by the clock"),
    ("tracked_dial_close_ns", "a dial, an accept and both closes in a MemoryNetwork, tracked"),
    ("timeout_wakeups", "how often a thread wakes for a Context with a timeout"),
    ("memory_rule_overhead", "64 bytes to and fro in a MemoryNetwork that has a rule for other traffic / in one without"),
    ("async_dial_close_ns", "an asynchronous dial and a close, processor time"),
    ("tracked_socket_pingpong_vs_socket", "64 bytes to and fro by coroutines, processor time: TrackedSocket / Asio's socket"),
    ("echo_10000_tracked_socket_cpu_vs_asio", "10,000 connections echoed by coroutines, processor time: TrackedSocket / Asio's socket"),
    ("memory_dial_accept_close_ns", "a dial, an accept and both closes in a MemoryNetwork"),
    ("tracked_conn_bytes", "one of 10,000 connections, each tracked, resident"),
]

# The same work by leash and by another: what it is, the unit, leash's figure, and the others' with what they are.
COMPARED = [
    ("a dial and a close, processor time", "µs", "dial_close_ns",
     [("raw_dial_close_ns", "system calls"), ("asio_dial_close_ns", "Asio, `async_connect` and a timer")]),
    ("the same of the whole process", "µs", "dial_close_process_ns", [("go_dial_close_process_ns", "Go, `net.DialTimeout`")]),
    ("64 bytes to and fro over TCP, processor time", "µs", "pingpong_64b_ns", [("asio_pingpong_64b_ns", "Asio, blocking, without deadlines")]),
    ("an asynchronous dial and a close, processor time", "µs", "async_dial_close_ns",
     [("asio_async_dial_close_ns", "Asio, `async_connect` and a timer")]),
    ("64 bytes to and fro over TCP by coroutines, processor time", "µs", "stream_pingpong_64b_ns",
     [("asio_async_pingpong_64b_ns", "Asio's sockets")]),
    ("64 KiB from one coroutine to another, processor time", "µs", "stream_64k_by_processor_ns",
     [("asio_async_64k_by_processor_ns", "Asio's sockets")]),
    ("10,000 connections, an echo, processor time", "µs", "echo_10000_ns", [("asio_echo_10000_ns", "Asio's sockets")]),
    ("64 KiB written, processor time", "µs", "write_64k_by_processor_ns", [("asio_write_64k_by_processor_ns", "Asio, blocking")]),
    ("64 KiB read, processor time", "µs", "read_64k_by_processor_ns", [("asio_read_64k_by_processor_ns", "Asio, blocking")]),
    ("64 KiB written, by the clock", "µs", "write_64k_by_clock_ns", [("asio_write_64k_by_clock_ns", "Asio, blocking")]),
    ("64 KiB read, by the clock", "µs", "read_64k_by_clock_ns", [("asio_read_64k_by_clock_ns", "Asio, blocking")]),
    ("64 bytes to and fro in a MemoryNetwork, one thread", "ns", "memory_roundtrip_64b_ns", [("tcp_roundtrip_64b_ns", "loopback TCP")]),
    ("the same between two threads", "ns", "memory_echo_64b_ns", [("tcp_echo_64b_ns", "loopback TCP")]),
    ("32 KiB to and fro in a MemoryNetwork", "ns", "memory_roundtrip_32k_ns", [("memcpy_roundtrip_32k_ns", "memcpy under a mutex")]),
]

# Which figure needs a tool besides the compiler; without it the figure is left out.
NEEDS = {
    "the Go program": ["dial_close_speedup_go"],
    "the count of system calls": ["dial_syscalls"],
    "the count of instructions": ["off_socket_extra_instructions"],
}


def measure(build, smoke, rounds):
    """Measures everything: in rounds, each of which runs all programs, so that all have the same good and bad times."""
    samples = programs.Samples()
    min_time = 0.001 if smoke else 0.1
    rounds = 1 if smoke else rounds
    for number in range(1, rounds + 1):
        programs.say(f"round {number} of {rounds}: connections, dials")
        take_benchmarks(samples, build, min_time)
        take_dials(samples, build, 10 if smoke else 5000)
    slow_rounds = 1 if smoke else max(1, rounds // 3)
    for number in range(1, slow_rounds + 1):
        programs.say(f"round {number} of {slow_rounds}: connections held, connections echoed")
        take_held(samples, build, 100 if smoke else 10_000)
        take_echoes(samples, build, 100 if smoke else 10_000)
    count_system_calls(samples, build)
    count_instructions(samples, build)
    return samples


@contextlib.contextmanager
def one_core():
    """Programs that are run in the block have one core: to wake another one may take as long as all the rest, in a virtual machine."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def take_benchmarks(samples, build, min_time):
    with one_core():
        entries = [entry for program in ["bench_net", "bench_net_async"] for entry in programs.google_benchmark(build / program, min_time)]
    for entry in entries:
        name = re.sub(r"/(min_time:[^/]*|manual_time|real_time|iterations:\d+)", "", entry["name"])
        if name in EXTRAS:
            extra, ours = EXTRAS[name]
            samples.add(extra, entry["ours_ns"] - entry["theirs_ns"])
            samples.add(ours, entry["ours_ns"])
        elif name in PAIRS:
            ratio, ours, theirs = PAIRS[name]
            samples.add(ratio, entry["ratio"])
            if ours:
                samples.add(ours, entry["ours_ns"])
            if theirs:
                samples.add(theirs, entry["theirs_ns"])
        elif "wakeups" in entry:
            samples.add(name.removeprefix("net_"), entry["wakeups"])
        elif name == "net_dead_first_address":
            samples.add("dead_first_address_ms", entry["real_time"] * programs.NANOSECONDS[entry["time_unit"]] / 1e6)
        else:
            samples.add(name.replace("net_", "memory_") + "_ns", programs.nanoseconds(entry))


@contextlib.contextmanager
def server(build):
    """The address of a process that accepts connections, until the block ends."""
    with subprocess.Popen([build / "bench_net_dial", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


def take_dials(samples, build, count):
    """leash's and Go's, each in a process of its own."""
    go = build / "peers/bench_net_go"
    with server(build) as address:
        ours = programs.json_output([build / "bench_net_dial", "dial", address, count])
        samples.add("dial_close_process_ns", ours["cpu_ns"])
        samples.add("dial_close_clock_ns", ours["clock_ns"])
        if not go.exists():
            samples.leave_out("the Go program", "there is no go, 1.18 or newer")
            return
        samples.peers = [programs.first_line(["go", "version"]).removeprefix("go version ")]
        theirs = programs.json_output([go, address, count])
        samples.add("peer/go_dial_close_process_ns", theirs["cpu_ns"])
        samples.add("peer/go_dial_close_clock_ns", theirs["clock_ns"])
        samples.add("dial_close_speedup_go", theirs["cpu_ns"] / ours["cpu_ns"])


def take_held(samples, build, count):
    ours, theirs = [programs.json_output([build / "bench_net_held", who, count])["bytes_per_conn"] for who in ["leash", "asio"]]
    samples.add("tracked_conn_bytes", ours)
    samples.add("peer/asio_conn_bytes", theirs)
    samples.add("bytes_per_tracked_conn", ours - theirs)


def take_echoes(samples, build, count):
    """Each kind of server in a process of its own, in another order each time."""
    kinds = ["stream", "asio", "tracked_socket"]
    taken = {}
    with one_core():
        for kind in random.sample(kinds, len(kinds)):
            taken[kind] = programs.json_output([build / "bench_net_echo", kind, count, 10])["echo_ns"]
    samples.add("echo_10000_ns", taken["stream"])
    samples.add("peer/asio_echo_10000_ns", taken["asio"])
    samples.add("echo_10000_cpu_vs_asio", taken["stream"] / taken["asio"])
    samples.add("echo_10000_tracked_socket_cpu_vs_asio", taken["tracked_socket"] / taken["asio"])


def count_instructions(samples, build):
    """Of a TrackedSocket where tracking is compiled out, beyond those of Asio's."""
    program = build / "off/benchmarks/bench_off_sockets"

    def instructions(operation, which):
        # The difference that a hundred make: the first one also finds its functions.
        counts = [programs.instructions(program, [times], f"bench_{operation}_{which}") for times in [101, 1]]
        return None if None in counts else (counts[0] - counts[1]) / 100

    extra = 0
    for operation in ["write", "read"]:
        counts = [instructions(operation, which) for which in ["tracked", "direct"]]
        if None in counts:
            samples.leave_out("the count of instructions", "there is no valgrind")
            return
        extra += counts[0] - counts[1]
    samples.add("off_socket_extra_instructions", extra)


def count_system_calls(samples, build):
    """Of a dial, as the difference that a hundred of them make."""
    if shutil.which("strace") is None:
        samples.leave_out("the count of system calls", "there is no strace")
        return

    def calls(count):
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory) / "calls"
            programs.run(["strace", "-f", "-qq", "-e", "trace=!setsockopt", "-e", "signal=none", "-o", out, build / "bench_net_dial", "dial",
                          address, count])
            return len(out.read_text().splitlines())

    with server(build) as address:
        samples.add("dial_syscalls", (calls(101) - calls(1)) / 100)


def figures(samples):
    """All figures as `name: number`, and how much each varied between the rounds."""
    result = samples.medians()
    result["throughput_64k_vs_asio"] = min(1 / result[name] for name in THROUGHPUTS)
    for name in ["stream", "tracked_socket"]:
        result[f"{name}_throughput_vs_socket"] = min(1 / result[f"{name}_64k_by_{how}_vs_socket"] for how in ["clock", "processor"])
    result["memory_roundtrip_speedup_64b"] = 1 / result["memory_roundtrip_64b_vs_tcp"]
    return result, samples.spreads()


def missing(result, samples):
    """The names that should be there and are not, but for those whose tools are not installed."""
    excused = {figure for what in samples.left_out for figure in NEEDS.get(what, [])}
    wanted = [figure.name for figure in FIGURES] + [name for name, _ in OWN]
    return [name for name in wanted if name not in result and name not in excused]
