# SPDX-License-Identifier: Apache-2.0
"""The programs beside tailgate, each with settings that make it do the same work, as far as it can."""
import json
import shutil
import subprocess

from measured import BUILD, CACHE, Row, all_lines

TAILGATE = BUILD / "tailgate"
WORK = ["--unflatten", ".", "--drop-nulls", "--client-id", "client_id"]
# The same as settings.
FILTERS = [{"unflatten": {"separator": "."}}, {"drop_nulls": {}}, {"add_client_id": {"from": "client_id"}}]
TOKEN = "http.request_headers.authorization"
TOKEN_WORK = ["--unflatten", ".", "--drop-nulls", "--client-id", f"client_id,jwt:{TOKEN}"]

# What tailgate does with these flags, in jq's words.
JQ = """
def prune: if type == "object" and . != {} then
    with_entries(.value |= prune | select(.value != null)) | if . == {} then null else . end
  else . end;
def nest: reduce (to_entries[] | .value |= prune | select(.value != null)) as $e ({}; setpath($e.key | split("."); $e.value));
def client: if .client_id == "" or .client_id == "-" then del(.client_id) else . end;
"""
JQ_WORK = JQ + "nest | client"
JQ_TOKEN_WORK = JQ + """
def claims: ltrimstr("Bearer ") | split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson;
def named: if .client_id != null or ([.http.status_code] | inside([0, 401, 403])) then .
  else .client_id = (.http.request_headers.authorization | claims | .client_id // .azp // .cid // .appid) end;
nest | client | named | del(.http.request_headers.authorization)"""

# The shortest that does all of it: https://docs.fluentbit.io/manual/pipeline/filters/lua
LUA = """
function work(tag, time, record)
  local out = {}
  for key, value in pairs(record) do
    if value ~= nil then
      local at, last = out, nil
      for name in string.gmatch(key, "[^.]+") do
        if last then at[last] = at[last] or {}; at = at[last] end
        last = name
      end
      at[last] = value
    end
  end
  if out.client_id == "" or out.client_id == "-" then out.client_id = nil end
  return 2, time, out
end
"""

RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imfile")
{parse_module}
template(name="whole" type="string" string="{template}\\n")
ruleset(name="r") { {parse} action(type="omfile" file="{out}" template="whole") }
input(type="imfile" file="{input}" tag="t:" ruleset="r")
"""


def tailgate(name, data, *arguments, work=None):
    return Row(name, [TAILGATE, "pipe", "-q", *(WORK if work is None else work), *arguments, data.path], data)


def limit(what, data, *more):
    names = {"walk": "the walk (simdjson on-demand)", "minify": "simdjson::minify of each line", "lines": "read and cut into lines",
             "copy": "read and memcpy", "through": "read and write to a file"}
    return Row(names[what], [BUILD / "bench_limits", what, data.path, *more], data)


def jq(data):
    return Row("jq → /dev/null", ["jq", "-c", JQ_WORK, data.path], data)


def rsyslog(data, parse):
    text = RSYSLOG.replace("{input}", str(data.path)) \
        .replace("{parse_module}", 'module(load="mmjsonparse")' if parse else "") \
        .replace("{parse}", 'action(type="mmjsonparse" cookie="")' if parse else "") \
        .replace("{template}", "%$!all-json%" if parse else "%msg%")
    name = f"rsyslog, {'parsed by mmjsonparse, not nested' if parse else 'lines as they are'} → file"
    return Row(name, ["rsyslogd", "-n", "-f", "{folder}/rsyslog.conf", "-i", "{folder}/pid"], data,
               files={"rsyslog.conf": text}, done=all_lines(data.lines))


def fluent_bit(data):
    (CACHE / "parsers.conf").write_text("[PARSER]\n  Name j\n  Format json\n")
    (CACHE / "work.lua").write_text(LUA)
    (CACHE / "fluent-bit.conf").write_text(
        f"[SERVICE]\n  Flush 1\n  Log_Level error\n  Parsers_File {CACHE}/parsers.conf\n"
        f"[INPUT]\n  Name tail\n  Path {data.path}\n  Read_From_Head On\n  Exit_On_Eof On\n  Parser j\n  Buffer_Max_Size 2M\n"
        f"[FILTER]\n  Name lua\n  Match *\n  Script {CACHE}/work.lua\n  Call work\n"
        f"[OUTPUT]\n  Name stdout\n  Match *\n  Format json_lines\n")
    return Row("Fluent Bit, Lua → /dev/null", ["fluent-bit", "-q", "-c", CACHE / "fluent-bit.conf"], data)


def vector(data):
    source = ('. = compact(unflatten(object!(parse_json!(.message)), separator: "."), array: false)\n'
              'if .client_id == "" || .client_id == "-" { del(.client_id) }')
    (CACHE / "vector.json").write_text(json.dumps({
        "data_dir": str(CACHE),
        "sources": {"in": {"type": "stdin", "max_length": 1 << 20}},
        "transforms": {"work": {"type": "remap", "inputs": ["in"], "source": source}},
        "sinks": {"out": {"type": "console", "inputs": ["work"], "encoding": {"codec": "json"}}}}))
    return Row("Vector, VRL → /dev/null", ["vector", "-q", "--config", CACHE / "vector.json"], data, stdin=True)


def kafka_rows(broker, data):
    """kcat sends the lines as they are. The options are the same on both sides: tailgate's own are acks=all and
    idempotence."""
    options = {"compression.type": "lz4", "linger.ms": "50"}
    flags = [part for key, value in options.items() for part in ("-X", f"{key}={value}")]
    safe = ["-X", "acks=all", "-X", "enable.idempotence=true"]

    def settings(name, **sink):
        path = CACHE / f"{name}.yaml"
        path.write_text(json.dumps({
            "version": 1, "sources": {"in": {"type": "read", "paths": [str(data.path)]}},
            "filters": FILTERS,
            "sinks": {"kafka": {"type": "kafka", "brokers": [broker.address()], "options": options, **sink}},
            "admin": {"listen": "none"}}))
        return path
    keyed = settings("keyed", topic="{meta.stream|unknown}", topics=["api-gateway.*", "unknown"], key="{client_id|none}")
    return [
        Row("kcat -P, lines as they are → Kafka", ["kcat", "-P", "-b", broker.address(), "-t", "kcat", *safe, *flags, "-l", data.path], data),
        tailgate("tailgate → Kafka", data, "--to", f"kafka://{broker.address()}/tailgate", *flags),
        Row("tailgate → Kafka, key and topic from the event", [TAILGATE, "run", "--once", "-c", keyed], data),
    ]


def version_of(program, *arguments):
    if not shutil.which(program):
        return None
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return next((line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()), None)
