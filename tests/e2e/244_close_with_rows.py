"""A month that has rows is closed under a signed head; what comes later for its requests is a correction in the
open month, and neither the month's rows nor its exports change any more. The clocks are set."""
from harness import *

LAST, NOW = month_before(), this_month()
LAST_DAY = calendar.monthrange(*map(int, LAST.split("-")))[1]
BEFORE, AFTER = clock(LAST, LAST_DAY, "23:58:00"), clock(NOW, 1, "00:00:30")
MODELS = (MODEL, "openai/gpt-4.1-mini", "zai/glm-5.3")


def run(*arguments, env=AFTER):
    return tollgate(arguments[0], "-c", config, *arguments[1:], env=env)


def well(*arguments):
    code, out, err = run(*arguments)
    equal(code, 0, f"{arguments}: {err}")
    return out


def total(rows, column):
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


def read(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def signed_by(head, key):
    """OpenSSL's opinion of the signature over what stands before it."""
    body, signature = re.fullmatch(r"(.*\n)signature ([0-9a-f]{128})\n", head, re.S).groups()
    directory = folder()
    for name, content in (("body", body.encode()), ("signature", bytes.fromhex(signature)),
                          ("key", bytes.fromhex("302a300506032b6570032100" + key))):
        with open(os.path.join(directory, name), "wb") as file:
            file.write(content)
    return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin",
                           "-in", "body", "-sigfile", "signature"], cwd=directory, capture_output=True,
                          check=False).returncode == 0


with Sim() as sim:
    with Gateway(sim, env=BEFORE) as gateway:
        config = gateway.config
        for number in range(15):
            gateway.chat(f"{number % 5}", cache=True, model=MODELS[number % 3], user=f"u{number % 2}")
        gateway.chat(sim_text({"byok": True, "surcharge": "0.0001"}))
        gateway.chat(sim_text({"status": 500}))
        # Its cost is told by its record alone, and that comes after the month was closed.
        late = gateway.chat(sim_text({"no_cost": True, "generation": 9000, "market": "0.5", "billed": "0.5"}))
        wait_for(lambda: len(gateway.rows(month=LAST)) == 18, "18 rows")
        key = re.search(r"\b[0-9a-f]{64}\b", well("keys", "signing")).group(0)
        code, out, err = run("close", "--month", LAST, env=BEFORE)
        check(code == 1 and out == "" and err, f"not over yet: {err}")
    sealed = os.path.join(gateway.dir, "sealed.csv")
    code, out, err = run("close", "--month", LAST, "--export", sealed)
    check(code == 1 and "pending" in err, f"a cost is to come: {err}")
    check(not os.path.exists(sealed), "nothing is left")
    open_export = well("export", "--month", LAST)
    head_text = well("close", "--month", LAST, "--with-pending", "--export", sealed)
    head = dict(line.split(" ", 1) for line in head_text.splitlines()[1:])
    rows = read(open_export)
    equal([head[name] for name in ("month", "rows", "issued", "key", "previous")], [LAST, "18", "18", key, "0" * 64])
    for name, column in (("booked", "booked_usd"), ("billed", "billed_usd"), ("saved", "saved_usd")):
        equal(Decimal(head[name]), total(rows, column), name)
    with open(sealed, "rb") as file:
        content = file.read()
    equal((content.decode(), head["export"]), (open_export, hashlib.sha256(content).hexdigest()), "the export")
    with open(sealed + ".head", encoding="ascii") as file:
        equal(file.read(), head_text, "the head beside it")
    check(signed_by(head_text, key), "the signature is Ed25519 over the lines before it")
    check(not signed_by(head_text.replace("rows 18", "rows 17"), key), "and over all of them")
    focus = well("export", "--month", LAST, "--format", "focus")
    lines = read(focus)
    equal(total(lines, "BilledCost"), total(rows, "booked_usd"), "FOCUS of a closed month")
    equal({(line["x_LedgerRootHash"], line["x_LedgerFirstSeq"], line["x_LedgerLastSeq"]) for line in lines},
          {(head["root"], head["first"].split("/")[-1], head["last"].split("/")[-1])}
          if lines[0]["x_LedgerFirstSeq"] == head["first"].split("/")[-1] else
          {(head["root"], head["first"], head["last"])}, "the head's place in each line")

    # The month goes on, the late cost arrives: a correction that points at the row.
    with Gateway(sim, data=gateway.data, env=AFTER) as gateway:
        config = gateway.config
        for number in range(4):
            gateway.chat(f"new {number % 2}", cache=True)

        def corrected():
            found = gateway.rows(month=NOW)
            return found if len(found) >= 5 else None
        newer = wait_for(corrected, "the correction")
        equal(len(newer), 5, "four requests and a correction")
        equal(well("export", "--month", LAST), open_export, "the closed month stays as it was")
        lines = well("verify", "--key", key).splitlines()
        equal(lines, [f"{LAST}: 18 rows, closed, all laws hold", f"{NOW}: 5 rows, open, all laws hold"])
    of_both = rows + newer
    identity = late.headers["x-generation-id"]
    correction = [row for row in newer if row["id"] == identity or row["source_id"] == identity]
    equal(len(correction), 1, f"it names the request: {newer}")
    before = [row for row in rows if row["id"] == identity][0]
    equal(before["verdict"], "pending")
    equal(Decimal(before["booked_usd"]) + Decimal(correction[0]["booked_usd"]), Decimal("0.5"), "together the true cost")
    story = json.loads(well("explain", identity, "--json"), parse_float=Decimal)
    equal((story["correction_count"], len(story["corrections"])), (1, 1), "the story tells the correction")
    equal(well("export", "--month", LAST, "--format", "focus"), focus, "the same FOCUS dataset")
    for profile in "1.2", "1.4":
        lines = read(well("export", "--month", NOW, "--format", "focus", "--profile", profile))
        equal(total(lines, "BilledCost"), total(newer, "booked_usd"), "FOCUS of the open month")
        changed = [line for line in lines if line["ChargeClass"] == "Correction"]
        check(changed, "lines of the correction")
        equal(total(changed, "BilledCost"), Decimal(correction[0]["booked_usd"]))
        for line in changed:
            equal((line["ChargePeriodStart"], line["BillingPeriodStart"]),
                  (f"{LAST}-{LAST_DAY}T23:00:00Z", f"{NOW}-01T00:00:00Z"))
    report = json.loads(well("report", "--month", LAST, "--json"), parse_float=Decimal)
    equal((report["closed"], Decimal(report["totals"]["spend_usd"])), (True, total(rows, "booked_usd")))
    report = json.loads(well("report", "--month", NOW, "--json"), parse_float=Decimal)
    equal((report["closed"], Decimal(report["totals"]["spend_usd"])), (False, total(newer, "booked_usd")))
    code, out, err = run("close", "--month", LAST)
    check(code == 1 and "closed already" in err, err)

    # The next month's head names this one.
    env = clock(month_before(NOW, -1), 2)
    code, out, err = run("close", "--month", NOW, env=env)
    equal(code, 0, err)
    second = dict(line.split(" ", 1) for line in out.splitlines()[1:])
    check(second["previous"] not in ("0" * 64, head["root"]), "a hash of the head before")
    equal((second["rows"], Decimal(second["booked"])), ("5", total(newer, "booked_usd")))
    check(signed_by(out, key), "signed")
    equal(len(well("verify", "--key", key).splitlines()), 2, "both verify")
