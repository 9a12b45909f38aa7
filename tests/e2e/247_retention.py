"""ledger.retention drops whole months that were closed and exported, and no others; what is left verifies, and the
heads still hold together."""
from harness import *

MONTHS = [month_before(back=back) for back in (5, 4, 3, 2)]
NOW = this_month()


def well(*arguments, env=None):
    code, out, err = tollgate(arguments[0], "-c", gateway.config, *arguments[1:], env=env)
    equal(code, 0, f"{arguments}: {err}")
    return out


with Sim() as sim:
    data = None
    for month in MONTHS:
        with Gateway(sim, data=data, env=clock(month)) as gateway:
            for number in range(4):
                gateway.chat(f"{number % 3}", cache=True)
            wait_for(lambda: len(gateway.rows(month=month)) == 4, "4 rows")
            data = gateway.data
    key = well("keys", "signing").strip()
    exports = {}
    for month in MONTHS:  # the third is closed without a file, the last stays open
        path = os.path.join(gateway.dir, f"{month}.csv")
        if month != MONTHS[3]:
            well("close", "--month", month, *(() if month == MONTHS[2] else ("--export", path)))
        exports[month] = well("export", "--month", month)
    equal(len(well("verify", "--key", key).splitlines()), 4)
    with Gateway(sim, {"ledger": {"retention": "100 months"}}, data=data) as gateway:
        gateway.chat("now")
        gateway.wait_rows(1)
        for month in MONTHS:
            equal(well("export", "--month", month), exports[month], "none is that old")
    with Gateway(sim, {"ledger": {"retention": "1 month"}}, data=data) as gateway:
        wait_for(lambda: len(gateway.rows(month=MONTHS[0])) == 0, "the oldest month to be dropped")
        wait_for(lambda: len(gateway.rows(month=MONTHS[1])) == 0, "the second, too")
        for month in MONTHS[2:]:
            equal(well("export", "--month", month), exports[month], f"{month} was not closed and exported")
        gateway.chat("and now")
        gateway.wait_rows(2)
        out = well("verify", "--key", key)
        check(f"{MONTHS[2]}: 4 rows, closed, all laws hold" in out and f"{MONTHS[3]}: 4 rows, open" in out, out)
        equal(json.loads(well("report", "--month", NOW, "--json"))["totals"]["requests"], 2)
        # An export or report of nothing must not look like a month in which nothing was spent.
        silent = []
        for month in MONTHS[:2]:
            for arguments in (("export",), ("export", "--format", "focus"), ("export", "--by", "model"), ("report",),
                              ("rerate", "--prices", PRICES)):
                code, out, err = tollgate(arguments[0], "-c", gateway.config, "--month", month, *arguments[1:])
                if code == 0 and "dropped" not in out + err:
                    silent.append((month, arguments, out[-200:], err[-200:]))
        for each in silent:
            print("says nothing:", each, file=sys.stderr)
    well("verify", "--key", key)
    well("close", "--month", MONTHS[3])
    check(f"{MONTHS[3]}: 4 rows, closed, all laws hold" in well("verify", "--key", key), "the chain of heads goes on")
equal(len(silent), 0, "a dropped month looks like an empty one")
