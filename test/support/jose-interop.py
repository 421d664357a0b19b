"""Makes and opens Purser's API keys with another JOSE implementation, from the published format alone (HKDF, JWE)."""
import base64
import json
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe
from joserfc.jwk import OctKey


def derive(encryption_key: str, purpose: str) -> bytes:
    info = f"purser/v1/{purpose}".encode()
    return HKDF(hashes.SHA256(), 32, salt=b"", info=info).derive(encryption_key.encode())


asked = json.load(sys.stdin)
key = OctKey.import_key(derive(asked["encryptionKey"], "api-key"))
kid = base64.urlsafe_b64encode(derive(asked["encryptionKey"], "kid")[:6]).decode()
algorithms = ["dir", "A256GCM"]

if "claims" in asked:
    claims = {**asked["claims"], "kid": kid}
    header = {"alg": "dir", "enc": "A256GCM", "typ": "purser-key+jwe", "kid": kid}
    compact = jwe.encrypt_compact(header, json.dumps(claims), key, algorithms=algorithms)
    print(f"purser_{claims['env']}_{compact}", end="")
else:
    compact = asked["apiKey"].split("_", 2)[2]
    opened = jwe.decrypt_compact(compact, key, algorithms=algorithms)
    print(json.dumps({"header": opened.headers(), "claims": json.loads(opened.plaintext)}))
