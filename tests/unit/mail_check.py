"""Reads a mail as other software does, for test_mime and test_dkim.

mail_check.py parse FILE            prints what Python's email package understands, as "field: value" lines
mail_check.py dkim FILE NAME=TXT …  verifies every DKIM signature with dkimpy; prints one "pass" or "fail" a signature
"""
import sys


def parse(path):
    import email
    from email import policy
    message = email.message_from_binary_file(open(path, "rb"), policy=policy.default)
    for name in ("From", "To", "Subject", "Message-ID", "Date", "List-Unsubscribe", "List-Unsubscribe-Post", "List-ID",
                 "Auto-Submitted", "Feedback-ID"):
        if message[name] is not None:
            print("%s: %s" % (name, message[name]))
    for address in message["To"].addresses:
        print("to-name: %s\nto-address: %s" % (address.display_name, address.addr_spec))
    for part in message.walk():
        if part.get_content_maintype() == "text":
            body = part.get_content()
            print("%s: %s" % (part.get_content_type(), body.replace("\r\n", "\n").replace("\n", "\\n")))
        elif part.get_filename():
            print("file: %s %d" % (part.get_filename(), len(part.get_content())))
    defects = [d for part in message.walk() for d in part.defects]
    print("defects: %d" % (len(defects) + sum(len(v.defects) for _, v in message.items())))


def dkim_check(path, records):
    import dkim
    zone = dict(r.split("=", 1) for r in records)
    mail = open(path, "rb").read()

    def txt(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        return zone.get(name.rstrip("."), "").encode()

    verifier = dkim.DKIM(mail)
    for i in range(mail.count(b"DKIM-Signature:")):
        try:
            print("pass" if verifier.verify(idx=i, dnsfunc=txt) else "fail")
        except Exception as error:  # the test prints why
            print("fail", type(error).__name__, error)


if sys.argv[1] == "parse":
    parse(sys.argv[2])
else:
    dkim_check(sys.argv[2], sys.argv[3:])
