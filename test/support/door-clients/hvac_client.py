"""One call of hvac, as a program: reads a request as JSON and prints what the client made of the answer."""
import json
import sys

import hvac

asked = json.load(sys.stdin)
client = hvac.Client(url=asked["url"], token=asked["token"])
kv = client.secrets.kv.v2
where = {"path": asked["path"], "mount_point": asked["mount"]}
try:
    if asked["do"] == "list":
        value = sorted(kv.list_secrets(**where)["data"]["keys"])
    elif asked["do"] == "write":
        answer = kv.create_or_update_secret(secret={"written": "by hvac"}, **where)
        value = answer["data"]["version"] > 0
    else:
        answer = kv.read_secret_version(raise_on_deleted_version=True, **where)
        value = answer["data"]["data"]
    print(json.dumps({"value": value}))
except hvac.exceptions.VaultError as error:
    print(json.dumps({"error": type(error).__name__, "texts": error.errors}))
