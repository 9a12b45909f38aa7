"""What run.py measured, as a table, as JSON, and against the budgets of the design."""

import json
import os
import platform
import statistics

QUIET_LOAD = 0.5  # load average above which other work is in the figures
SATURATED = 0.9  # share of its core that a server uses when it is the bottleneck


def ratio(bench, row, over, metric="rate"):
    ours, theirs = bench.median(row, "tollgate", metric), bench.median(row, over, metric)
    return ours / theirs if ours and theirs else None


def added_ratio(bench):
    """What tollgate adds to a miss at p50, over what nginx adds."""
    row = "miss, one at a time"
    ours, nginx, direct = (bench.median(row, s, "p50") for s in ("tollgate", "nginx", "direct"))
    if ours is None or nginx is None or direct is None or nginx <= direct:
        return None
    return (ours - direct) / (nginx - direct)


def budgets(bench, memory):
    """(what, value, limit, at least or at most); a value is None where it was not measured."""
    p99 = bench.median("hit h2 at half load", "tollgate", "p99")
    mib = {name: kib / 1024 for name, kib in memory.items()}
    return [
        ("hit h2 / bare libh2o", ratio(bench, "hit h2", "libh2o"), 0.65, "at least"),
        ("hit h2 / nginx proxy_cache", ratio(bench, "hit h2", "nginx"), 6.0, "at least"),
        ("hit h1 / bare libh2o", ratio(bench, "hit h1", "libh2o"), 0.90, "at least"),
        ("hit h1 / nginx proxy_cache", ratio(bench, "hit h1", "nginx"), 1.0, "at least"),
        ("hit p99 at half load, ms", p99 / 1000 if p99 else None, 1.0, "at most"),
        ("added to a miss at p50 / by nginx", added_ratio(bench), 1.5, "at most"),
        ("miss h1 / nginx proxy_pass", ratio(bench, "miss h1", "nginx"), 0.40, "at least"),
        ("miss h1, requests a second", bench.median("miss h1", "tollgate"), 20000, "at least"),
        ("memory idle, MiB", mib.get("idle"), 32, "at most"),
        ("peak memory after hits, MiB", mib.get("after_hits"), 64, "at most"),
    ]


def is_met(value, limit, kind):
    if value is None:
        return None
    return value >= limit if kind == "at least" else value <= limit


def cautions(bench):
    """Why rates of this run may say less than they seem to. A server that did not fill its core was
    not the bottleneck: its rate is a lower bound, and a ratio to it flatters the other."""
    found = []
    if bench.options.load_before > QUIET_LOAD:
        load = bench.options.load_before
        found.append(f"load was {load:.1f} before the run: quote none of these rates")
    for row in ("hit h2", "hit h1", "miss h1"):
        ours = bench.median(row, "tollgate", "cpu_us")
        for server in ("libh2o", "nginx", "tollgate"):
            busy = bench.median(row, server, "busy")
            if busy is None or busy >= SATURATED:
                continue
            text = f"{row}: {server} used {busy:.0%} of its core: something else set its rate"
            if ours and server != "tollgate":
                share = bench.median(row, server, "cpu_us") / ours
                text += f"; by processor time tollgate / {server} is {share:.2f}"
            found.append(text)
    return found


def figure(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def print_report(bench, memory):
    print(f"\n{'row':<22}{'server':<10}{'metric':<9}{'median':>12}{'least':>12}{'most':>12}")
    for (row, server, metric), values in bench.samples.items():
        cells = "".join(
            f"{figure(v):>12}" for v in (statistics.median(values), min(values), max(values))
        )
        print(f"{row:<22}{server:<10}{metric:<9}{cells}")
    for name, kib in memory.items():
        print(f"{'memory ' + name:<22}{'tollgate':<10}{'KiB':<9}{figure(kib):>12}")
    print(f"\n{'budget':<38}{'measured':>10}  {'limit':<16}")
    for what, value, limit, kind in budgets(bench, memory):
        met = {None: "not measured", True: "met", False: "MISSED"}[is_met(value, limit, kind)]
        print(f"{what:<38}{figure(value):>10}  {kind + ' ' + figure(limit):<16}{met}")
    for text in cautions(bench):
        print(f"caution: {text}")
    print(
        "\nOne machine, loopback; servers on core 0, the load generator on core 1. In miss rows\n"
        "the simulated upstream shares core 1 with the load generator, for every server alike.\n"
        "rate: requests a second; cpu_us: the server's processor time a request; busy: share of\n"
        "its core that it used; p50, p99: us."
    )


def write_json(path, bench, memory):
    rows = [
        {"row": row, "server": server, "metric": metric, "median": statistics.median(values),
         "rounds": values}
        for (row, server, metric), values in bench.samples.items()
    ]
    checks = [
        {"what": what, "value": value, "limit": limit, "kind": kind,
         "met": is_met(value, limit, kind)}
        for what, value, limit, kind in budgets(bench, memory)
    ]
    report = {
        "machine": {"cores": os.cpu_count(), "kernel": platform.release(),
                    "load_before": bench.options.load_before},
        "rounds": bench.options.rounds, "seconds": bench.options.seconds,
        "request_bytes": bench.request_bytes, "answer_bytes": bench.answer_bytes,
        "rows": rows, "memory_kib": memory, "budgets": checks,
        "cautions": cautions(bench),
    }
    with open(path, "w") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
