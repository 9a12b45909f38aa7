"""tollgate prices: an import into a table adds versions, loses none, and the second changes nothing."""
from harness import *

DIR = folder()
TABLE = os.path.join(DIR, "prices.json")


def catalogue(**models):
    path = os.path.join(DIR, "list.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"data": [{"id": f"acme/{name}", "pricing": pricing}
                            for name, pricing in models.items()]}, file)
    return path


def import_list(at, summary, *more, **models):
    code, out, err = tollgate("prices", "import", "vercel", catalogue(**models), "--from", at,
                              "-o", TABLE, *more)
    equal((code, out), (0, ""), err)
    check(summary in err.splitlines()[-1], err)
    return err


def bytes_of_table():
    with open(TABLE, "rb") as file:
        return file.read()


def show(model, *more):
    code, out, err = tollgate("prices", "show", TABLE, model, *more)
    return code, out if code == 0 else err


import_list("2026-07-01", "2 models, 2 with a price; 2 new, 0 changed, 0 no longer listed",
            one={"input": "0.000001", "output": "0.000002"}, two={"input": "0.000005"})
first = bytes_of_table()
import_list("2026-07-15", "0 new, 0 changed, 0 no longer listed; 0 notes; nothing new",
            one={"output": "2e-6", "input": "1e-6"}, two={"input": "0.0000050"})
equal(bytes_of_table(), first, "a table after nothing new")

# One changes, one is gone, one is new.
told = import_list("2026-08-01T12:00:00Z", "1 new, 1 changed, 1 no longer listed; 1 notes; written",
                   one={"input": "0.000003", "output": "0.000002"}, three={"input": "0"})
check("acme/two: not in the list: its price stays" in told, told)
code, out = show("acme/one", "--at", "2026-08-01T11:59:59Z")
check(code == 0 and re.search(r"input +0\.000001\n", out), out)
check("since 2026-07-01T00:00:00Z until 2026-08-01T12:00:00Z" in out, out)
code, out = show("acme/one", "--at", "2026-08-01T12:00:00Z")
check(code == 0 and re.search(r"input +0\.000003\n", out), out)
check("since 2026-08-01T12:00:00Z\n" in out and "source vercel" in out, out)
check(hashlib.sha256(bytes_of_table()).hexdigest() in out, "the table's hash")
equal(show("acme/two", "--at", "2026-09-01")[0], 0, "what is no longer listed")
equal(show("acme/three", "--at", "2026-09-01")[0], 0, "a free model is priced")

# Unknown is not free, and says what is near.
code, err = show("acme/one", "--at", "2026-06-30")
check(code == 1 and "unknown is not free" in err and "from 2026-07-01T00:00:00Z on" in err, err)
code, err = show("ACME-old/Thr_ee")
check(code == 1 and "near: acme/three" in err, err)
code, err = show("acme/nothing-like-it")
check(code == 1 and "unknown is not free" in err and "near" not in err, err)

# A price that the list no longer tells ends.
import_list("2026-09-01", "1 changed", one={}, two={"input": "0.000005"}, three={"input": "0"})
check(show("acme/one", "--at", "2026-09-01")[0] == 1, "a price that has ended")
check(show("acme/one", "--at", "2026-08-31")[0] == 0, "the price before")
code, out, err = tollgate("prices", "list", TABLE)
equal(code, 0, err)
equal([line.split("\t") for line in out.splitlines()],
      [["acme/one", "3", "2026-09-01T00:00:00Z", "unpriced"],
       ["acme/three", "1", "2026-08-01T12:00:00Z", "vercel"],
       ["acme/two", "1", "2026-07-01T00:00:00Z", "vercel"]])

import_list("2026-10-01", "1 new, 0 changed", "--replace", four={"input": "1e-6"})
equal(show("acme/two")[0], 1, "what was replaced")

for arguments in (("import", "vercel", TABLE), ("import", "acme", TABLE, "-o", TABLE),
                  ("import", "vercel", TABLE, "-o", TABLE, "--from", "July"), ("show", TABLE),
                  ("import", "vercel", TABLE, "-o", TABLE, "--provider", "acme"),
                  ("show", TABLE, "acme/two", "--prompt", "many"), ()):
    equal(tollgate("prices", *arguments)[0], 2, f"misuse: {arguments}")
