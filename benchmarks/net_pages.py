"""Tables and charts that only the suite `net` has."""

import charts as drawing
import net_suite
import tables as forms


def tables(values):
    """By the names that docs/performance.md has for them."""
    return {"others": forms.compared(net_suite, values)}


def charts(values):
    rows = [("leash, TcpDialer", values["dial_close_ns"] / 1e3, True),
            ("leash, TrackedDialer in a MemoryNetwork", values["tracked_dial_close_ns"] / 1e3, True)]
    peers = [("system calls", "raw_dial_close_ns"), ("Asio, async_connect and a timer", "asio_dial_close_ns"),
             ("Go, net.DialTimeout", "go_dial_close_process_ns")]
    rows += [(label, values["peer/" + name] / 1e3, False) for label, name in peers if "peer/" + name in values]
    return {"dial-close": drawing.bars("A connection dialled and closed, by whom", "µs of processor time, logarithmic", rows)}
