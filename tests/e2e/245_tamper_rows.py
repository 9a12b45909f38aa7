"""Whoever can write the database can drop, change, reorder, truncate or forge rows, and mend RocksDB's checksums;
`verify` finds every one of it in a closed month, and in an open one what has to do with counts, places and money.

A program of a few lines changes the ledger through RocksDB itself, and puts it back."""
from harness import *

LAST, NOW = month_before(), this_month()

KV_SOURCE = r"""
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *failure;

static void hex(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        printf("%02x", (unsigned char)bytes[i]);
}
static size_t unhex(char *text)
{
    size_t length = strlen(text) / 2;
    for (size_t i = 0; i < length; i++) {
        unsigned byte;
        sscanf(text + 2 * i, "%2x", &byte);
        text[i] = (char)byte;
    }
    return length;
}
static void stop_on_failure(void)
{
    if (failure != NULL) {
        fprintf(stderr, "%s\n", failure);
        exit(1);
    }
}
static void list(rocksdb_t *db, rocksdb_column_family_handle_t *family, const char *name)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(db, options, family);
    for (rocksdb_iter_seek_to_first(at); rocksdb_iter_valid(at); rocksdb_iter_next(at)) {
        size_t key_length, value_length;
        const char *key = rocksdb_iter_key(at, &key_length);
        const char *value = rocksdb_iter_value(at, &value_length);
        printf("%s ", name);
        hex(key, key_length);
        printf(" ");
        hex(value, value_length);
        printf("\n");
    }
    rocksdb_iter_get_error(at, &failure);
    stop_on_failure();
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
}
int main(int count, char **arguments)
{
    static rocksdb_column_family_handle_t *families[4096];
    static const rocksdb_options_t *each[4096];
    size_t names_count;
    rocksdb_options_t *options = rocksdb_options_create();
    char **names = rocksdb_list_column_families(options, arguments[1], &names_count, &failure);
    stop_on_failure();
    for (size_t i = 0; i < names_count; i++)
        each[i] = options;
    rocksdb_t *db = rocksdb_open_column_families(options, arguments[1], (int)names_count,
                                                 (const char *const *)names, each, families, &failure);
    stop_on_failure();
    static char line[1 << 22], name[256], key[1 << 20], value[1 << 21], verb[16];
    rocksdb_writeoptions_t *writing = rocksdb_writeoptions_create();
    if (count == 2) {
        for (size_t i = 0; i < names_count; i++)
            list(db, families[i], names[i]);
    }
    while (count > 2 && fgets(line, sizeof(line), stdin) != NULL) {
        value[0] = '\0';
        if (sscanf(line, "%15s %255s %1048575s %2097151s", verb, name, key, value) < 3)
            return 2;
        size_t i = 0;
        while (i < names_count && strcmp(names[i], name) != 0)
            i++;
        if (i == names_count)
            return 3;
        size_t key_length = unhex(key), value_length = unhex(value);
        if (strcmp(verb, "put") == 0)
            rocksdb_put_cf(db, writing, families[i], key, key_length, value, value_length, &failure);
        else
            rocksdb_delete_cf(db, writing, families[i], key, key_length, &failure);
        stop_on_failure();
    }
    for (size_t i = 0; i < names_count; i++)
        rocksdb_column_family_handle_destroy(families[i]);
    rocksdb_close(db);
    return 0;
}
"""


class Ledger:
    """The database of a gateway that has stopped, and what verify says of it."""

    def __init__(self, config, data):
        self.config, self.path = config, os.path.join(data, "ledger", "db")
        self.program = compiled(KV_SOURCE, "kv", "-lrocksdb")
        self.missed, self.found, self.key = [], {}, None

    def all(self):
        """{family: {key: value}}, keys in order, all in hex."""
        done = subprocess.run([self.program, self.path], capture_output=True, check=True)
        found = {}
        for line in done.stdout.decode().splitlines():
            family, key, value = line.split(" ")
            found.setdefault(family, {})[key] = value
        return found

    def write(self, changes):
        """changes: (family, key, value or None)."""
        text = "".join(f"put {family} {key} {value}\n" if value is not None else f"del {family} {key}\n"
                       for family, key, value in changes)
        subprocess.run([self.program, self.path, "write"], input=text.encode(), capture_output=True, check=True)

    def verify(self, *arguments):
        return tollgate("verify", "-c", self.config, *arguments)

    def tamper(self, what, changes, month=None):
        """Makes the changes, asks verify, and takes them back."""
        before = [(family, key, self.found.get(family, {}).get(key)) for family, key, _ in changes]
        self.write(changes)
        code, out, err = self.verify("--key", self.key)
        if code == 0 or not err.strip():
            self.missed.append(f"{what}: exit {code}")
        elif month and month not in out + err:
            self.missed.append(f"{what}: does not name {month}: {out} {err}")
        check("Sanitizer" not in err and "runtime error" not in err and "assert" not in err.lower(), f"{what}: {err}")
        check(code in (0, 1), f"{what}: exit {code}: {err}")
        self.write(before)


def flipped(value, byte, bit):
    raw = bytearray(bytes.fromhex(value))
    raw[byte] ^= 1 << bit
    return raw.hex()


with Sim() as sim:
    with Gateway(sim, env=clock(LAST, 14)) as gateway:
        gateway.chat(sim_text({"byok": True}))
        wait_for(lambda: len(gateway.rows(month=LAST)) == 1, "a row")
    with Gateway(sim, data=gateway.data, env=clock(LAST, 15)) as gateway:
        for number in range(6):
            gateway.chat(f"{number % 3}", cache=True, user="someone", headers={"ai-reporting-tags": "a"})
        gateway.chat(sim_text({"status": 500}))
        wait_for(lambda: len(gateway.rows(month=LAST)) == 8, "8 rows")
    with Gateway(sim, data=gateway.data) as gateway:
        for number in range(5):
            gateway.chat(f"now {number % 3}", cache=True, user="someone")
        gateway.settled_rows(5)
ledger = Ledger(gateway.config, gateway.data)
code, out, err = tollgate("keys", "signing", "-c", gateway.config)
ledger.key = re.search(r"\b[0-9a-f]{64}\b", out).group(0)
for month in (month_before(LAST), LAST):
    code, out, err = tollgate("close", "-c", gateway.config, "--month", month)
    equal(code, 0, err)
code, out, err = ledger.verify("--key", ledger.key)
equal((code, err), (0, ""), "nothing was touched yet")
found = ledger.found = ledger.all()
check(len(found[LAST]) >= 4 and len(found[NOW]) >= 3, "a value for each row, or for a few hits")

# The closed month: every row, in every way.
keys = list(found[LAST])
for place, key in enumerate(keys):
    value = found[LAST][key]
    other = keys[(place + 1) % len(keys)]
    ledger.tamper(f"row {place} dropped", [(LAST, key, None)], LAST)
    ledger.tamper(f"row {place} exchanged with the next", [(LAST, key, found[LAST][other]), (LAST, other, value)], LAST)
    ledger.tamper(f"row {place} twice", [(LAST, f"{int(key, 16) + 2:0{len(key)}x}", value)], LAST)
    ledger.tamper(f"row {place} moved to another month", [(LAST, key, None), (NOW, key, value)])
    for length in (0, len(value) // 4, len(value) // 2 - 1)[place % 3:][:1]:
        ledger.tamper(f"row {place} cut to {length} bytes", [(LAST, key, value[:2 * length])], LAST)
    ledger.tamper(f"row {place} with a byte more", [(LAST, key, value + "00")], LAST)
for place, key in enumerate(keys):
    value = found[LAST][key]
    for byte in range(place, len(value) // 2, 71):
        ledger.tamper(f"row {place}: bit of byte {byte}", [(LAST, key, flipped(value, byte, byte % 8))], LAST)
ledger.tamper("all rows gone", [(LAST, key, None) for key in keys], LAST)
ledger.tamper("the last two gone", [(LAST, key, None) for key in keys[-2:]], LAST)

# Its head.
head = bytes.fromhex(found["seals"][LAST.encode().hex()]).decode()
name = LAST.encode().hex()
for old, new in (("rows 8", "rows 7"), ("issued 8", "issued 9"), ("booked 0", "booked 1"), ("saved 0", "saved 2"),
                 ("root ", "root 0"), ("export -", "export " + "0" * 64), (f"month {LAST}", f"month {NOW}"),
                 ("signature ", "signature 0"), ("tollgate", "Tollgate")):
    check(old in head, old)
    ledger.tamper(f"head: {old!r} is {new!r}", [("seals", name, head.replace(old, new, 1).encode().hex())])
ledger.tamper("the head is empty", [("seals", name, "")])
ledger.tamper("the head is gone", [("seals", name, None)])
first = month_before(LAST).encode().hex()
ledger.tamper("the head before is gone", [("seals", first, None)])
ledger.tamper("both heads are exchanged", [("seals", first, found["seals"][name]), ("seals", name, found["seals"][first])])
ledger.tamper("a head for the open month", [("seals", NOW.encode().hex(), head.replace(LAST, NOW).encode().hex())])

# The open month: places, counts and sums.
keys = list(found[NOW])
for place, key in enumerate(keys):
    value = found[NOW][key]
    ledger.tamper(f"open: row {place} dropped", [(NOW, key, None)], NOW)
    ledger.tamper(f"open: row {place} twice", [(NOW, f"{int(key, 16) + 2:0{len(key)}x}", value)], NOW)
    other = keys[(place + 1) % len(keys)]
    ledger.tamper(f"open: row {place} exchanged", [(NOW, key, found[NOW][other]), (NOW, other, value)], NOW)
    ledger.tamper(f"open: row {place} cut", [(NOW, key, value[:len(value) // 4 * 2])], NOW)
    ledger.tamper(f"open: row {place} with a byte more", [(NOW, key, value + "00")], NOW)
ledger.tamper("open: all rows gone", [(NOW, key, None) for key in keys], NOW)

# What is kept beside the rows. Sums that are not there are made anew from the rows.
reports = [gateway.report(), tollgate("report", "-c", gateway.config, "--month", LAST)[1]]
equal(len(found["rollups"]), 2, "sums of two hours")
for key, value in found["rollups"].items():
    ledger.write([("rollups", key, None)])
    equal([gateway.report(), tollgate("report", "-c", gateway.config, "--month", LAST)[1]], reports, "without sums")
    ledger.write([("rollups", key, value)])
    for byte in range(20, len(value) // 2, 41):
        ledger.tamper(f"sums: bit of byte {byte}", [("rollups", key, flipped(value, byte, 0))])
first, second = found["rollups"]
ledger.tamper("sums of another hour", [("rollups", first, found["rollups"][second])])
for key in found["ids"]:
    ledger.tamper("a row without its id", [("ids", key, None)])
last = max(key for key in found["default"] if bytes.fromhex(key).startswith(b"end/"))
ledger.tamper("how many ids were issued", [("default", last, flipped(found["default"][last], 15, 0))])

for each in ledger.missed:
    print("not found:", each, file=sys.stderr)
equal(len(ledger.missed), 0, "changes that verify did not find")
code, out, err = ledger.verify("--key", ledger.key)
equal((code, err), (0, ""), "all was put back")
