"""Tables and charts that only the suite `fs` has."""

import charts as drawing
import fs_suite
import tables as forms


def cells(values, names, scale=1):
    return [forms.number(values[name] * scale) if name in values else "-" for name in names]


def files(values):
    rows = [["files", "`stat`, ns", "`open`, `close`, ns", "`remove`, `create`, `close`, ns", "LLVM, status, ns", "RocksDB, GetFileSize, ns"]]
    for count in fs_suite.FILES:
        if f"files_stat/{count}_ns" in values:
            names = ["files_stat", "files_open_close", "files_create_remove", "peer/llvm_files_stat", "peer/rocksdb_files_size"]
            rows.append([f"{count:,}", *cells(values, [f"{name}/{count}_ns" for name in names])])
    return rows


def depth(values):
    rows = [["folders above the file", "`stat`, ns"]]
    return rows + [[str(count), *cells(values, [f"depth_stat/{count}_ns"])] for count in fs_suite.DEPTHS if f"depth_stat/{count}_ns" in values]


def sizes(values):
    rows = [["bytes", "created, written, removed, µs", "opened, read, closed, µs", "a byte anywhere read, ns"]]
    for size in fs_suite.SIZES:
        if f"size_write/{size}_ns" in values:
            rows.append([f"{size:,}", *cells(values, [f"size_write/{size}_ns", f"size_read/{size}_ns"], 1e-3),
                         *cells(values, [f"size_read_byte/{size}_ns"])])
    return rows


def tables(values):
    """By the names that docs/performance.md has for them."""
    return {"others": forms.compared(fs_suite, values), "files": files(values), "depth": depth(values), "sizes": sizes(values)}


def charts(values):
    rows = [("leash, MemoryFS", values["memory_open_read4k_close_ns"], True), ("leash, DiskFS on tmpfs", values["disk_open_read4k_close_ns"], True)]
    peers = [("hash, malloc and copy alone", "floor"), ("LLVM, InMemoryFileSystem", "llvm"), ("RocksDB, MemEnv", "rocksdb"),
             ("system calls on tmpfs", "syscalls"), ("std::ifstream on tmpfs", "ifstream")]
    rows += [(label, values[f"peer/{name}_open_read4k_close_ns"], False) for label, name in peers
             if f"peer/{name}_open_read4k_close_ns" in values]

    def series(label, form, counts):
        return label, [(count, values[form.format(count)]) for count in counts if form.format(count) in values]

    return {
        "open-read-close": drawing.bars("A file opened, 4 KiB read, closed, by whom", "ns of processor time, logarithmic", rows),
        "files": drawing.lines(
            "The size of a random file asked for, among so many", "files, in folders of a thousand", "ns",
            [series("leash, MemoryFS", "files_stat/{}_ns", fs_suite.FILES), series("LLVM", "peer/llvm_files_stat/{}_ns", fs_suite.FILES),
             series("RocksDB", "peer/rocksdb_files_size/{}_ns", fs_suite.FILES)]),
        "depth": drawing.lines("`stat` of a file below so many folders", "folders", "ns",
                               [series("leash, MemoryFS", "depth_stat/{}_ns", fs_suite.DEPTHS)]),
    }
