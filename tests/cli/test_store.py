#!/usr/bin/env python3
"""init, check, backup, restore as a user runs them: test_store.py RELANCE."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

RELANCE = os.path.abspath(sys.argv.pop(1))
INIT = ["--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr"]


class Store(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.db = os.path.join(self.dir.name, "shop.db")

    def tearDown(self):
        self.dir.cleanup()

    def run_it(self, status, *args):
        done = subprocess.run([RELANCE, *args], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        if status:
            self.assertEqual(done.stderr.count("\n"), 1, "an error is one line")
            self.assertTrue(done.stderr.startswith("relance: "))
        return done.stderr if status else done.stdout

    def test_init(self):
        out = self.run_it(0, "init", self.db, *INIT, "--name", "Chez Léa")
        self.assertIn(f"Next: relance import {self.db}", out)
        self.assertEqual(os.stat(self.db + ".key").st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.db).st_mode & 0o777, 0o600)
        self.assertIn("holds a shop already", self.run_it(1, "init", self.db, *INIT))

    def test_init_json(self):
        got = json.loads(self.run_it(0, "init", self.db, *INIT, "--format", "json"))
        self.assertEqual((got["timezone"], got["currency"], got["locale"]), ("Europe/Paris", "EUR", "fr"))

    def test_init_refuses(self):
        for wrong, says in ((["--timezone", "Europe/Pari"], "time zone"), (["--currency", "EURO"], "currency"),
                            (["--locale", "de"], "language")):
            self.assertIn(says, self.run_it(2, "init", self.db, *INIT, *wrong))
            self.assertFalse(os.path.exists(self.db))
        self.assertIn("--timezone", self.run_it(2, "init", self.db))

    def test_check(self):
        self.run_it(0, "init", self.db, *INIT)
        self.assertIn("is sound: 0 facts", self.run_it(0, "check", self.db))
        self.assertEqual(json.loads(self.run_it(0, "check", self.db, "--format", "json")), [])
        with open(self.db, "r+b") as f:
            f.write(b"no database at all")
        self.assertIn("not a relance database", self.run_it(1, "check", self.db))

    def test_backup_and_restore(self):
        self.run_it(0, "init", self.db, *INIT)
        copy = os.path.join(self.dir.name, "copy.backup")
        self.run_it(0, "backup", self.db, copy)
        self.assertIn("exists already", self.run_it(1, "backup", self.db, copy))
        self.assertIn("--replace", self.run_it(1, "restore", copy, self.db))
        self.assertIn("incarnation 2", self.run_it(0, "restore", copy, self.db, "--replace"))
        self.run_it(0, "check", self.db)
        moved = os.path.join(self.dir.name, "moved.db")
        self.assertIn("key file", self.run_it(1, "restore", copy, moved))
        os.link(self.db + ".key", moved + ".key")
        self.run_it(0, "check", moved)

    def test_nothing_there(self):
        self.assertIn("relance init", self.run_it(1, "check", self.db))
        self.assertFalse(os.path.exists(self.db))


unittest.main()
