"""A byte that the disk turned, a file that was cut short or is gone: after kill -9 and after a stop, verify either
says so or the ledger exports what it did before. It never passes with other rows, and never crashes."""
from harness import *

LAST, NOW = month_before(), this_month()


class Files:
    """A ledger that nothing has open. Each trial has a fresh copy, for whoever reads it mends it first."""

    def __init__(self, gateway, what):
        with open(gateway.config, encoding="utf-8") as file:
            settings = json.load(file)
        self.pristine, self.what = gateway.data, what
        self.data = os.path.join(folder(), "data")
        self.directory = os.path.join(self.data, "ledger")
        self.config = write_config({**settings, "data_dir": self.data})
        self.silent, self.leaks, self.trials, self.told = [], [], 0, 0
        self.fresh()
        self.before = self.look()
        equal([code for code, _, _ in self.before], [0, 0, 0], f"nothing was touched yet: {self.before}")

    def fresh(self):
        shutil.rmtree(self.data, True)
        os.mkdir(self.data)
        for name in "ledger", "identity.secret", "signing-key":
            subprocess.run(["cp", "-a", "--sparse=always", os.path.join(self.pristine, name), self.data], check=True)

    def look(self):
        verified = tollgate("verify", "-c", self.config)
        return [verified] + [tollgate("export", "-c", self.config, "--month", month) if verified[0] == 0 else None
                             for month in (LAST, NOW)]

    def names(self):
        for where, _, names in os.walk(self.directory):
            for name in sorted(names):
                path = os.path.join(where, name)
                if os.path.getsize(path) and not name.startswith(("LOG", "lock", "LOCK", "OPTIONS", "IDENTITY")):
                    yield path

    def judge(self, what):
        self.trials += 1
        after = self.look()
        code, out, err = after[0]
        if "Sanitizer" in err:
            self.leaks.append(f"{self.what}: {what}: {err}")
        check(code in (0, 1) and "AddressSanitizer: heap" not in err and "runtime error" not in err and
              "ssert" not in err, f"{self.what}: {what}: exit {code}: {err}")
        if code == 1:
            self.told += 1
            check(err.strip(), f"{self.what}: {what}: says nothing")
        elif after[1:] != self.before[1:]:
            self.silent.append(f"{self.what}: {what}: {out!r}")

    def flip(self, path, place):
        self.fresh()
        with open(path, "r+b") as file:
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 0x11]))
        self.judge(f"byte {place} of {os.path.basename(path)}")

    def cut(self, path, length):
        self.fresh()
        if length is None:
            os.remove(path)
        else:
            os.truncate(path, length)
        self.judge(f"{os.path.basename(path)} cut to {length}")

    def all(self, flips):
        self.fresh()
        contents = {}
        for path in self.names():
            with open(path, "rb") as file:
                contents[path] = file.read(1 << 17)  # journals are long and mostly empty
        for path, content in contents.items():
            used = [place for place, byte in enumerate(content) if byte]
            for number in range(flips):
                self.flip(path, used[(2 * number + 1) * len(used) // (2 * flips)])
            if not os.path.basename(path).startswith("journal"):
                self.cut(path, len(content) // 2)
            if path.endswith((".sst", "CURRENT")) or "MANIFEST" in path:
                self.cut(path, None)
        print(f"{self.what}: {self.trials} trials, {self.told} told")


with Sim() as sim:
    with Gateway(sim, env=clock(LAST)) as gateway:
        for number in range(8):
            gateway.chat(f"{number % 4}", cache=True, user="someone")
        wait_for(lambda: len(gateway.rows(month=LAST)) == 8, "8 rows")
    code, out, err = tollgate("keys", "signing", "-c", gateway.config)
    equal(code, 0, err)
    code, out, err = tollgate("close", "-c", gateway.config, "--month", LAST)
    equal(code, 0, err)
    second = Gateway(sim, data=gateway.data)
    for number in range(8):
        second.chat(f"now {number % 4}", cache=True, user="someone")
    second.settled_rows(8)
    waiting = second.begin(sim_text({"delay": 20000}))  # its hold is open
    wait_for(lambda: sim.stats()["live"] == 1, "a call under way")
    second.kill()
    killed = Files(second, "after kill -9")
    killed.all(3)
    with Gateway(sim, data=gateway.data) as gateway:
        gateway.chat("once more")
        gateway.wait_rows(10)
    stopped = Files(gateway, "after a stop")
    stopped.all(2)
for each in killed.leaks + stopped.leaks:
    print(each, file=sys.stderr)
for each in killed.silent + stopped.silent:
    print("passed in silence:", each, file=sys.stderr)
equal(len(killed.silent + stopped.silent), 0, "damages that verify did not find")
equal(len(killed.leaks + stopped.leaks), 0, "complaints of a sanitizer")
check(killed.told > 10 and stopped.told > 10, "most are told")
