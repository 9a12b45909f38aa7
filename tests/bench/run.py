#!/usr/bin/env python3
"""Measures tollgate against a bare libh2o server and nginx; see README.md in this folder.

Only Python's standard library, h2load (nghttp2-client), nginx and taskset are needed.
"""

import argparse
import contextlib
import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True  # nothing is left behind in the source tree
import report

SERVER_CORE = 0
LOAD_CORE = 1  # the load generator, and the simulated upstream
REQUEST_BYTES = 400
ANSWER_BYTES = 1500
PATH = "/v1/chat/completions"
KEY = "vck_bench"
MODEL = "openai/gpt-4.1-nano"
READY_SECONDS = 20

HIT_HEADERS = {"authorization": f"Bearer {KEY}", "x-openrouter-cache": "true"}
MISS_HEADERS = {"authorization": f"Bearer {KEY}", "x-openrouter-cache": "false"}


class Refused(Exception):
    """A figure that may not be reported, or a server that is not in the state it is measured in."""


# ---- processes --------------------------------------------------------------------------------


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start(stack, command, core, name, logs):
    """Starts a server on one core; it is stopped when the stack unwinds."""
    log = open(os.path.join(logs, name + ".log"), "w+b")
    stack.callback(log.close)
    process = subprocess.Popen(
        ["taskset", "-c", str(core)] + command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        preexec_fn=die_with_parent,
    )
    stack.callback(stop, process)
    return process


def wait_for_line(process, pattern, name, logs):
    """The first match of pattern in what the process prints; it must come within READY_SECONDS."""
    timer = threading.Timer(READY_SECONDS, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            match = re.search(pattern, line.decode(errors="replace"))
            if match:
                return match
    finally:
        timer.cancel()
    with open(os.path.join(logs, name + ".log"), errors="replace") as log:
        raise Refused(f"{name} did not start:\n{log.read()[-2000:]}")


def wait_for_port(process, port, name):
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise Refused(f"{name} did not start")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def process_tree(pid):
    """The process and its children (nginx works in a child)."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [pid] + [int(child) for child in file.read().split()]


def cpu_seconds(pid):
    ticks = 0
    for each in process_tree(pid):
        with open(f"/proc/{each}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_kib(pid, field):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(rf"^{field}:\s+(\d+)", file.read(), re.M).group(1))


# ---- servers ----------------------------------------------------------------------------------


class Server:
    """One server under test: a port per protocol, and its process for CPU and memory."""

    def __init__(self, name, process, h1, h2):
        self.name, self.process, self.ports = name, process, {"h1": h1, "h2": h2}


def start_sim(stack, options, logs):
    command = [os.path.join(options.build, "tollgate-sim"), "--prices", options.prices]
    process = start(stack, command, LOAD_CORE, "sim", logs)
    port = int(wait_for_line(process, r"listening on \S+:(\d+)$", "sim", logs).group(1))
    return Server("direct", process, port, port)


def start_bare(stack, options, logs, answer):
    path = os.path.join(logs, "answer.json")
    with open(path, "wb") as file:
        file.write(answer)
    command = [os.path.join(options.build, "bench_h2o"), "--body", path]
    process = start(stack, command, SERVER_CORE, "bench_h2o", logs)
    port = int(wait_for_line(process, r"listening on \S+:(\d+)$", "bench_h2o", logs).group(1))
    return Server("libh2o", process, port, port)


NGINX = """
daemon off;
{user}
worker_processes 1;
pid {dir}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
    uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    client_body_buffer_size 1m;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    proxy_cache_path {dir}/cache levels=1:2 keys_zone=bench:16m inactive=1d;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream sim {{ server 127.0.0.1:{sim}; keepalive 256; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{h1};
        listen 127.0.0.1:{h2} http2;
        location / {{
            proxy_pass http://sim;
            proxy_cache bench;
            proxy_cache_methods POST;
            proxy_cache_key $http_authorization$request_uri$request_body;
            proxy_cache_valid 200 1d;
            add_header X-Cache $upstream_cache_status;
        }}
    }}
    server {{
        listen 127.0.0.1:{plain};
        location / {{ proxy_pass http://sim; }}
    }}
}}
"""


def start_nginx(stack, logs, directory, sim):
    """Two views of one process: with proxy_cache, and a plain proxy_pass."""
    home = os.path.join(directory, "nginx")
    os.mkdir(home)
    h1, h2, plain = free_ports(3)
    path = os.path.join(home, "nginx.conf")
    with open(path, "w") as file:
        user = "user root;" if os.geteuid() == 0 else ""
        file.write(
            NGINX.format(dir=home, user=user, sim=sim.ports["h1"], h1=h1, h2=h2, plain=plain)
        )
    process = start(stack, ["nginx", "-p", home, "-c", path], SERVER_CORE, "nginx", logs)
    wait_for_port(process, plain, "nginx")
    return Server("nginx", process, h1, h2), Server("nginx", process, plain, None)


TOLLGATE = """
listen:
  - address: 127.0.0.1:{port}
admin: {{ address: "127.0.0.1:{admin}" }}
data_dir: {dir}/data
workers: 1
upstreams:
  - name: sim
    dialect: vercel
    base_url: http://127.0.0.1:{sim}/v1
cache: {{ default: off, ttl: 3600, memory: 256MiB, disk: 256MiB }}
prices: {{ file: "{prices}" }}
"""


def start_tollgate(stack, options, logs, directory, sim):
    home = os.path.join(directory, "tollgate")
    os.mkdir(home)
    port, admin = free_ports(2)
    path = os.path.join(home, "tollgate.yaml")
    with open(path, "w") as file:
        file.write(
            TOLLGATE.format(
                port=port, admin=admin, dir=home, sim=sim.ports["h1"], prices=options.prices
            )
        )
    command = [os.path.join(options.build, "tollgate"), "serve", "-c", path]
    process = start(stack, command, SERVER_CORE, "tollgate", logs)
    wait_for_line(process, rf"tollgate listening on \S+:{port}\b", "tollgate", logs)
    # Nobody reads on; a full pipe must not stop the server.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return Server("tollgate", process, port, port)


# ---- requests ---------------------------------------------------------------------------------


def ask(port, body, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", PATH, body, {**headers, "content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def sim_posts(sim):
    connection = http.client.HTTPConnection("127.0.0.1", sim.ports["h1"], timeout=10)
    try:
        connection.request("GET", "/sim/stats")
        return json.loads(connection.getresponse().read())["posts"]
    finally:
        connection.close()


def request_body(size):
    """REQUEST_BYTES of chat request that makes the simulator answer with `size` bytes of text."""
    behaviour = json.dumps({"size": size, "metadata": "none"}, separators=(",", ":"))
    system = "You are a bench. "

    def render():
        messages = [
            {"role": "system", "content": system},
            {"role": "user", "content": f"SIM:{behaviour} How are you?"},
        ]
        return json.dumps({"model": MODEL, "messages": messages}).encode()

    system += "x" * (REQUEST_BYTES - len(render()))
    return render()


def sized_request(sim):
    """The request whose answer has ANSWER_BYTES, and that answer."""
    size = ANSWER_BYTES
    for _ in range(8):  # token counts and costs change width with the size
        body = request_body(size)
        status, _, answer = ask(sim.ports["h1"], body, MISS_HEADERS)
        if status != 200:
            raise Refused(f"the simulator answered {status}: {answer[:300]!r}")
        if len(answer) == ANSWER_BYTES:
            break
        size += ANSWER_BYTES - len(answer)
    return body, answer


# ---- measuring --------------------------------------------------------------------------------


class Bench:
    def __init__(self, options, sim, body_path, answer_bytes):
        self.options, self.sim, self.body_path = options, sim, body_path
        self.request_bytes, self.answer_bytes = os.path.getsize(body_path), answer_bytes
        self.samples = {}  # (row, server, metric) -> values, one a round

    def keep(self, row, server, metric, value):
        self.samples.setdefault((row, server.name, metric), []).append(value)

    def median(self, row, server, metric="rate"):
        values = self.samples.get((row, server, metric))
        return statistics.median(values) if values else None

    def load(self, server, protocol, arguments, headers, in_flight=0):
        """Runs h2load and returns its request rate. in_flight: see parse_h2load()."""
        command = ["taskset", "-c", str(LOAD_CORE), "h2load", "-t", "1", "-d", self.body_path]
        command += ["--h1"] if protocol == "h1" else []
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        command += ["-H", "content-type: application/json"] + arguments
        command.append(f"http://127.0.0.1:{server.ports[protocol]}{PATH}")
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, preexec_fn=die_with_parent
        )
        return parse_h2load(done.stdout + done.stderr, server.name, in_flight)

    def throughput(self, row, server, protocol, shape, headers):
        seconds = self.options.seconds
        arguments = shape + ["-D", str(seconds), "--warm-up-time", "1"]
        before, began = cpu_seconds(server.process.pid), time.monotonic()
        in_flight = int(shape[1]) * (int(shape[3]) if len(shape) > 2 else 1)
        rate = self.load(server, protocol, arguments, headers, in_flight)
        self.keep(row, server, "rate", rate)
        used = cpu_seconds(server.process.pid) - before
        self.keep(row, server, "busy", used / (time.monotonic() - began))
        # The warm-up second runs at about the same rate.
        self.keep(row, server, "cpu_us", used * 1e6 / max(rate * (seconds + 1), 1))

    def latency(self, row, server, protocol, shape, headers):
        """Keeps p50 and p99 of single requests, in microseconds, without the first tenth, which is
        warm-up; returns the rate."""
        with tempfile.NamedTemporaryFile() as log:
            rate = self.load(server, protocol, shape + ["--log-file", log.name], headers)
            lines = [line.split() for line in open(log.name) if line.strip()]
        times = sorted(int(line[2]) for line in lines[len(lines) // 10 :])
        if not times:
            raise Refused(f"{row}, {server.name}: h2load logged no request")
        self.keep(row, server, "p50", times[len(times) // 2])
        self.keep(row, server, "p99", times[min(len(times) - 1, len(times) * 99 // 100)])
        return rate


def parse_h2load(output, name, in_flight):
    """The request rate, or Refused. in_flight: of a timed run, how many requests may have had their
    status during the warm-up, where it is not counted, and their end after it, where that is."""
    finished = re.search(r"finished in \S+, ([\d.]+) req/s", output)
    counts = re.search(
        r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, "
        r"(\d+) errored, (\d+) timeout",
        output,
    )
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
    if not (finished and counts and codes):
        raise Refused(f"{name}: h2load said\n{output[-1500:]}")
    bad = sum(int(counts.group(i)) for i in (4, 5, 6)) + sum(int(codes.group(i)) for i in (2, 3, 4))
    done = int(counts.group(2))
    if bad or done == 0 or int(codes.group(1)) < done - in_flight:
        raise Refused(f"{name}: a figure with failures is none:\n{output[-1500:]}")
    return float(finished.group(1))


H2_SHAPE = ["-c", "16", "-m", "32"]
H1_SHAPE = ["-c", "64"]
ONE_SHAPE = ["-c", "1", "-m", "1"]


def warm(bench, servers):
    """Fills each cache and proves that it answers without its upstream."""
    with open(bench.body_path, "rb") as file:
        body = file.read()
    for server in servers:
        if server.name == "libh2o":
            continue
        ask(server.ports["h1"], body, HIT_HEADERS)
        before = sim_posts(bench.sim)
        status, headers, _ = ask(server.ports["h1"], body, HIT_HEADERS)
        said = headers.get("X-OpenRouter-Cache-Status") or headers.get("X-Cache")
        if status != 200 or said != "HIT" or sim_posts(bench.sim) != before:
            raise Refused(f"{server.name}: status {status}, {said}: not a hit")


def measure_hits(bench, servers, rounds):
    for number in range(rounds):
        order = servers if number % 2 == 0 else servers[::-1]
        for server in order:
            before = sim_posts(bench.sim)
            bench.throughput("hit h2", server, "h2", H2_SHAPE, HIT_HEADERS)
            bench.throughput("hit h1", server, "h1", H1_SHAPE, HIT_HEADERS)
            if sim_posts(bench.sim) != before:
                raise Refused(f"{server.name} went upstream while hits were measured")


def measure_half_load(bench, server, rounds):
    """Hit latency at half of the peak rate: with as many connections of one stream each as reach
    it. A closed loop, because h2load's own pacing sends bursts every 10 ms and measures those."""
    half = bench.median("hit h2", server.name) / 2
    for connections in (1, 2, 4, 8, 16, 32, 64, 128):
        shape = ["-c", str(connections), "-m", "1", "-n", str(max(1000, int(half)))]
        rate = bench.load(server, "h2", shape, HIT_HEADERS)
        if rate >= half:
            break
    for _ in range(rounds):
        rate = bench.latency("hit h2 at half load", server, "h2", shape, HIT_HEADERS)
        bench.keep("hit h2 at half load", server, "rate", rate)


def measure_misses(bench, servers, rounds):
    one = ONE_SHAPE + ["-n", str(bench.options.single)]
    for number in range(rounds):
        order = servers if number % 2 == 0 else servers[::-1]
        for server in order:
            before = sim_posts(bench.sim)
            bench.latency("miss, one at a time", server, "h1", one, MISS_HEADERS)
            if sim_posts(bench.sim) - before < bench.options.single:
                raise Refused(f"{server.name} did not go upstream for every miss")
            bench.throughput("miss h1", server, "h1", H1_SHAPE, MISS_HEADERS)


# ---- main -------------------------------------------------------------------------------------


def parse_arguments():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description="Measure tollgate; see tests/bench/README.md.")
    parser.add_argument("--build", default=os.path.join(root, "build", "release"))
    parser.add_argument("--prices", default=os.path.join(root, "configs", "prices.json"))
    parser.add_argument("--json", metavar="FILE", help="write every figure there")
    parser.add_argument("--quick", action="store_true", help="3 rounds of shorter runs")
    parser.add_argument(
        "--without-tollgate", action="store_true", help="measure only what it is compared with"
    )
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.prices = os.path.abspath(options.prices)
    options.rounds, options.seconds, options.single = (3, 2, 500) if options.quick else (5, 5, 2000)
    options.load_before = os.getloadavg()[0]
    return options


def check_machine():
    for tool, package in (("h2load", "nghttp2-client"), ("nginx", "nginx-light"),
                          ("taskset", "util-linux")):
        if shutil.which(tool) is None:
            raise Refused(f"{tool} is missing: apt-get install {package}")
    if len(os.sched_getaffinity(0)) < 2:
        raise Refused("two cores are needed: one for the servers, one for the load generator")


def run(options, stack):
    directory = tempfile.mkdtemp(prefix="tollgate-bench-")
    stack.callback(shutil.rmtree, directory, ignore_errors=True)
    sim = start_sim(stack, options, directory)
    body, answer = sized_request(sim)
    print(f"request {len(body)} bytes, answer {len(answer)} bytes, load {options.load_before:.2f}")
    body_path = os.path.join(directory, "request.json")
    with open(body_path, "wb") as file:
        file.write(body)
    bench = Bench(options, sim, body_path, len(answer))
    cached, plain = start_nginx(stack, directory, directory, sim)
    hits, misses = [start_bare(stack, options, directory, answer), cached], [sim, plain]
    tollgate, memory = None, {}
    if not options.without_tollgate:
        tollgate = start_tollgate(stack, options, directory, directory, sim)
        memory["idle"] = memory_kib(tollgate.process.pid, "VmRSS")
        hits.append(tollgate)
        misses.append(tollgate)
    warm(bench, hits)
    measure_hits(bench, hits, options.rounds)
    if tollgate:
        memory["after_hits"] = memory_kib(tollgate.process.pid, "VmHWM")
        measure_half_load(bench, tollgate, options.rounds)
    measure_misses(bench, misses, options.rounds)
    if tollgate:
        memory["after_misses"] = memory_kib(tollgate.process.pid, "VmHWM")
    report.print_report(bench, memory)
    if options.json:
        report.write_json(options.json, bench, memory)


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        check_machine()
        with contextlib.ExitStack() as stack:
            run(options, stack)
    except (Refused, OSError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
