# SPDX-License-Identifier: Apache-2.0
"""The bench's figures as Markdown: machine, versions, tables, ratios. No host name and no path."""
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import http_rows
from measured import BUILD, ROOT
from peers import version_of

VARIANT_WORDS = {
    "plain": "as above", "optional-0": "every optional key there", "optional-10": "10 % of the optional keys missing",
    "optional-50": "50 % of the optional keys missing", "random-order": "keys in another order in each line",
    "200-bytes": "short lines", "4-kilobytes": "long lines", "deep": "16 keys of six names each",
    "escapes": "four values full of escapes", "jwt-of-200": "a token a line, 200 of them in turn",
    "jwt-each-new": "a token a line, none comes twice", "cri": "wrapped as a container runtime does",
    "24-bytes": "two keys", "1-megabyte": "eight long values, 218 short ones",
}
STAGE_WORDS = {
    "cut_lines": "cutting into lines", "parse": "parse, checked strictly", "chain_of_three": "unflatten, drop_nulls, add_client_id as a chain",
    "hot_path": "the hot path: parse, the same three filters and the text",
    "codec_ndjson": "codec, lines", "codec_eventgate": "codec, array with ids",
}


def table(head, lines):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|",
                      *("| " + " | ".join(line) + " |" for line in lines)]) + "\n"


def rate(value):
    if value < 1e3:
        return f"{value:.0f}"
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.0f} k" if value >= 1e4 else f"{value / 1e3:.1f} k"


def line_of(row, *more):
    return [row.name, rate(row.rate), f"{1e9 * row.cpu / row.input.lines:,.0f} ns", f"{row.input.bytes / row.cpu / 1e6:,.0f}",
            f"{row.rss / 1024:.1f}", *more]


HEAD = ["", "events per CPU second", "CPU per event", "MB per CPU second", "peak RSS, MiB"]


def machine():
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", info) or re.search(r"CPU part\s*:\s*(.*)", info)
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text()).group(1)) / 1024 / 1024
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    return [f"Processor: {model.group(1) if model else platform.machine()}, {os.cpu_count()} cores seen, {memory:.0f} GiB",
            f"System: {system.group(1) if system else platform.system()}, kernel {platform.release().split('-')[0]}"]


def package(name):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=False)
    return done.stdout or "unknown"


def versions():
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    changed = subprocess.run(["git", "-C", ROOT, "status", "--porcelain", "--", "src", "filters", "CMakeLists.txt", "CMakePresets.json"],
                             capture_output=True, text=True, check=True).stdout.strip()
    flags = re.search(r"CMAKE_CXX_FLAGS_RELEASE:STRING=(.*)", (BUILD / "CMakeCache.txt").read_text())
    found = {
        "tailgate": f"commit {commit}{' and changes' if changed else ''}, {flags.group(1) if flags else ''}",
        "compiler": version_of("c++", "--version"),
        "simdjson": package("libsimdjson-dev"), "librdkafka": package("librdkafka-dev"),
        "jq": version_of("jq", "--version"),
        "rsyslog": version_of("rsyslogd", "-v"),
        "kcat": package("kcat") if shutil.which("kcat") else None,
        "curl": package("curl") if shutil.which("curl") else None,
        "strace": version_of("strace", "--version"),
        "fluent-bit": version_of("fluent-bit", "--version"),
        "vector": version_of("vector", "--version"),
    }
    there = [f"{name}: {version.split(' (aka')[0]}" for name, version in found.items() if version]
    missing = [name for name, version in found.items() if not version]
    return there + ([f"Not installed, so not measured: {', '.join(missing)}"] if missing else [])


def ratios(rows, by_http, by_kafka):
    lines = [["pipe → /dev/null to the walk", f"{rows['null'].share_of(rows['walk']):.2f}", "0.80"],
             ["pipe → file to the walk", f"{rows['file'].share_of(rows['walk']):.2f}", "0.60"],
             ["pipe → /dev/null to jq", f"{rows['null'].share_of(rows['jq']):.0f}", "150"]]
    for name in ("fluent-bit", "vector"):
        if name in rows:
            lines.append([f"pipe → /dev/null to {name}", f"{rows['null'].share_of(rows[name]):.1f}", ""])
    if by_http:
        lines.append(["CPU per event → HTTP to pipe + curl", f"{http_rows.ratio(*by_http):.2f}", "at most 1.30"])
    if by_kafka:
        kcat, ours, keyed = by_kafka
        lines.append(["CPU per event → Kafka to kcat's", f"{1 / ours.share_of(kcat):.2f}", "at most 1.20"])
        lines.append(["the same, key and topic from the event", f"{1 / keyed.share_of(kcat):.2f}", ""])
    return table(["in the same run", "ratio", "aim"], lines)


def text(rows, pairs, by_stage, by_spool, by_http, by_footprint, by_kafka, count):
    walk, data = rows["walk"], rows["null"].input
    parts = [
        "# Results of the bench\n",
        "Written by `./dev bench`; [the program](run) says how. Whole processes, user and system CPU, medians of "
        f"{count} rounds in which the rows take turns. Rates depend on the machine and its neighbours; the ratios are what "
        "counts.\n",
        "\n".join("- " + line for line in machine() + versions()) + "\n",
        "## Ratios\n", ratios(rows, by_http, by_kafka),
        "## Whole processes\n",
        f"{data.lines:,} access-log lines of {data.bytes / data.lines:.0f} bytes on average with 18 keys, nulls and escapes; jq has "
        f"{rows['jq'].input.lines:,} of them, and what is slower than tailgate a quarter. tailgate, jq, Fluent Bit and Vector do "
        "the same work: nest by `.`, drop nulls at every depth, name the client. tailgate's events were compared with jq's "
        "first. The limits and the others do less.\n",
        table([*HEAD, "to the walk"], [line_of(row, f"{row.share_of(walk):.3f}") for row in rows.values()]),
        "The walk visits every field of every line with simdjson on-demand and does nothing with it, compiled with the flags "
        "of tailgate itself.\n",
        "## Kinds of lines\n",
        table(["lines", "bytes", "tailgate: events per CPU second", "CPU per event", "its walk", "to its walk", "peak RSS, MiB"],
              [[f"{name}: {VARIANT_WORDS[name]}", f"{ours.input.bytes / ours.input.lines:.0f}", rate(ours.rate),
                f"{1e9 * ours.cpu / ours.input.lines:,.0f} ns", rate(its.rate), f"{ours.share_of(its):.2f}", f"{ours.rss / 1024:.1f}"]
               for name, (ours, its) in pairs.items()]),
        "How the cost of an event grows with line length, keys, files, filters and batch size, by `./dev bench curves`:\n",
        "![CPU per event, in nanoseconds](curves.svg)\n",
        "## Stages\n",
        "Alone and in memory (Google Benchmark), on the plain lines.\n",
        table(["stage", "events per second", "per event"],
              [[STAGE_WORDS.get(name, f"filter {name}"), rate(value), f"{1e9 / value:,.0f} ns"] for name, value in by_stage.items()]),
        "## Spool\n",
        "Wall time, the two in turn on one disk; each batch is synced before the next.\n",
        by_spool,
        "## Footprint\n", by_footprint[0], table(["", "measured", "aim"], by_footprint[1]),
    ]
    if by_http:
        parts += ["## HTTP\n",
                  "A gateway on loopback that answers 201 at once, whose CPU is not counted; "
                  f"{by_http[0].input.lines:,} lines, the same filters. tailgate sends JSON arrays of at most 500 "
                  "events, four requests at a time; one curl posts the very same bodies from files over one "
                  "connection. The events that came were compared with those of the pipe.\n",
                  table(HEAD, [line_of(row) for row in by_http])]
    if by_kafka:
        parts += ["## Kafka\n",
                  f"A real broker on the same machine, whose CPU is not counted; {by_kafka[0].input.lines:,} lines, acks=all, idempotence, "
                  "lz4, linger 50 ms on both sides.\n",
                  table(HEAD, [line_of(row) for row in by_kafka])]
    return "\n".join(parts)
