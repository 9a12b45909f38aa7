"""Closing a month and copying the ledger: by the command alone, by the gateway that has the ledger, and at
the admin address; what is refused leaves nothing behind."""
from harness import *

TOKEN = "sesame-0123456789abcdef"
ENV = {"TOLLGATE_E2E_ADMIN": TOKEN}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def last_month(back=1):
    year, month = map(int, this_month().split("-"))
    number = year * 12 + month - 1 - back
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def close(gateway, *arguments, env=ENV):
    return tollgate("close", "-c", gateway.config, *arguments, env=env)


def head_of(text):
    return dict(line.split(" ", 1) for line in text.splitlines()[1:])


def rows_in(text):
    return list(csv.DictReader(io.StringIO(text)))


with Sim() as sim:
    port = free_port()
    admin = {"address": f"127.0.0.1:{port}", "token_env": "TOLLGATE_E2E_ADMIN"}
    with Gateway(sim, config={"admin": admin}, env=ENV) as gateway:
        wait_for(lambda: gateway.find("tollgate admin on"), "the admin address")
        for i in range(3):
            gateway.chat(f"question {i}")
        gateway.settled_rows(3)
        export = os.path.join(gateway.dir, "sealed.csv")

        # Refusals name the reason and leave no file behind.
        for arguments, words in ((("--month", last_month()), "keys signing"),
                                 (("--month", this_month()), "keys signing")):
            code, out, err = close(gateway, *arguments, "--export", export)
            check((code, out) == (1, "") and words in err, f"{code} {out} {err}")
        code, out, err = tollgate("keys", "signing", "-c", gateway.config)
        equal(code, 0, err)
        code, out, err = close(gateway, "--month", this_month(), "--export", export)
        check((code, out) == (1, "") and "not over" in err, f"{code} {out} {err}")
        check(not os.path.exists(export) and not os.path.exists(export + ".part"), "no file is left")
        code, out, err = close(gateway, "--month", last_month(), env={})
        check(code == 1 and "token" in err, f"without the token: {err}")
        for arguments in ((), ("--month", "2026-13"), ("--month", "x", "extra"), ("--nonsense",),
                          ("--month", last_month(), "--export", "no-csv")):
            code, out, err = close(gateway, *arguments)
            check((code, out) == (2, "") and err.strip(), f"{arguments}: {code} {out} {err}")

        # The gateway closes a month, which has no rows, and goes on serving.
        code, out, err = close(gateway, "--month", last_month(2), "--export", export)
        equal(code, 0, err)
        head = head_of(out)
        equal((head["month"], head["rows"], head["previous"]), (last_month(2), "0", "0" * 64))
        with open(export, "rb") as file:
            equal(head["export"], hashlib.sha256(file.read()).hexdigest(), "the export's hash")
        with open(export + ".head", encoding="utf-8") as file:
            equal(file.read(), out, "the head beside the export")
        code, out, err = close(gateway, "--month", last_month(2))
        check((code, out) == (1, "") and "closed already" in err, f"{code} {out} {err}")
        code, out, err = close(gateway, "--month", last_month(), "--export", export)
        check(code == 1 and "there already" in err, f"a file is not replaced: {err}")
        equal(gateway.chat("still serving").status, 200)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        connection.request("GET", "/ledger/months", headers={"Authorization": f"Bearer {TOKEN}"})
        months = json.loads(connection.getresponse().read())["data"]
        connection.close()
        equal([(month["month"], month["closed"]) for month in months],
              [(last_month(2), True), (this_month(), False)])
        check(months[0]["head"].startswith("tollgate ledger head 1\n"), "the head is shown")

        # A copy while requests come in: it opens as a ledger, and holds what was there before.
        before = {row["id"] for row in gateway.settled_rows(4)}
        copy = os.path.join(gateway.dir, "copy")
        stop = threading.Event()

        def go_on():
            n = 0
            while not stop.is_set():
                gateway.chat(f"meanwhile {n}")
                n += 1
        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            code, out, err = tollgate("backup", "-c", gateway.config, copy, env=ENV)
        finally:
            stop.set()
            thread.join()
        equal(code, 0, err)
        equal(out, f"copied to {copy}\n")
        for name in "identity.secret", "signing-key":
            path = os.path.join(copy, name)
            equal(os.stat(path).st_mode & 0o777, 0o600, name)
            with open(path, "rb") as one, open(os.path.join(gateway.data, name), "rb") as other:
                equal(one.read(), other.read(), name)
        code, out, err = tollgate("backup", "-c", gateway.config, copy, env=ENV)
        check((code, out) == (1, "") and copy in err, f"a folder that is not empty: {err}")
        with open(gateway.config, encoding="utf-8") as file:
            settings = json.load(file)
        config = write_config({**settings, "data_dir": copy})
        code, out, err = tollgate("export", "-c", config, "--month", this_month())
        equal(code, 0, err)
        copied = rows_in(out)
        check(before <= {row["id"] for row in copied}, "the copy has every row from before")
        # A call that was under way is an open hold in the copy, and unknown to it.
        check({row["id"] for row in copied if row["verdict"] != "unknown"}
              <= {row["id"] for row in gateway.settled_rows(len(gateway.rows()))}, "and no others")
        config_path, data = gateway.config, gateway.data

    # With no gateway running the command does it itself.
    code, out, err = tollgate("close", "-c", config_path, "--month", last_month())
    equal(code, 0, err)
    equal(head_of(out)["month"], last_month())
    check(head_of(out)["previous"] != "0" * 64, "it names its predecessor")
    code, out, err = tollgate("close", "-c", config_path, "--month", last_month())
    check((code, out) == (1, "") and "closed already" in err, f"{code} {out} {err}")
    alone = os.path.join(data, "..", "alone")
    code, out, err = tollgate("backup", "-c", config_path, alone)
    equal(code, 0, err)
    check(os.path.isdir(os.path.join(alone, "ledger")), "the copy")
    code, out, err = tollgate("close", "-c", write_config({**settings, "data_dir": "never"}),
                              "--month", last_month())
    check(code == 1 and "ledger" in err, f"no ledger: {code} {err}")

    # A copy goes on as a gateway's data_dir, with the same key ids.
    with Gateway(sim, data=copy) as gateway:
        gateway.chat("hello again")
        rows = wait_for(lambda: [row for row in gateway.rows() if row["id"] not in before], "the new row")
        equal({row["key_id"] for row in gateway.rows()}, {rows[-1]["key_id"]}, "key ids go on")

        # A gateway without an admin address cannot be asked.
        for arguments in (("close", "-c", gateway.config, "--month", last_month()),
                          ("backup", "-c", gateway.config, os.path.join(gateway.dir, "nowhere"))):
            code, out, err = tollgate(*arguments)
            check((code, out) == (1, "") and "admin.address" in err, f"{code} {out} {err}")
for command in "close", "backup":
    code, out, err = tollgate(command, "--help")
    check(code == 0 and out.startswith(f"usage: tollgate {command}"), out)
equal(tollgate("backup")[0], 2)
