"""A month with no rows is a header only; a bad month or a bad argument is a clear error."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    gateway.chat("hello")
    gateway.wait_rows(1)
    header = gateway.export().splitlines(keepends=True)[0]
    for month in "2020-01", "2026-02", "2099-12":
        equal(gateway.export(month=month), header, month)
        equal(gateway.export("--format", "jsonl", month=month), "", month)
    for month in "2026-13", "2026-00", "2026-1", "26-11", "november", "2026-11-01", "", "2026/11":
        code, out, err = tollgate("export", "-c", gateway.config, "--month", month)
        check(code in (1, 2), f"exit code {code} for {month!r}")
        equal(out, "", "nothing on standard output")
        check("month" in err and "Sanitizer" not in err, f"an error that tells: {err!r}")
    for arguments in (["--by", "weather"], ["--format", "xml"], ["--nonsense"], ["extra"]):
        code, out, err = tollgate("export", "-c", gateway.config, "--month", this_month(), *arguments)
        equal((code, out), (2, ""), f"{arguments}: {err}")
        check(err.strip(), "an error that tells")
    code, out, err = tollgate("export", "-c", gateway.config)
    check(code == 2 and "month" in err, "the month is required")
    code, out, err = tollgate("export", "-c", "/nonexistent/tollgate.yaml", "--month", this_month())
    check(code in (1, 2) and "/nonexistent/tollgate.yaml" in err, err)
    equal(tollgate("export", "--help")[0], 0)
    check("--month" in tollgate("export", "--help")[1], "help")

# Before the first start there is no ledger yet: an empty month, or an error that says so.
settings = write_config({"data_dir": "never", "upstreams": [
    {"name": "sim", "dialect": "vercel", "base_url": "http://127.0.0.1:1/v1"}]})
code, out, err = tollgate("export", "-c", settings, "--month", this_month())
check((code, out) == (0, header) or (code == 1 and "ledger" in err), f"{code} {out} {err}")
check(not os.path.exists(os.path.join(os.path.dirname(settings), "never")), "reading makes nothing")
