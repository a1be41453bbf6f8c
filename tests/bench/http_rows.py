# SPDX-License-Identifier: Apache-2.0
"""tailgate to an HTTP gateway, against what a pipe and curl cost together for the same work."""
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import peers
from gateway import Gateway
from measured import CACHE, Row

# --data-binary would load all bodies before the first request, which costs twice as much as this. Without "Expect:"
# curl asks before it sends a large body; tailgate does not.
SECTION = """url = "{url}"
request = "POST"
upload-file = "{body}"
header = "Content-Type: application/json"
header = "Expect:"
noproxy = "*"
silent
"""


def recorded(gateway, data):
    """The bodies that tailgate sends: one run that is not measured, whose events are those of the pipe."""
    to_gateway, to_stdout = (peers.tailgate("", data, *to).argv for to in (("--to", gateway.url), ()))
    gateway.keep = True
    subprocess.run(to_gateway, check=True, stdout=subprocess.DEVNULL)
    gateway.keep = False
    came = sorted(json.dumps(event) for body in gateway.bodies for event in json.loads(body))
    piped = subprocess.run(to_stdout, check=True, stdout=subprocess.PIPE).stdout
    if came != sorted(json.dumps(json.loads(line)) for line in piped.splitlines()):
        sys.exit(f"HTTP: {len(came)} events came of {data.lines} lines, and they are not those of the pipe")
    bodies, gateway.bodies = gateway.bodies, []
    return bodies


def curl(url, data, bodies, folder):
    config = []
    for number, body in enumerate(bodies):
        path = folder / str(number)
        path.write_bytes(body)
        config.append(SECTION.format(url=url, body=path))
    (folder / "config").write_text("next\n".join(config))
    return Row("curl, the same bodies → HTTP", ["curl", "-q", "--config", folder / "config"], data)


def check(row, gateway, sent):
    """Requests may be cut elsewhere in another run. An array of n events is n + 1 bytes longer than they are, so bytes
    less requests tells whether all came."""
    came = gateway.bytes - gateway.requests
    if came != sent:
        sys.exit(f"{row.name}: {came} bytes of events came, {sent} were to come")
    gateway.count_anew()


def rows(data, count):
    """tailgate, and the two that it is held against; None without curl."""
    if not shutil.which("curl"):
        return None
    gateway = Gateway()
    try:
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="http-") as folder:
            bodies = recorded(gateway, data)
            gateway.count_anew()
            ours = peers.tailgate("tailgate → HTTP", data, "--to", gateway.url)
            pipe = peers.tailgate("tailgate pipe → /dev/null", data)
            theirs = curl(gateway.url, data, bodies, Path(folder))
            sent = sum(map(len, bodies)) - len(bodies)
            for number in range(count):
                print(f"   round {number + 1} of {count}", file=sys.stderr, flush=True)
                for row in (ours, theirs):
                    row.run()
                    check(row, gateway, sent)
                pipe.run()
    finally:
        gateway.stop()
    return [ours, pipe, theirs]


def ratio(ours, pipe, theirs):
    """Of the same lines, so of CPU per event, too."""
    return median(mine.cpu / (piped.cpu + posted.cpu)
                  for mine, piped, posted in zip(ours.samples, pipe.samples, theirs.samples))
