"""Who can write the ledger and make a key of their own closes a month anew with other rows: the public key that was
kept elsewhere finds it, and so does the head that was."""
from harness import *

LAST = month_before()

with Sim() as sim:
    with Gateway(sim, env=clock(LAST)) as gateway:
        for number in range(3):
            gateway.chat(f"{number}")
        wait_for(lambda: len(gateway.rows(month=LAST)) == 3, "3 rows")
        honest = gateway.data
    forged = os.path.join(folder(), "data")
    subprocess.run(["cp", "-a", "--sparse=always", honest, forged], check=True)  # as it was before the close
    config = gateway.config
    key = tollgate("keys", "signing", "-c", config)[1].strip()
    code, head, err = tollgate("close", "-c", config, "--month", LAST)
    equal(code, 0, err)
    # The forger goes back to before the close, adds a request to the past month and closes with a key of his own.
    with Gateway(sim, data=forged, env=clock(LAST, 16)) as gateway:
        gateway.chat("never asked")
        wait_for(lambda: len(gateway.rows(month=LAST)) == 4, "4 rows")
    other = tollgate("keys", "signing", "-c", gateway.config)[1].strip()
    check(re.fullmatch("[0-9a-f]{64}", other) and other != key, "a key of his own")
    code, new_head, err = tollgate("close", "-c", gateway.config, "--month", LAST)
    equal(code, 0, err)
    equal(tollgate("verify", "-c", gateway.config)[0], 0, "it is whole in itself")
    code, out, err = tollgate("verify", "-c", gateway.config, "--key", key)
    check(code == 1 and LAST in err and "another key" in err, f"{code} {out} {err}")
    roots = [re.search(r"^root ([0-9a-f]{64})$", text, re.M).group(1) for text in (head, new_head)]
    check(roots[0] != roots[1], "and it has another root")
    equal(tollgate("verify", "-c", config, "--key", key)[0], 0, "the honest one")
    # Heads of both under one roof: the honest month, and after it one signed by the other key.
    shutil.copy(os.path.join(forged, "signing-key"), os.path.join(honest, "signing-key"))
    with Gateway(sim, data=honest) as gateway:
        gateway.chat("now")
        gateway.wait_rows(1)
    env = clock(month_before(back=-1), 2)
    code, out, err = tollgate("close", "-c", gateway.config, "--month", this_month(), env=env)
    if code == 0:  # a key may be replaced; that heads have two is told
        for arguments in ((), ("--key", key), ("--key", other)):
            code, out, err = tollgate("verify", "-c", gateway.config, *arguments, env=env)
            check(code == 1 and err.strip(), f"{arguments}: {code} {out} {err}")
    else:
        check("key" in err, err)
