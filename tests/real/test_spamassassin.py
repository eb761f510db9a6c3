"""SpamAssassin, with Debian's own rules and no network, scores every shipped message in both languages below 1, as a receiving mail
server sees it; and something that is spam far above, so that the rules are known to be there. Skipped without spamassassin.

usage: test_spamassassin.py RELANCE
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

RELANCE = sys.argv[1]
SKIP = 77
LIMIT = 1.0
CHECK = r"""
use strict; use Mail::SpamAssassin;
my $sa = Mail::SpamAssassin->new({ local_tests_only => 1, dont_copy_prefs => 1, userprefs_filename => '/dev/null', userstate_dir => shift @ARGV });
for my $file (@ARGV) {
    open my $in, '<', $file or die "$file: $!";
    local $/;
    my $mail = $sa->parse(scalar <$in>);
    my $said = $sa->check($mail);
    printf "%s\t%.1f\t%s\n", $file, $said->get_score, $said->get_names_of_tests_hit;
    $said->finish;
    $mail->finish;
}
"""
RECEIVED = (b"Received: from mail.maison-claire.example (mail.maison-claire.example [93.184.216.34])\r\n"
            b"\tby mx.example.net (Postfix) with ESMTPS id 4XyZ; %s\r\n")
SPAM = (b"From: \"Winner Dept\" <a@b.example>\r\nTo: you@example.net\r\nSubject: YOU WON $$$ 1,000,000 VIAGRA FREE!!!\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/html\r\n\r\n<html><body><font size=7 color=red>CLICK HERE NOW! Dear friend, I am the widow of the late general; the sum of "
        b"TEN MILLION UNITED STATES DOLLARS will be transferred to your bank account. Buy viagra online! XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-"
        b"ANTI-UBE-TEST-EMAIL*C.34X</font></body></html>\r\n")


def relance(*args):
    done = subprocess.run([RELANCE, *args], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout


def mails(folder):
    """Every message as a whole mail, with what the receiving server puts before it."""
    db, out = os.path.join(folder, "s.db"), os.path.join(folder, "out")
    for locale in ("fr", "en"):
        os.makedirs(os.path.join(out, locale))
    relance("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr", "--name", "Maison Claire")
    for name, value in (("shop.email", "bonjour@maison-claire.example"), ("shop.url", "https://www.maison-claire.example"),
                        ("shop.address", "12 rue des Carmes, 44000 Nantes"), ("public_url", "https://r.maison-claire.example")):
        relance("set", db, name, value)
    names = sorted({m["name"] for m in json.loads(relance("message", "list", "--format", "json"))})
    for name in names:
        for locale in ("fr", "en"):
            relance("message", "test", name, "--db", db, "--locale", locale, "--to", "lea@example.net", "--out", os.path.join(out, locale))
    found = sorted(glob.glob(os.path.join(out, "*", "*.eml")))
    for path in found:
        with open(path, "rb") as f:
            mail = f.read()
        date = next(line for line in mail.split(b"\r\n") if line.lower().startswith(b"date:"))[5:].strip()
        with open(path, "wb") as f:
            f.write(RECEIVED % date + mail)
    assert len(found) == 2 * len(names) >= 50, (len(found), len(names))
    return found


def main():
    if not shutil.which("spamassassin"):
        print("skipped: spamassassin is not installed (Debian: spamassassin)")
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory() as folder:
        files = mails(folder)
        spam = os.path.join(folder, "spam.eml")
        with open(spam, "wb") as f:
            f.write(SPAM)
        state = os.path.join(folder, "state")
        os.mkdir(state)
        done = subprocess.run(["perl", "-e", CHECK, "--", state, spam, *files], capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        scores = [line.split("\t") for line in done.stdout.splitlines()]
        assert len(scores) == len(files) + 1, done.stderr
        assert float(scores[0][1]) > 100, ("the rules are not there", scores[0])
        worst = max(scores[1:], key=lambda s: float(s[1]))
        high = [(os.path.relpath(path, folder), score, rules) for path, score, rules in scores[1:] if float(score) >= LIMIT]
        assert not high, high
        print(f"{len(files)} mails below {LIMIT}; the highest is {os.path.relpath(worst[0], folder)} with {worst[1]} ({worst[2]})")


main()
