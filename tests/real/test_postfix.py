"""A real Postfix of the test's own, on loopback, takes a day's mails of a shop into maildirs. Every mail accepted there is
there once, with both DKIM signatures good for an independent verifier and a return path of its own; what Postfix returns
itself finds its message, read by a watcher of the maildir. Counts agree with the outbox. On SQLite and, with RELANCE_TEST_PG,
PostgreSQL. Skipped when not root (Postfix starts as root) or without Postfix.

usage: test_postfix.py RELANCE
"""
import email
import email.utils
import json
import os
import pwd
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

RELANCE = sys.argv[1]
SKIP = 77
sys.path.append("/usr/lib/python3/dist-packages")  # Debian's python3-dkim, whatever the python in front
try:
    import dkim
except ImportError:
    dkim = None

MAIN = """compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {root}/log
maillog_file_prefixes = {root}
myhostname = mx.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
recipient_delimiter =
virtual_mailbox_domains = static:all
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = texthash:{root}/boxes, regexp:{root}/bounces
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
transport_maps = regexp:{root}/transport
alias_maps =
alias_database =
local_recipient_maps =
"""
MASTER = """127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
nouser unix - n n - - pipe flags= user=nobody argv=/bin/sh -c {{exit 67}}
"""


def skip(why):
    print("skipped:", why)
    sys.exit(SKIP)


def relance(*args):
    done = subprocess.run([RELANCE, *args], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout


def box(address):
    """A person's maildir."""
    return "/".join(reversed(address.lower().split("@")))


class Postfix:
    """An instance under `root`, with its own configuration, queue and log."""

    def __init__(self, root, people, gone):
        self.root = root
        self.conf = os.path.join(root, "conf")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        for part in ("conf", "queue", "data", "mail"):
            os.mkdir(os.path.join(root, part))
        nobody = pwd.getpwnam("nobody")
        shutil.chown(os.path.join(root, "data"), "postfix")
        os.chown(os.path.join(root, "mail"), nobody.pw_uid, nobody.pw_gid)
        words = {"root": root, "port": self.port, "uid": nobody.pw_uid, "gid": nobody.pw_gid, "daemons": "/usr/lib/postfix/sbin"}
        self.write("conf/main.cf", MAIN.format(**words))
        self.write("conf/master.cf", MASTER.format(**words))
        self.write("boxes", "".join(f"{who} {box(who)}/\n" for who in sorted(people)))
        self.write("bounces", "/^b\\+[a-z2-7]+@bounces\\.example\\.com$/ bounces/\n")
        self.write("transport", "".join(f"/^{re.escape(who)}$/ nouser:\n" for who in gone))

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w", encoding="utf-8") as f:
            f.write(text)

    def command(self, what):
        return subprocess.run(["postfix", "-c", self.conf, what], capture_output=True, text=True, timeout=60, check=False)

    def log(self):
        try:
            with open(os.path.join(self.root, "log"), encoding="utf-8", errors="replace") as f:
                return f.read()[-4000:]
        except OSError:
            return "no log"

    def __enter__(self):
        started = self.command("start")
        assert started.returncode == 0, (started.stderr, self.log())
        for _ in range(100):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.1)
        self.command("stop")
        raise AssertionError(self.log())

    def __exit__(self, *_):
        self.command("stop")

    def drained(self):
        """All that Postfix took has been delivered or returned."""
        for _ in range(300):
            listed = subprocess.run(["postqueue", "-c", self.conf, "-j"], capture_output=True, text=True, timeout=30, check=False)
            if listed.returncode == 0 and not listed.stdout.strip():
                return
            time.sleep(0.2)
        raise AssertionError(self.log())

    def mails(self):
        """(folder, bytes with CRLF) of all that was delivered."""
        for folder, _, files in os.walk(os.path.join(self.root, "mail")):
            for name in files if os.path.basename(folder) == "new" else ():
                with open(os.path.join(folder, name), "rb") as f:
                    yield os.path.relpath(os.path.dirname(folder), os.path.join(self.root, "mail")), re.sub(rb"\r?\n", b"\r\n", f.read())


def shop(db, folder):
    """A shop whose anti-churn plan is on; the addresses it will write to."""
    relance("simulate", db, "--customers", "300", "--years", "3", "--seed", "7", "--until", "2026-01-01")
    keys = os.path.join(folder, "keys")
    made = json.loads(relance("domain", "keys", "example.com", "--out", keys, "--format", "json"))
    records = {r["name"].rstrip("."): r["publish"] for r in made}
    for name, value in (("shop.email", "bonjour@example.com"), ("bounce.address", "b@bounces.example.com"), ("smtp.host", "127.0.0.1"),
                        ("smtp.tls", "none"), ("dkim.keys", keys)):
        relance("set", db, name, value)
    relance("plan", "on", db, "anti-churn", "--at", "2026-01-02T08:00")
    return db, records


def rows(db, sql):
    if "://" in db:
        address, _, schema = db.partition("&schema=")
        done = subprocess.run(["psql", "-XAtq", "-F", "|", address, "-c", f"SET search_path TO {schema}; {sql}"], capture_output=True, text=True,
                              check=True)
        return [tuple(line.split("|")) for line in done.stdout.splitlines()]
    with sqlite3.connect(db) as connection:
        return [tuple(map(str, row)) for row in connection.execute(sql)]


def verify(mail, records):
    """Both signatures, RSA and Ed25519, each by the published record."""
    def dnsfunc(name, timeout=5):
        del timeout
        name = name.decode() if isinstance(name, bytes) else name
        return records[name.rstrip(".")].encode()

    signatures = mail.split(b"\r\n\r\n")[0].lower().count(b"dkim-signature:")
    assert signatures == 2, signatures
    for i in range(signatures):
        assert dkim.DKIM(mail).verify(idx=i, dnsfunc=dnsfunc), (i, mail[:2000])
    tampered = mail.replace(b"\r\n\r\n", b"\r\n\r\nX", 1)
    try:
        good = dkim.DKIM(tampered).verify(dnsfunc=dnsfunc)
    except dkim.ValidationError:
        good = False
    assert not good, "a changed body does not verify"


def watched(db, maildir, count):
    """The maildir's watcher, until it has written what came back; what it says when it is told to end."""
    watcher = subprocess.Popen([RELANCE, "bounce", db, "--maildir", maildir, "--at", "2026-01-03T09:00", "--format", "json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(300):
        if rows(db, "SELECT count(*) FROM fact WHERE kind = 6 AND key LIKE '%:hard_bounce'") == [(str(count),)] and not os.listdir(maildir + "/new"):
            break
        time.sleep(0.1)
    else:
        watcher.kill()
        raise AssertionError(watcher.communicate())
    watcher.terminate()
    out, trouble = watcher.communicate(timeout=20)
    assert (watcher.returncode, trouble) == (0, ""), trouble
    return json.loads(out)


def day(root, db):
    db, records = shop(db, root)
    gone = ["thierry.lemoine102@example.com"]
    people = {who.lower() for who, in rows(db, "SELECT email FROM person WHERE email <> ''")}
    assert gone[0] in people
    with Postfix(root, people, gone) as postfix:
        relance("set", db, "smtp.port", str(postfix.port))
        ticked = json.loads(relance("tick", db, "--at", "2026-01-02T10:00", "--out", os.path.join(root, "out"), "--format", "json"))
        postfix.drained()
        delivered = list(postfix.mails())
    mails = [(folder, mail) for folder, mail in delivered if folder != "bounces"]
    (accepted,), = rows(db, "SELECT count(*) FROM message WHERE channel = 0 AND state = 3")
    accepted = int(accepted)
    assert ticked["refused"] == ticked["deferred"] == 0, (ticked, postfix.log())
    assert accepted > 50, accepted
    assert len(delivered) - len(mails) == len(gone), (len(delivered), len(mails), postfix.log())
    assert len(mails) + len(gone) == accepted, (len(mails), accepted, postfix.log())
    ids, paths = set(), set()
    for folder, mail in mails:
        head = email.message_from_bytes(mail)
        ids.add(head["Message-ID"])
        paths.add(head["Return-Path"])
        assert folder == box(email.utils.parseaddr(head["To"])[1]), (folder, head["To"])
        assert re.fullmatch(r"<b\+[a-z2-7]{26}@bounces\.example\.com>", head["Return-Path"]), head["Return-Path"]
        verify(mail, records)
    assert len(ids) == len(paths) == len(mails), "each mail once, each with a return path of its own"
    took = watched(db, os.path.join(root, "mail", "bounces"), len(gone))
    assert (took["mails"], took["hard"], took["unknown_here"]) == (len(gone), len(gone), 0), took
    print(f"{'PostgreSQL' if '://' in db else 'SQLite'}: {accepted} mails accepted, {len(mails)} in maildirs, {len(gone)} returned and found, {2 * len(mails)} DKIM signatures good")


def main():
    if os.geteuid() != 0:
        skip("Postfix is started as root; run this test as root")
    if not shutil.which("postfix") or not os.path.isdir("/usr/lib/postfix/sbin"):
        skip("Postfix is not installed (Debian: postfix)")
    if not dkim:
        skip("no DKIM verifier (Debian: python3-dkim)")
    server = os.environ.get("RELANCE_TEST_PG")
    if not server:
        print("PostgreSQL is left out: RELANCE_TEST_PG is not set (tools/with_postgres.sh)")
    for address in ("s.db", server + "&schema=posted" if server else None):
        if address:
            with tempfile.TemporaryDirectory() as root:
                os.chmod(root, 0o755)
                day(root, address if "://" in address else os.path.join(root, address))


main()
