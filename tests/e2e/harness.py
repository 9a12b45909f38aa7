"""What every scenario stands on: a simulated upstream, a gateway of its own, clients, a ledger.

    from harness import *
    with Sim() as sim, Gateway(sim) as gateway:
        answer = gateway.chat("hello", cache=True)

Servers listen on 127.0.0.1 on free ports, live in a temporary folder and end with the block.
A check that fails raises; the scenario then exits with 1 and shows the gateway's log.
"""
import atexit
import calendar
import contextlib
import csv
import hashlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from decimal import Decimal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TOLLGATE_BUILD", f"{ROOT}/build/dev")
PRICES = f"{ROOT}/configs/prices.json"
MODEL = "openai/gpt-4.1-nano"
KEY = "vck_test_key_one"
OWN_KEY = "vck_the_gateways_own"
SANITIZE = {"LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.suppressions:print_suppressions=0",
            "TSAN_OPTIONS": f"suppressions={ROOT}/tests/tsan.suppressions"}
DEADLINE = 30.0  # seconds; sanitizers are slow and so are shared machines


def wait_for(condition, what, seconds=DEADLINE):
    """Polls condition until it is true; its value is returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what or 'value'}: got {got!r}, wanted {wanted!r}")


def check(truth, what):
    if not truth:
        raise AssertionError(what)


def folder():
    path = tempfile.mkdtemp(prefix="tollgate-e2e-")
    atexit.register(shutil.rmtree, path, True)
    return path


def this_month():
    return time.strftime("%Y-%m", time.gmtime())

CLOCK_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long shift(void)
{
    const char *text = getenv("E2E_CLOCK_SHIFT");
    return text == NULL ? 0 : atoll(text);
}
int clock_gettime(clockid_t id, struct timespec *at)
{
    long result = syscall(SYS_clock_gettime, id, at);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        at->tv_sec += shift();
    return (int)result;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at != NULL)
        *at = now.tv_sec;
    return now.tv_sec;
}
/* Deadlines by the wall clock go back to the kernel's; those of other clocks are small numbers. */
int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) =
        (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlsym(
            RTLD_NEXT, "pthread_cond_timedwait");
    struct timespec then = *until;
    if (then.tv_sec > 1000000000)
        then.tv_sec -= shift();
    return real(cond, mutex, &then);
}
int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t id,
                           const struct timespec *until)
{
    int (*real)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *) =
        (int (*)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *))dlsym(
            RTLD_NEXT, "pthread_cond_clockwait");
    struct timespec then = *until;
    if (id == CLOCK_REALTIME)
        then.tv_sec -= shift();
    return real(cond, mutex, id, &then);
}
"""


def compiled(source, name, *arguments):
    """Path of a C source made into a program or library in a folder of its own."""
    directory = folder()
    path = os.path.join(directory, name)
    with open(path + ".c", "w", encoding="ascii") as file:
        file.write(source)
    done = subprocess.run(["cc", "-O1", "-o", path, path + ".c", *arguments], capture_output=True,
                          check=False)
    equal(done.returncode, 0, done.stderr.decode())
    return path


def clock(month, day=15, at="12:00:00"):
    """Environment of a process whose wall clock starts at that instant, YYYY-MM and UTC.

    The clock goes on from there at its own pace, and stays where it is for processes that are
    given the same environment; those without it live now."""
    then = calendar.timegm(time.strptime(f"{month}-{day:02d} {at}", "%Y-%m-%d %H:%M:%S"))
    library = compiled(CLOCK_SOURCE, "clock.so", "-shared", "-fPIC", "-ldl")
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": library, "E2E_CLOCK_SHIFT": str(then - int(time.time())),
            "ASAN_OPTIONS": options + (":" if options else "") + "verify_asan_link_order=0"}


def month_before(month=None, back=1):
    """YYYY-MM of so many months before that one, this one unless said."""
    year, number = map(int, (month or this_month()).split("-"))
    number += year * 12 - 1 - back
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def du(directory):
    """Bytes of disk under directory."""
    total = 0
    for where, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # the database works meanwhile
                total += os.stat(os.path.join(where, name)).st_blocks * 512
    return total


class Process:
    """A server that prints a line with its address when it is ready."""

    def __init__(self, command, ready, env=None):
        self.log_path = os.path.join(folder(), "log")
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log,
                                        stdin=subprocess.DEVNULL, env={**SANITIZE, **os.environ, **(env or {})})
        self.lines = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        atexit.register(self.kill)  # a scenario that fails leaves nothing behind
        try:
            wait_for(lambda: self.find(ready) or self.process.poll() is not None,
                     f"{command[0]} to be ready")
        except AssertionError:
            self.kill()
            raise
        if not self.find(ready):
            raise AssertionError(f"{command} ended with {self.process.returncode}:\n{self.log_text()}")

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace"))

    def find(self, pattern):
        for line in list(self.lines):
            match = re.search(pattern, line)
            if match:
                return match
        return None

    def log_text(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode(errors="replace")

    def stop(self, seconds=DEADLINE):
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("did not stop on SIGTERM")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def resident(self):
        """VmRSS in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


class Sim(Process):
    """The simulated upstream; tests/sim/README.md says what it can do."""

    def __init__(self, *arguments, port=0, tls=None):
        command = [f"{BUILD}/tollgate-sim", "--listen", f"127.0.0.1:{port}", "--prices", PRICES,
                   *arguments]
        if tls:
            command += ["--tls-cert", tls[0], "--tls-key", tls[1]]
        super().__init__(command, r"listening on 127\.0\.0\.1:(\d+)")
        self.port = int(self.find(r"listening on 127\.0\.0\.1:(\d+)").group(1))
        self.tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/v1"

    def upstream(self, name="sim", dialect="vercel", **more):
        """An element of `upstreams`: this simulator in one of its dialects."""
        base = {"vercel": "/v1", "openrouter": "/api/v1", "openai": "/openai/v1"}[dialect]
        return {"name": name, "dialect": dialect,
                "base_url": self.url.removesuffix("/v1") + base, **more}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.kill()

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request(method, path, body)
        answer = connection.getresponse().read().decode()
        connection.close()
        return answer

    def script(self, *behaviours):
        """Behaviours of the next POSTs, in order."""
        self._ask("POST", "/sim/script", "\n".join(json.dumps(b) for b in behaviours) + "\n")

    def calls(self):
        return [json.loads(line) for line in self._ask("GET", "/sim/calls").splitlines()]

    def stats(self):
        return json.loads(self._ask("GET", "/sim/stats"))

    def posts(self):
        return self.stats()["posts"]

    def wait_done(self, count=1):
        """Waits until count calls came to an end; returns all calls."""
        def ended():
            calls = self.calls()
            return calls if sum(call["state"] != "live" for call in calls) >= count else None
        return wait_for(ended, f"{count} calls to end")

    def reset(self):
        self._ask("POST", "/sim/reset")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}

    def json(self):
        return json.loads(self.body, parse_float=Decimal)

    def events(self):
        """The payloads of an event stream's data lines, [DONE] included."""
        return [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]

    def chunks(self):
        return [json.loads(event, parse_float=Decimal) for event in self.events()
                if event != "[DONE]"]

    def text(self):
        """What the model said, streamed or not."""
        if not self.headers.get("content-type", "").startswith("text/event-stream"):
            return self.json()["choices"][0]["message"]["content"]
        return "".join(choice["delta"].get("content") or "" for chunk in self.chunks()
                       for choice in chunk.get("choices", []))

    def cache(self):
        return self.headers.get("x-openrouter-cache-status")


def rows_by_call(rows, calls):
    """(row, call) for each of the simulator's calls."""
    by_id = {row["upstream_id"]: row for row in rows if row["upstream_id"]}
    for call in calls:
        check(call["id"] in by_id, f"no row for {call}")
    return [(by_id[call["id"]], call) for call in calls]


def chat_body(text, stream=False, model=MODEL, **more):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    if stream:
        body["stream"] = True
    return json.dumps(body).encode()


def sim_text(behaviour, nonce=""):
    """A user message that steers the simulator; nonce makes it another request."""
    return "SIM:" + json.dumps(behaviour) + nonce


def next_event(response):
    """The next data line of a stream that is still being sent; None at its end."""
    while True:
        line = response.readline()
        if not line:
            return None
        if line.startswith(b"data: "):
            return line[6:].strip().decode()


def leave(connection):
    """The client is gone, whatever it was waiting for."""
    sock = connection.sock
    connection.close()
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()


class H2:
    """An HTTP/2 client by prior knowledge that can also misbehave."""

    def __init__(self, port, window=1 << 24):
        import h2.config  # Debian's python3-h2; only these scenarios need it
        import h2.connection
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.local_settings.initial_window_size = window
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(window)
        self.seen = []  # (stream, event name, event)
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.sock.sendall(data)

    def post(self, body, headers=None, path="/v1/chat/completions", key=KEY):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [
            (":method", "POST"), (":scheme", "http"), (":authority", "127.0.0.1"), (":path", path),
            ("authorization", f"Bearer {key}"), ("content-type", "application/json"),
            *(headers or {}).items()])
        self.h2.send_data(stream, body, end_stream=True)
        self.flush()
        return stream

    def wait(self, stream, name):
        """Reads until an event of that name (StreamEnded, ...) came for stream."""
        while True:
            for event in self.seen:
                if event[:2] == (stream, name):
                    return event[2]
            data = self.sock.recv(65536)
            if not data:
                raise AssertionError(f"connection ended before {name} on stream {stream}")
            for event in self.h2.receive_data(data):
                kind = type(event).__name__
                if kind == "DataReceived":
                    self.h2.acknowledge_received_data(event.flow_controlled_length,
                                                      event.stream_id)
                self.seen.append((getattr(event, "stream_id", None), kind, event))
            self.flush()

    def answer(self, stream):
        self.wait(stream, "StreamEnded")
        headers = self.wait(stream, "ResponseReceived").headers
        body = b"".join(event.data for of, kind, event in self.seen
                        if of == stream and kind == "DataReceived")
        return Answer(int(dict(headers)[":status"]), headers, body)

    def reset(self, stream):
        self.h2.reset_stream(stream, 8)  # CANCEL
        self.flush()

    def close(self):
        self.sock.close()


class Gateway(Process):
    """A gateway with a configuration of its own in front of sim.

    config: nested dict merged over the defaults below; None removes a key.
    data: the data_dir to use (to start again on the same one).
    own_key: the gateway's own key for the upstream; else clients' keys are forwarded.
    dialect: what the upstream speaks; more than one upstream: config["upstreams"]."""

    def __init__(self, sim, config=None, data=None, env=None, files=None, own_key=None,
                 dialect="vercel"):
        self.dir = folder()
        self.data = data or os.path.join(self.dir, "data")
        for name, text in (files or {}).items():
            with open(os.path.join(self.dir, name), "w", encoding="utf-8") as file:
                file.write(text)
        settings = {
            "listen": [{"address": "127.0.0.1:0"}],
            "data_dir": self.data,
            "workers": 2,
            "upstreams": [sim.upstream(dialect=dialect) if sim else
                          {"name": "sim", "dialect": dialect,
                           "base_url": "http://127.0.0.1:1/v1"}],
            "cache": {"memory": "64MiB", "disk": "256MiB"},
            "limits": {"drain": "10s"},
            "prices": {"file": PRICES},
        }
        if own_key:
            settings["upstreams"][0]["api_key_env"] = "TOLLGATE_E2E_KEY"
            env = {"TOLLGATE_E2E_KEY": own_key, **(env or {})}
        merge(settings, config or {})
        self.config = os.path.join(self.dir, "tollgate.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(settings, file, indent=1)  # JSON is YAML
        super().__init__([f"{BUILD}/tollgate", "serve", "-c", self.config],
                         r"tollgate listening on https?://\S+:(\d+)", env)
        count = len(settings["listen"])
        wait_for(lambda: sum("listening on" in line for line in self.lines) >= count, "all addresses")
        self.ports = [int(re.search(r":(\d+)\s*$", line).group(1)) for line in self.lines
                      if "listening on" in line]
        self.port = self.ports[0]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.kill()
            sys.stderr.write("--- gateway log\n" + self.log_text()[-8000:])
            return
        code = self.stop()
        text = self.log_text()
        check("ERROR: AddressSanitizer" not in text and "runtime error:" not in text
              and "LeakSanitizer" not in text, "a sanitizer complained:\n" + text[-8000:])
        equal(code, 0, "exit code after SIGTERM")

    def connect(self, timeout=DEADLINE):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, connection=None):
        mine = connection is None
        connection = connection or self.connect()
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read())
        if mine:
            connection.close()
        return answer

    def chat(self, text="hello", stream=False, cache=None, headers=None, key=KEY, body=None,
             connection=None, **more):
        """POST /v1/chat/completions. cache: True or False sets X-OpenRouter-Cache."""
        sent = {"Content-Type": "application/json"}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        if cache is not None:
            sent["X-OpenRouter-Cache"] = "true" if cache else "false"
        sent.update(headers or {})
        return self.request("POST", "/v1/chat/completions",
                            body if body is not None else chat_body(text, stream, **more), sent,
                            connection)

    def post(self, path, body, cache=None, headers=None, key=KEY):
        """POST of a JSON body to any path."""
        sent = {"Content-Type": "application/json"}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        if cache is not None:
            sent["X-OpenRouter-Cache"] = "true" if cache else "false"
        sent.update(headers or {})
        return self.request("POST", path, json.dumps(body).encode(), sent)

    def get(self, path, key=KEY, headers=None):
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        return self.request("GET", path, headers={**sent, **(headers or {})})

    def begin(self, text="hello", stream=False, cache=None, headers=None, key=KEY, **more):
        """Sends a chat request and waits for nothing; the connection, for getresponse()."""
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {key}",
                **(headers or {})}
        if cache is not None:
            sent["X-OpenRouter-Cache"] = "true" if cache else "false"
        connection = self.connect()
        connection.request("POST", "/v1/chat/completions", chat_body(text, stream, **more), sent)
        return connection

    def curl(self, *arguments, body=None, port=None, scheme="http", path="/v1/chat/completions"):
        """curl with its own arguments: (status, headers, body)."""
        out = os.path.join(self.dir, f"curl-{threading.get_ident()}-{time.monotonic_ns()}")
        command = ["curl", "-sS", "-o", out, "-D", "-", "--max-time", str(int(DEADLINE)), *arguments,
                   f"{scheme}://127.0.0.1:{port or self.port}{path}"]
        if body is not None:
            command += ["--data-binary", "@-"]
        done = subprocess.run(command, input=body, capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"curl {arguments}: exit {done.returncode}: {done.stderr.decode()}")
        lines = done.stdout.decode().replace("\r", "").strip().split("\n\n")[-1].split("\n")
        headers = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "")
                   for line in lines[1:]]
        with open(out, "rb") as file:
            return Answer(int(lines[0].split()[1]), headers, file.read())

    def export(self, *arguments, month=None):
        """Standard output of tollgate export."""
        done = subprocess.run([f"{BUILD}/tollgate", "export", "-c", self.config, "--month",
                               month or this_month(), *arguments], capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"export: exit {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode()

    def explain(self, identity):
        """tollgate explain --json of an id or an answer."""
        if isinstance(identity, Answer):
            identity = identity.headers["x-generation-id"]
        code, out, err = tollgate("explain", "-c", self.config, identity, "--json")
        equal((code, err), (0, ""), f"explain {identity}")
        return json.loads(out, parse_float=Decimal)

    def report(self, *arguments):
        """tollgate report --json of this month."""
        code, out, err = tollgate("report", "-c", self.config, "--month", this_month(), "--json",
                                  *arguments)
        equal((code, err), (0, ""), f"report {arguments}")
        return json.loads(out, parse_float=Decimal)

    def rows_of(self, answers, settled=False):
        """The rows of these answers, in their order, and no others.

        The ledger orders by created_at; two workers may write theirs a moment apart."""
        answers = list(answers)
        rows = {row["id"]: row for row in (self.settled_rows if settled else self.wait_rows)(
            len(answers))}
        return [rows[answer.headers["x-generation-id"]] for answer in answers]

    def rows_of_id(self, generation_id):
        """The settled row with this id."""
        def find():
            return [row for row in self.rows()
                    if row["id"] == generation_id and row["verdict"] != "pending"]
        return wait_for(find, f"the row of {generation_id}")[0]

    def settled_rows(self, count):
        """All rows of the month, once there are count and none is pending."""
        def settled():
            rows = self.rows()
            return rows if len(rows) >= count and all(
                row["verdict"] != "pending" for row in rows) else None
        rows = wait_for(settled, f"{count} settled rows")
        equal(len(rows), count, "ledger rows")
        return rows

    def rows(self, month=None):
        """The month's rows as dicts of text, oldest first."""
        return list(csv.DictReader(io.StringIO(self.export(month=month))))

    def wait_rows(self, count, seconds=DEADLINE):
        rows = []

        def enough():
            rows[:] = self.rows()
            return len(rows) >= count
        wait_for(enough, f"{count} ledger rows", seconds)
        equal(len(rows), count, "ledger rows")
        return rows


def merge(into, more):
    for key, value in more.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def tollgate(*arguments, env=None):
    """Runs a subcommand: (exit code, stdout, stderr)."""
    done = subprocess.run([f"{BUILD}/tollgate", *arguments], capture_output=True, check=False,
                          timeout=DEADLINE, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write_config(settings):
    """A configuration file in a folder of its own, for starts that are to fail."""
    path = os.path.join(folder(), "tollgate.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(settings if isinstance(settings, str) else json.dumps(settings, indent=1))
    return path


def client(name, key=None, **more):
    """An element of `clients`: the one with this key, or with tg_NAME."""
    key = key or f"tg_{name}"
    return {"name": name, "key_hash": "sha256:" + hashlib.sha256(key.encode()).hexdigest(), **more}


def price_file(model, *versions, **more):
    """Text of a price table: one model with its versions, oldest first; more: other models."""
    since = {"from": "2026-01-01T00:00:00Z"}
    models = {model: versions, **{name: [each] for name, each in more.items()}}
    return json.dumps({"format": 2, "models": {
        name: [{**since, **version} for version in each] for name, each in models.items()}})


def self_signed(directory):
    """A certificate for 127.0.0.1: (certificate, key)."""
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


def in_parallel(count, function):
    """Runs function(i) on count threads at once; their results, or the first error."""
    results, errors = [None] * count, []
    barrier = threading.Barrier(count)

    def one(i):
        try:
            barrier.wait(DEADLINE)
            results[i] = function(i)
        except BaseException as error:  # handed to the caller below
            errors.append(error)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
